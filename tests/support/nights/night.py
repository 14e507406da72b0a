"""Five nights in which nobody looks: the robot works, the judge judges, the monitor watches.

A night is two commands that people type or have cron type: `cadenza env run` drives the missions
under the project's prompt, `cadenzad --once` takes the logs up, watches the last rewrite by them,
and judges. They run in forks of a process that has everything imported, else each would spend
longer on importing torch than on its work. The same project and the same seeds give the same logs,
byte for byte (docs/mission.md), so these are driven once and copied from then on: five arms have
their first night in common, and a project that nobody changes has all of them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import forking
from groq_stub import GroqStub
from houses import House
from judging import ask_stub

from handlers.judge.prompt.rules.placing import MOST_RULES
from handlers.judge.prompt.source import edited, find_prompt
from handlers.project.project import Project
from nights.judges import ARMS, answering, harmful_rules
from nights.projects import NightProject

PATIENCE_S = 1800.0
"""A command may take as long as the trials it makes."""
HELD_OUT = 4000
"""The first seed of the runs that nobody is shown. Trials begin far above, nights below."""
SETTINGS = """\
[judge]
debounce = 0
max_wait = 1
daily_tokens = 100000000
seeds = {pairs}
{more}
[lora]
retrain = false
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is driven. `pairs`: of a trial at most (judge.seeds)."""

    nights: int = 5
    missions: int = 8
    held_out: int = 60
    pairs: int = 120

    def seeds(self, night: int) -> range:
        """Those of a night's missions."""
        return range(night * self.missions, (night + 1) * self.missions)


@dataclass(frozen=True, slots=True)
class Night:
    """What was seen of a night: missions that succeeded, and what the judge made of them.

    `did`: types of the events that tell of it, with why where they say so.
    """

    succeeded: int
    did: tuple[str, ...] = ()


@dataclass(slots=True)
class Life:
    """A project's nights under an arm; held-out runs before and after, seed by seed."""

    project: str
    arm: str
    before: list[bool]
    after: list[bool] = field(default_factory=list)
    nights: list[Night] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    calls: int = 0


class Runs:
    """`cadenza env run`, remembered by what is run: a project's files and the seeds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.driven: dict[str, tuple[Path, list[bool]]] = {}

    def drive(self, house: House, project: Path, seeds: range) -> list[bool]:
        """Leave the runs' logs in the project; whether each succeeded."""
        key = f"{content_of(project)} {seeds}"
        logs = project / ".cadenza-env"
        if key in self.driven:
            kept, succeeded = self.driven[key]
            for log in kept.iterdir():
                shutil.copyfile(log, logs / log.name)
            return succeeded
        before = set(logs.glob("*.log.jsonl"))
        words = ("--headless", "--policy", "prompt", "--json")
        done = command(
            house, "cadenza", "env", "run", project, *words,
            "--seed", seeds.start, "--episodes", len(seeds),
        )  # fmt: skip
        episodes = json.loads(done)["episodes"]
        succeeded = [bool(episode["success"]) for episode in episodes]
        kept = self.folder / f"{len(self.driven)}"
        kept.mkdir(parents=True)
        for log in set(logs.glob("*.log.jsonl")) - before:
            shutil.copyfile(log, kept / log.name)
        self.driven[key] = kept, succeeded
        return succeeded

    def held_out(self, house: House, project: Path, count: int) -> list[bool]:
        """Runs that leave nothing in the project."""
        logs = project / ".cadenza-env"
        before = set(logs.glob("*.log.jsonl"))
        succeeded = self.drive(house, project, range(HELD_OUT, HELD_OUT + count))
        for log in set(logs.glob("*.log.jsonl")) - before:
            log.unlink()
        return succeeded


def content_of(project: Path) -> str:
    """A hash of the files that a run depends on: all but what runs leave behind."""
    digest = hashlib.sha256()
    for path in sorted(project.rglob("*")):
        if path.is_file() and not {".cadenza-env", "__pycache__"} & set(path.parts):
            digest.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def command(house: House, name: str, *words: object) -> str:
    """What one of our commands prints; exit codes that tell of failed missions are fine."""
    done = forking.run(name, [str(word) for word in words], house.environ, PATIENCE_S)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise RuntimeError(f"{name} {words}: {done.returncode}: {done.stderr}")
    return done.stdout


def live(project: NightProject, arm: str, plan: Plan, folder: Path, runs: Runs) -> Life:
    """All nights of a project under an arm, and the held-out runs before and after."""
    house = House(folder)
    place = project.write(house.workspace / project.name)
    chosen = ARMS[arm]
    with ExitStack() as stack:
        stub = None
        if chosen.judge is not None:
            step = answering(chosen.judge, f"{project.name} {arm}")
            stub = stack.enter_context(GroqStub(step))
            ask_stub(house, stub)
        house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
        pairs = plan.pairs if chosen.tried else 0
        house.configure(improve=SETTINGS.format(pairs=pairs, more=chosen.settings))
        command(house, "cadenzad", "--config", house.config, "--once")
        if project.brain != "sample":
            command(house, "cadenzactl", "trust", project.name)
        life = Life(project.name, arm, runs.held_out(house, place, plan.held_out))
        seen = 0
        for number in range(plan.nights):
            succeeded = runs.drive(house, place, plan.seeds(number))
            if chosen.direct:
                did = _written_untried(place, Random(f"{project.name} {number}"), succeeded)
            else:
                command(house, "cadenzad", "--config", house.config, "--once")
                did, seen = _events_since(house, seen)
            life.nights.append(Night(sum(succeeded), did))
        life.after = runs.held_out(house, place, plan.held_out)
        life.calls = len(stub.requests) if stub is not None else 0
    block = find_prompt(place).block
    life.rules = block.lines if block is not None else []
    return life


TOLD = ("PromptTried", "PromptRewritten", "PromptProposed", "PromptKept", "PromptRolledBack",
        "PromptWatchEnded", "PromptConflictFound", "JobFailed", "JobPostponed")  # fmt: skip


def _events_since(house: House, position: int) -> tuple[tuple[str, ...], int]:
    """What the judge did since, in words, and the last position."""
    words = [word for name in TOLD for word in ("--type", name)]
    out = command(house, "cadenzactl", "events", "--json", "--since", position, *words)
    events = [json.loads(line) for line in out.splitlines()]
    told = tuple(_said(event) for event in events)
    return told, max([position, *(event["position"] for event in events)])


def _said(event: dict[str, Any]) -> str:
    data = event["data"]
    why = data.get("verdict") or data.get("outcome") or data.get("code") or data.get("reason") or ""
    return f"{event['type']}{f' ({why})' if why else ''}"


def _written_untried(place: Path, dice: Random, succeeded: Sequence[bool]) -> tuple[str, ...]:
    """What an optimiser without a gate does: after a failure its rules go into the prompt."""
    if all(succeeded):
        return ()
    project, source = Project.open(place), find_prompt(place)
    old = source.block.rules if source.block is not None else []
    rules = [*harmful_rules(project.spec, dice), *old][:MOST_RULES]
    source.path.write_bytes(edited(source, rules))
    return ("written untried",)
