"""`cadenzad`: the daemon in the foreground, as systemd wants it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from cadenzad import __version__
from cadenzad.cli.base.parser import EXIT_CODES, Parser, add_state_option, filled, run, stoppable
from store import interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from cadenzad.config.files import Config
    from cadenzad.daemon import Daemon
    from store.errors import CadenzaError


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = Parser(
        prog="cadenzad",
        description="Watch robot projects: run logs become events, exports and a state view. Runs "
        "in the foreground until SIGTERM or SIGINT.",
        epilog="example:\n  cadenzad --workspace ~/robots\n\n" + EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"cadenzad {__version__}")
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        action="append",
        default=[],
        type=filled,
        help="a folder that holds projects; repeatable; replaces those of the configuration",
    )
    parser.add_argument(
        "--config", metavar="FILE", type=filled, help="cadenzad.toml (FILE.d/*.toml on top)"
    )
    parser.add_argument(
        "--once", action="store_true", help="one reconcile and what it triggers, then exit (cron)"
    )
    parser.add_argument(
        "--log-json", action="store_true", help="log one JSON object a line, as `log.json` does"
    )
    add_state_option(parser)
    parser.set_defaults(command=daemon)
    return parser


def daemon(arguments: argparse.Namespace) -> int:
    """Run the daemon until it is told to stop, or once."""
    from cadenzad.config.files import load_config
    from cadenzad.config.paths import expand, state_dir
    from cadenzad.daemon import Daemon
    from cadenzad.logs import set_up_logging
    from store.errors import ConfigError

    file = expand(arguments.config) if arguments.config else None

    def load() -> Config:
        config = load_config(file, arguments.workspace)
        if not config.workspaces:
            hint = "cadenzad --workspace DIR, or `workspaces` in the config"
            raise ConfigError("no workspace to watch", hint=hint)
        if arguments.log_json:
            log = config.log.model_copy(update={"json_lines": True})
            return config.model_copy(update={"log": log})
        return config

    config = load()
    absent = _absent(config) if arguments.once else []
    if absent and len(absent) == len(config.workspaces):
        raise _not_scanned(absent)
    running = Daemon(config, state_dir(arguments.state), load)
    as_json = config.log.json_lines
    set_up_logging(config.log.level, json_lines=as_json)
    if not arguments.once:
        return running.run()
    code = _once(running, with_bar=not as_json and sys.stderr.isatty())
    if absent:
        raise _not_scanned(absent)
    return code


def _once(running: Daemon, *, with_bar: bool) -> int:
    """One scan and what it triggers; who breaks it off is told what becomes of the rest."""
    import logging

    from cadenzad.cli.terminal.bars import job_bar

    try:
        with stoppable(), job_bar() if with_bar else nullcontext(lambda _values: None) as progress:
            return running.run(once=True, progress=progress)
    except KeyboardInterrupt:
        logging.getLogger("cadenzad").warning(
            "interrupted: what was recorded is kept, and the next start does the rest"
        )
        raise


def _absent(config: Config) -> list[Path]:
    """Workspaces that are no folders. A daemon waits for them; a `--once` has nobody to do so."""
    return [workspace for workspace in config.workspaces if not workspace.is_dir()]


def _not_scanned(absent: Sequence[Path]) -> CadenzaError:
    from store.errors import ConfigError

    first = f"{absent[0]}: {'is no folder' if absent[0].exists() else 'there is no such folder'}"
    more = f", and {len(absent) - 1} more" if absent[1:] else ""
    hint = "name a folder that holds projects, for example --workspace ~/robots"
    return ConfigError(f"workspace {first}{more}", hint=hint)


def main(argv: Sequence[str] | None = None) -> int:
    if argv is None:  # this process is the daemon's own
        interpreter.shield()
    return run(build_parser, argv)


if __name__ == "__main__":
    sys.exit(main())
