"""kill -9 at any instant: no event is lost, none is doubled, every file on disk is whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from checkout import ROOT

from store import identity

DYING = ROOT / "tests" / "support" / "dying.py"
KILLS = 200

POINTS = [
    "cadenzad.watch.record:observe:after:3",
    "store.writer:Writer.submit:before:3",
    "store.writer:Writer._commit:before:2",
    "store.writer:Writer._commit:after:2",
    "store.writer:Writer._commit:after:3",
    "store.log:EventLog.append:before:2",
    "store.log:EventLog.append:after:2",
    "store.views:fold:after:2",
    "store.writer:Transaction.mark_seen:after:2",
    "store.writer:Transaction.set_cursor:before:1",
    "store.writer:Transaction.set_cursor:after:1",
    "store.writer:Transaction.set_cursor:after:2",
    "handlers.export.files:make_folder:after:1",
    "store.durable:Draft.sync:before:1",
    "store.durable:Draft.sync:after:1",
    "store.durable:Draft.sync:after:2",
    "store.durable:Draft.replace:before:1",
    "store.durable:Draft.replace:after:1",
    "store.durable:Draft.replace:before:2",
    "store.durable:Draft.replace:after:2",
    "handlers.export.files:sync:after:1",
    "store.durable:Draft.replace:after:3",
    "handlers.export.runs:Batch.publish:before:1",
    "handlers.export.runs:Batch.publish:after:1",
    "cadenzad.reactor:Reactor._commit:after:1",
    "cadenzad.reactor:Reactor._react:before:2",
    "cadenzad.reactor:Reactor._react:after:1",
]


def assert_whole(house, project: Path) -> None:
    """The history, the disk and the view agree, and nothing is missing or twice."""
    verify = house.run("cadenzactl", "verify", check=False)
    assert verify.returncode == 0, verify.stdout
    files = sorted((project / ".cadenza-env").glob("*.log.jsonl"))
    known = {path.name: identity.of_file(path) for path in files}
    events = house.events()
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))

    # every file was recorded once, and each later fact follows from the one before
    chains: dict[str, list[str]] = {}
    for event in events:
        if event["type"] in ("RunRecorded", "RunExtended", "RunReplaced"):
            data = event["data"]
            chain = chains.setdefault(Path(data["file"]["path"]).name, [])
            assert (event["type"] == "RunRecorded") == (chain == []), (event, chain)
            if chain:
                assert data["previous_sha256"] == chain[-1]
            assert data["file"]["sha256"] not in chain
            chain.append(data["file"]["sha256"])
    assert {name: chain[-1] for name, chain in chains.items()} == known

    # every export is current, made of those bytes, and is what an export by hand gives
    status = house.project_status()
    assert status["runs"]["total"] == len(files)
    assert (status["exports"]["current"], status["exports"]["stale"]) == (len(files), 0)
    last = {e["data"]["run_path"]: e["data"] for e in events if e["type"] == "RunExported"}
    for path in files:
        export = last[f".cadenza-env/{path.name}"]
        assert export["source_sha256"] == known[path.name]
        written = (project / export["output"]).read_bytes()
        assert identity.of(written) == export["output_sha256"]
        assert len(written.splitlines()) == len(path.read_bytes().splitlines())
        assert json.loads((project / export["manifest"]).read_text())
    causes = Counter(e["causation"] for e in events if e["type"] == "RunExported")
    assert max(causes.values(), default=1) == 1
    assert not house.events("ReactionFailed", "FileRejected")


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_loses_and_doubles_nothing(house, logs, point):
    # given three logs, and a daemon that dies on its way through them
    project = house.project()
    for index in range(3):
        log = project / ".cadenza-env" / f"{index}.log.jsonl"
        log.write_bytes(logs.run(2 + index))
    dying = subprocess.run(
        [sys.executable, DYING, point, "--config", house.config, "--once"],
        env=house.environ,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert dying.returncode == -signal.SIGKILL, f"{point} was never reached: {dying.stderr}"

    # when
    house.once()

    # then
    assert_whole(house, project)


@pytest.mark.timeout(900)
@pytest.mark.long
def test_two_hundred_kills_at_random_lose_and_double_nothing(house, logs):
    # given
    rng = random.Random(20260122)
    project = house.project()
    folder = project / ".cadenza-env"
    house.configure(settle=0.005, settle_open=0.02, every=0.5)
    house.once()  # to make an event log takes longer than any of these may live
    sizes: dict[Path, int] = {}

    def disturb(number: int) -> None:
        """Drop a log, rename one in, or let one grow, torn lines and all."""
        choice = rng.random()
        if choice < 0.5 or not sizes:
            path = folder / f"{number}.log.jsonl"
            sizes[path] = rng.randrange(1, 40)
            data = b"".join(logs.tick(n) for n in range(1, sizes[path] + 1))
            if choice < 0.25:
                path.write_bytes(data)
            else:
                draft = house.root / "draft"
                draft.write_bytes(data)
                draft.rename(path)
        else:
            path = rng.choice(sorted(sizes))
            sizes[path] += 1
            line = logs.tick(sizes[path])
            cut = rng.randrange(len(line))
            with path.open("ab", buffering=0) as stream:
                stream.write(line[:cut])
                stream.write(line[cut:])

    # when
    for number in range(KILLS):
        daemon = house.start(wait=False)
        disturb(number)
        # Most of a start is imports: kill from the first moment it can have done something.
        moment = time.monotonic() + rng.uniform(0.15, 0.75)
        disturb(1000 + number)
        house.until(lambda moment=moment: time.monotonic() > moment, "the moment to die")
        assert daemon.poll() is None, house.log()
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait()

    # then a daemon that may live brings everything in
    daemon = house.start()
    house.until(lambda: house.project_status()["exports"]["current"] == len(sizes), "all exports")
    house.until(lambda: house.status()["daemon"]["lag"] == 0, "no lag")
    assert house.stop(daemon) == 0
    assert_whole(house, project)
    starts = len(house.events("DaemonStarted"))
    assert starts > KILLS / 10, f"only {starts} of the killed daemons had begun"
