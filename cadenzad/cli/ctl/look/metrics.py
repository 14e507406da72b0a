"""`cadenzactl metrics`: figures in the Prometheus text format."""

from __future__ import annotations

import argparse
from contextlib import closing

from cadenzad.cli.base.lookup import file_to_write
from cadenzad.cli.base.output import say_json, say_lines
from cadenzad.cli.base.parser import OK, add_json_and_state, filled
from cadenzad.config.paths import state_dir
from store.schema import connect_reader

DESCRIPTION = """Figures in the Prometheus text format: watching, lag, sizes, queue, jobs, projects.
With and without a daemon; the cost does not grow with the history."""
EXAMPLE = "cadenzactl metrics --textfile /var/lib/node_exporter/cadenzad.prom"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--textfile",
        type=filled,
        metavar="FILE",
        help="write them there by atomic rename (node_exporter reads *.prom)",
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.metrics.collect import collect
    from cadenzad.metrics.prometheus import render, write_textfile

    directory = state_dir(arguments.state)
    with closing(connect_reader(directory)) as reader:
        if arguments.textfile:
            write_textfile(file_to_write(arguments.textfile, "--textfile"), directory, reader)
            if arguments.json:
                say_json({"textfile": arguments.textfile})
            return OK
        metrics = collect(directory, reader)
    if arguments.json:
        families = [
            metric._asdict() | {"samples": [sample._asdict() for sample in metric.samples]}
            for metric in metrics
        ]
        say_json({"metrics": families}, indent=2)
    else:
        say_lines(render(metrics).removesuffix("\n"))
    return OK
