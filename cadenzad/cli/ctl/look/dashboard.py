"""`cadenzactl dashboard`: the local web page."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_json_and_state, filled
from cadenzad.config.paths import expand, state_dir
from store.reads.status import check_view
from store.schema import connect_reader

DESCRIPTION = """A local web page of all projects: outcomes, causes, prompts, scorecards, the map
and two runs in step, now or as of any past moment, with live updates. It reads and changes nothing,
and costs the daemon nothing. Only this machine can connect; another address needs a token."""
EXAMPLE = "cadenzactl dashboard --port 8732"
PORT = 8732


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=_port, default=PORT, help=f"TCP port (default: {PORT}; 0: a free one)"
    )
    parser.add_argument(
        "--host", type=filled, default="127.0.0.1", help="address or name (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--token-file",
        type=filled,
        metavar="FILE",
        help="file with a token that is asked for; needed for an address others can connect to",
    )
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    """Serve until it is stopped; the address is printed when it can be opened."""
    from cadenzad.dashboard.web.guard import read_token
    from cadenzad.dashboard.web.serve import address_of, listen, serve

    state = state_dir(arguments.state)
    token = read_token(expand(arguments.token_file)) if arguments.token_file else None
    _look(state)
    listening = listen(arguments.host, arguments.port)
    address = address_of(listening, arguments.host)

    def ready() -> None:
        if arguments.json:
            say_json({"url": address, "state": str(state)}, flush=True)
        else:
            say(address)
            say("Ctrl-C ends it", err=True)
        sys.stdout.flush()

    with closing(listening):
        serve(state, arguments.host, listening, token, ready)
    return OK


def _look(state: Path) -> None:
    """Say at once where there is nothing to show. Raises StoreError."""
    with closing(connect_reader(state)) as reader:
        check_view(reader)


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 65_536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535, such as 8732")
