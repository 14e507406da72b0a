"""The process of one job that uses the cluster: `python -m cadenzad.jobs.cluster.submit`.

To the daemon it is a job's child like any other: the request on stdin, lines on stdout, dead with
its parent. A job that stays (SPREAD) has a child of its own here, and parts of it go out; one that
goes (AWAY) is packed, sent, listened to, and its files are put in place when it has ended well.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cadenzad.jobs import process as processes
from cadenzad.jobs.child.printed import printed_lines_logged, stderr_for_logs
from cadenzad.jobs.child.telling import Lines, beating, failure
from cadenzad.jobs.cluster import shim
from cadenzad.jobs.cluster.bundle import Bundle
from cadenzad.jobs.cluster.connection import LOOK, Unreachable, connected
from cadenzad.jobs.cluster.relay import Relay
from cadenzad.jobs.cluster.spreading import Spreader
from cadenzad.jobs.process import how_it_died
from cadenzad.jobs.protocol import (
    Began,
    Done,
    Failed,
    Message,
    Progress,
    ProtocolError,
    PutBack,
    decode,
)
from cadenzad.logs import redactor, secrets, set_up_logging
from handlers.away import Away
from handlers.jobs import JobContext, PermanentFailure
from handlers.routes import AWAY
from store import interpreter
from store.errors import CadenzaError

log = logging.getLogger("cadenzad.jobs.cluster")

READ_S = 2.0
"""How long a node waits for news of a child before it answers that there is none."""
PLACED_S = 1.0
CONNECTED_S = 60.0
"""So long a driver may take to connect; what nobody answers is as good as not there then."""
SENT = ("lora",)
"""Tables of the settings that a node gets: no other is any of its business."""


def main() -> int:
    request = json.loads(sys.stdin.readline())
    if request.get("key") or request.get("openai_key"):
        interpreter.hide_memory()
    interpreter.die_with(int(request["parent"]))
    interpreter.end_group_with_us()
    line = Lines(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    set_up_logging("info", stream=stderr_for_logs())
    address = request["cluster"]["address"]
    late = Unreachable(f"{address}: has not answered for {CONNECTED_S:g} s", hint=LOOK)
    with printed_lines_logged(), ExitStack() as stack:
        try:
            # It may take longer than a lease on a busy machine, and costs no attempt.
            with (
                beating(line, float(request["heartbeat"])),
                _within(CONNECTED_S, lambda: _alone(request, line, late)),
            ):
                stack.enter_context(connected(address))
        except Unreachable as error:
            return _alone(request, line, error)
        return _work(request, line)


@contextmanager
def _within(seconds: float, instead: Callable[[], int]) -> Iterator[None]:
    """Where the body takes longer, do `instead` and end this process with what it says: a driver
    that nobody answers hangs for minutes, and listens to nothing."""
    goes_on = threading.Lock()

    def give_up() -> None:
        if goes_on.acquire(blocking=False):
            os._exit(instead())

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        if not goes_on.acquire(blocking=False):
            threading.Event().wait()  # for the end of this process
        timer.cancel()


def _alone(request: dict[str, Any], line: Lines, why: Unreachable) -> int:
    """Without a cluster: what goes there waits for it, what stays is computed here."""
    if request["kind"] in AWAY:
        line.send(PutBack(why.with_hint))
        return 1
    log.warning("computed here alone: %s", why.with_hint)
    return _stay(request, line, spread=False)


def _work(request: dict[str, Any], line: Lines) -> int:
    hide = redactor([*secrets(), *filter(None, map(request.get, ("key", "openai_key")))])
    away = AWAY.get(request["kind"])
    if away is None:
        return _stay(request, line)
    try:
        outcome = _send(request, away, line)
    except Exception as error:  # noqa: BLE001 - how it ended is told, whatever it was
        outcome = failure(error, hide)
    line.send(outcome)
    return int(not isinstance(outcome, Done))


# -- a job that stays ------------------------------------------------------------------------------


def _stay(request: dict[str, Any], line: Lines, *, spread: bool = True) -> int:
    """Run the job here; with `spread` parts of it are computed where there is room."""
    resources = request["cluster"]["parts"]
    process = processes.start()
    spreader = Spreader(Path(request["project"]), resources) if spread else None
    relay = Relay(process, spreader)
    width = 0 if spreader is None else spreader.width
    relay.send(request | {"parent": os.getpid(), "spread": width})
    while relay.code is None:
        for text in relay.turn(READ_S):
            line.pass_on(text)
    if relay.code < 0:
        os.kill(os.getpid(), -relay.code)  # as it would have ended without us between
    return relay.code


# -- a job that goes -------------------------------------------------------------------------------


def _send(request: Mapping[str, Any], away: Away, line: Lines) -> Message:
    context = _context(request, line)
    cluster = request["cluster"]
    with beating(line, float(request["heartbeat"])):
        parcel = _function(away.pack)(context)
        bundle = Bundle.of(parcel.files, parcel.links)
        wire = {
            "function": request["function"],
            "project": request["project"],
            "spec": dict(parcel.spec),
            "past": dict(parcel.past),
            "settings": {name: request["settings"][name] for name in SENT},
            "heartbeat": request["heartbeat"],
            "job": request["job"],
            "attempt": request["attempt"],
            "cluster": {
                "home": str(context.project),
                "memory": cluster["resources"]["memory"],
                "lease": cluster["lease"],
                "parts": cluster["parts"],
            },
        }
        host = _Host(cluster["resources"], wire, line)
        host.give(bundle, parcel.files)
    outcome = host.follow(line)
    if isinstance(outcome, Done):
        with beating(line, float(request["heartbeat"])), tempfile.TemporaryDirectory() as folder:
            line.send(Progress({"step": "taking the files home"}))
            copy = Path(folder) / "project"
            copy.mkdir()
            host.take(away.folder, copy)
            _function(away.land)(context, copy, outcome.events)
    host.close()
    return outcome


def _context(request: Mapping[str, Any], line: Lines) -> JobContext:
    return JobContext(
        spec=request["spec"],
        project=Path(request["project"]),
        state_dir=Path(request["state_dir"]),
        report=lambda values: line.send(Progress(values)),
        attempt=int(request["attempt"]),
        job=int(request["job"]),
    )


def _function(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


class _Host:
    """The node that a job is on: an actor that nobody restarts, as an attempt is one attempt."""

    def __init__(
        self, resources: Mapping[str, float], wire: Mapping[str, Any], line: Lines
    ) -> None:
        """Wait for a place. Raises PermanentFailure for a node that has another cadenzad."""
        import ray

        self._ray = ray
        given = {name: value for name, value in resources.items() if value}
        self._actor = ray.remote(shim.Shim).options(**{"num_cpus": 0, **given}).remote()
        # A method's arguments go from process to process; what an actor is created with is kept.
        begun = self._actor.begin.remote(shim.here(), json.dumps(wire))
        since = time.monotonic()
        while not ray.wait([begun], timeout=PLACED_S)[0]:
            waited = f"for {time.monotonic() - since:.0f} s"
            line.send(Progress({"step": f"waiting for {_words(given)} of the cluster {waited}"}))
        self.node = ""
        self.node, problem = self._got(begun)
        if problem:
            raise PermanentFailure(problem, hint="the same cadenzad and Python on every node")
        line.send(Began(self.node))

    def give(self, bundle: Bundle, files: Mapping[str, Path]) -> None:
        """Send what is not there yet, and begin."""
        missing = set(self._do("expect", bundle.manifest(), bundle.small))
        for entry in bundle.big:
            if entry.hash in missing:
                self._do("receive", entry.hash, files[entry.name].read_bytes())
        self._do("start")

    def follow(self, line: Lines) -> Done | Failed:
        """Pass the job's lines on; how it ended."""
        outcome: Done | Failed | None = None
        step = ""
        while True:
            lines, code, why = self._do("read", READ_S)
            for text in lines:
                message = _read(text)
                if isinstance(message, Done | Failed):
                    outcome = message
                    continue
                if isinstance(message, Progress):
                    step = str(message.values.get("step", ""))
                line.pass_on(text)
            if why:
                return Failed(f"on node {self.node}: it {why}")
            if code is not None:
                return outcome or Failed(f"on node {self.node}: {how_it_died(code, step)}")

    def take(self, folder: str, copy: Path) -> None:
        """What the job made, in an empty folder here."""
        manifest, small = self._do("bring", folder)
        Bundle.from_manifest(manifest, small).unpack(copy, lambda _entry: b"")

    def close(self) -> None:
        """Nothing of the job is left on the node."""
        self._do("close")
        self._ray.kill(self._actor)

    def _do(self, name: str, *arguments: Any) -> Any:
        return self._got(self._actor.do.remote(name, *arguments))

    def _got(self, answer: Any) -> Any:
        try:
            return self._ray.get(answer)
        except self._ray.exceptions.RayActorError:
            which = f"node {self.node}" if self.node else "the node that took it"
            raise NodeLost(f"{which} was lost, or its worker was ended") from None
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause or error) from None


class NodeLost(CadenzaError):
    """The node that a job was on is gone, with all that it did there."""


def _read(text: str) -> Message | None:
    try:
        return decode(text.encode())
    except ProtocolError as error:
        return Failed(f"said what is no protocol: {error.cause}", permanent=True)


def _words(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in resources.items()) or "a place"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.exit(main())
