"""The three commands as they are typed, and every subcommand with its one line of help.

    cadenzad             the daemon                                  cadenzad.cli.daemon
    cadenzactl COMMAND   ask the daemon and its event log            cadenzad.cli.ctl.FOLDER.COMMAND
    cadenza env COMMAND  the same work by hand                       cadenzad.cli.env.COMMAND

Starts as fast as Python does: a subcommand's module is imported when it is called.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence

from cadenzad.cli.base.parser import AnyOrder
from cadenzad.cli.base.program import Program
from store import interpreter

JOBS = Program(
    "cadenzactl jobs",
    "slow work that waits, runs or has ended",
    "cadenzad.cli.ctl.operate.jobs",
    {
        "retry": "put a job that was given up back into the queue",
        "cancel": "a job that waits or runs is not wanted any more",
    },
    alone="listing",
)

DB = Program(
    "cadenzactl db",
    "the event log as a file",
    "cadenzad.cli.ctl.operate.db",
    {
        "backup": "copy the event log while the daemon runs, and check it",
        "restore": "put a checked backup in the event log's place",
        "rebuild": "fold the state view anew from the event log",
        "prune": "delete old exports, run logs and adapters",
    },
)

HUB = Program(
    "cadenzactl hub",
    "the history of many robots in one PostgreSQL",
    "cadenzad.cli.ctl.operate.hub",
    {
        "init": "make a database the hub, or bring one up to date",
        "add": "a login for a robot, a reader or a keeper",
        "status": "the robots, how far each is, and what is in no view yet",
        "keep": "fold what robots ship into their views",
        "verify": "check that every log is whole, and every view what its log says",
        "prune": "delete old events that are folded",
        "refetch": "have a robot ship its whole log again",
        "offer": "offer a robot's version to the others, a few first",
        "offers": "what is offered, who took it up, and what the runs since say",
        "pull": "take an offer back, wherever it was taken up",
    },
)

CADENZACTL = Program(
    "cadenzactl",
    "Ask the cadenzad daemon and its event log.",
    "cadenzad.cli.ctl",
    {
        "look.status": "what the daemon does and how every project stands",
        "look.events": "the history, oldest first",
        "look.why": "from a rule or an adapter back to what caused it",
        "look.dashboard": "a local web page of all projects, with live updates",
        "look.report": "the page of a project as one file",
        "look.logs": "what the daemon logs",
        "look.metrics": "figures in the Prometheus text format",
        "decide.prompt": "versions of SYSTEM_PROMPT: look, approve, roll back",
        "decide.rollback": "deploy an earlier adapter again",
        "decide.trust": "allow a project's own code to be run",
        "decide.pause": "stop reactive work for a project",
        "decide.resume": "go on with reactive work for a project",
        "operate.setup": "workspace, key and service, asked for or given: the first thing to do",
        "operate.jobs": JOBS,
        "operate.service": "have systemd run the daemon; or ask how it is",
        "operate.config": "what is set, by which file, and what is wrong with it",
        "operate.db": DB,
        "operate.hub": HUB,
        "operate.completion": "make a shell complete the three commands",
        "repair.doctor": "what is wrong with this installation, and the fix",
        "repair.verify": "check database, history, view and recorded files",
        "repair.ping": "send a request through the whole daemon and back",
        "repair.selftest": "run a job that tries what jobs need",
    },
)

LORA = Program(
    "cadenza env lora",
    "the action head",
    "cadenzad.cli.env.lora",
    {
        "add": "add an example: a goal and its steps",
        "data": "what would be trained on, and what is wrong with it",
        "finetune": "train a new adapter and score it",
        "eval": "score an adapter again, and deploy it if it passes",
        "decode": "what the deployed adapter makes of goals",
        "log": "the versions of an adapter, and what changed between them",
        "export": "base and adapter merged into one model",
        "push": "an adapter as a repository of the model hub, in a folder",
    },
    parser_class=AnyOrder,
)

CADENZA_ENV = Program(
    "cadenza env",
    "Robot projects by hand: a project is a folder with env.json.",
    "cadenzad.cli.env",
    {
        "init": "make a complete sample project",
        "run": "drive the mission in MuJoCo and log it",
        "gym": "the mission as a Gymnasium environment, checked",
        "check": "what is wrong with a project, before any run",
        "show": "draw the mission's map, and tell of a run",
        "stats": "what all runs say together",
        "dataset": "typed training data: bring it up, look at it, copy it",
        "runs": "the runs, a line each: outcome, reward, policy, prompt and adapter",
        "compare": "two runs side by side",
        "finetune": "export run logs in the formats that people train from",
        "takein": "make a run log of an MCAP file, a LeRobot or Minari dataset",
        "lora": LORA,
        "train": "find why runs fail and have SYSTEM_PROMPT rewritten",
    },
)


def cadenzactl(argv: Sequence[str] | None = None) -> int:
    """Run `cadenzactl`; returns its exit code."""
    return _typed(_cadenzactl) if argv is None else _cadenzactl(argv)


def _cadenzactl(argv: Sequence[str]) -> int:
    """`--hub DSN` may come first: it says who is asked, as `ssh HOST` does."""
    words = list(argv)
    if words[:1] == ["--hub"] and len(words) > 2:
        words = [*words[2:], *words[:2]]
    elif words and words[0].startswith("--hub="):
        words = [*words[1:], words[0]]
    return CADENZACTL.main(words)


def cadenza(argv: Sequence[str] | None = None) -> int:
    """Run `cadenza`; returns its exit code. `env` is the only group there is."""
    return _typed(_cadenza) if argv is None else _cadenza(argv)


def _cadenza(argv: Sequence[str]) -> int:
    words = list(argv)
    if words[:1] == ["env"]:
        words = words[1:]
    elif words and words[0] in CADENZA_ENV.commands:
        CADENZA_ENV.overview().error(f"did you mean `cadenza env {words[0]}`?")
    return CADENZA_ENV.main(words)


def _typed(main: Callable[[Sequence[str]], int]) -> int:
    """Run what was typed: this process is the command's own, and ends with it."""
    interpreter.shield()
    try:
        return main(sys.argv[1:])
    finally:
        # Else Python looks at its end through all that there is for what could be freed: a fifth
        # of the time that `cadenzactl status` takes.
        gc.freeze()
