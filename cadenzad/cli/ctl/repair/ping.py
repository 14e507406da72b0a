"""`cadenzactl ping`: a request through the whole daemon and back."""

from __future__ import annotations

import argparse
import time
from contextlib import closing

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import OK, add_json_and_state, seconds
from cadenzad.config.paths import state_dir
from cadenzad.requests.inbox import PONG, Request, new_id, send, takes_requests
from store.errors import DaemonError, DaemonNotRunning
from store.lock import is_held
from store.reads import live
from store.schema import connect_reader

DESCRIPTION = """Leave a request in the daemon's inbox and wait for the answer: it passes the
watcher, the main loop and the writer, so an answer means that all of them work."""
EXAMPLE = "cadenzactl ping --timeout 2"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout", type=seconds, default=5.0, metavar="S", help="seconds (5)")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    directory = state_dir(arguments.state)
    holder = is_held(directory)
    if holder is None or not takes_requests(holder):
        raise DaemonNotRunning(
            f"no daemon runs on {directory}", hint="start it: cadenzad --workspace DIR"
        )
    # As it is sent: to build the classes of all commands would take longer than the answer.
    request = Request(new_id(), "ping", {})
    sent = time.perf_counter()
    path = send(directory, request)
    with closing(connect_reader(directory)) as reader:
        while time.perf_counter() - sent < arguments.timeout:
            answer = live.progress(reader, PONG)
            if answer is not None and answer.get("id") == request.id:
                milliseconds = round(1000 * (time.perf_counter() - sent), 1)
                if arguments.json:
                    say_json({"pid": holder.get("pid"), "milliseconds": milliseconds})
                else:
                    say(f"pong from pid {holder.get('pid')} in {milliseconds} ms")
                return OK
            time.sleep(0.002)
    path.unlink(missing_ok=True)
    raise DaemonError(
        f"the daemon (pid {holder.get('pid')}) did not answer in {arguments.timeout:g} s",
        hint="`cadenzactl status` says whether it is starting; its log says more",
    )
