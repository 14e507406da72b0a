"""Who is killed leaves nobody behind: no job, no policy of a project, nothing that they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from houses import BIN

SUPPORT = Path(__file__).parents[1] / "support"

HOOK = """
import sys
sys.path.append({support!r})
from children import importing_from
from store import interpreter
isolated, hooked = interpreter.command, importing_from({code!r}, "long_selftest")
def command(*arguments):
    return (hooked if "cadenzad.jobs.child" in arguments else isolated)(*arguments)
interpreter.command = command
"""

SELFTEST = """
import json, os, signal
from pathlib import Path
from handlers.judge.brain import Brain, environ_of
from handlers.selftest import run as selftest
from types import SimpleNamespace

def run(context):
    brain = Brain(Path({brain!r}), "a prompt", environ_of(os.environ, is_trial=False), 10.0)
    answer = brain.decide({{}}, [])
    pids = {{"job": os.getpid(), "policy": brain._child.pid, **answer}}
    Path({pids!r} + ".draft").write_text(json.dumps(pids))
    os.rename({pids!r} + ".draft", {pids!r})
    signal.pause()
selftest.run = run
"""

BRAIN = """
import os, subprocess
def decide(observation, system_prompt):
    child = subprocess.Popen(["sleep", "600"])
    return {"action": "sit", "child": child.pid, "cwd": os.getcwd()}
"""


@pytest.fixture
def pids(house) -> Path:
    """Where the next selftest says who runs: it starts a policy, which starts a process."""
    code, brain, pids = house.root / "code", house.root / "main.py", house.root / "pids"
    code.mkdir()
    text = SELFTEST.format(brain=str(brain), pids=str(pids))
    (code / "long_selftest.py").write_text(text)
    brain.write_text(BRAIN)
    (code / "sitecustomize.py").write_text(HOOK.format(support=str(SUPPORT), code=str(code)))
    house.environ["PYTHONPATH"] = str(code)
    return pids


@pytest.fixture
def started(house) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts a command of ours; it is gone at the end."""
    running = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        with (house.root / "cadenzad.log").open("ab") as log:
            command = [BIN / words[0], *words[1:]]
            running.append(subprocess.Popen(command, env=house.environ, stdout=log, stderr=log))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # one that waits for its parent to hear of its end has ended


@pytest.mark.parametrize("killed", ["daemon", "command", "job"])
def test_all_that_was_started_ends_with_who_started_it(house, pids, started, killed) -> None:
    # given a job that runs a project's policy, which has started a process
    daemon = house.start() if killed != "command" else None
    command = started("cadenzactl", "selftest")
    house.until(pids.exists, "the selftest runs a policy")
    said = json.loads(pids.read_text())
    running = [said["job"], said["policy"], said["child"]]
    assert all(map(lives, running))
    assert Path(said["cwd"]) == house.root

    # when somebody is killed
    victim = {"daemon": daemon and daemon.pid, "command": command.pid, "job": said["job"]}[killed]
    os.kill(victim, signal.SIGKILL)

    # then nobody is left
    house.until(lambda: not any(map(lives, running)), "all have ended")
