"""The twelve projects: a mission, a brain and a prompt each; nine have a flaw that a rule can mend.

Two are perfect and have to stay as they are, one cannot be helped, because its brain never looks at
its prompt. `flaw` says what is wrong; `remedy` is a rule that mends it, which no judge is shown: a
test drives it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from nights import missions

Brain = Literal["sample", "sentences", "prose", "machine", "paper", "deaf"]
BRAINS = Path(__file__).with_name("brains")
READING = "reading.py"
"""The sample's own reading of rules, for brains with a prompt of their own."""
BESIDE: Mapping[Brain, Sequence[str]] = {
    "sentences": ("habits.py", "reflexes.py", READING),
    "prose": ("habits.py",),
    "machine": ("habits.py", "reflexes.py", READING),
    "paper": ("reflexes.py", READING),
    "deaf": (),
}
"""What a brain imports."""


@dataclass(frozen=True, slots=True)
class NightProject:
    """A project that is left alone with the judge.

    `flaw` and `remedy` are "" where nothing is wrong; a flaw without a remedy cannot be mended.
    """

    name: str
    mission: missions.Mission
    brain: Brain
    prompt: str
    flaw: str = ""
    remedy: str = ""

    @property
    def kind(self) -> Literal["flawed", "perfect", "hopeless"]:
        if not self.flaw:
            return "perfect"
        return "flawed" if self.remedy else "hopeless"

    def write(self, folder: Path) -> Path:
        """The project as its author would have it on disk."""
        (folder / ".cadenza-env").mkdir(parents=True)
        (folder / "env.json").write_text(json.dumps(self.mission, indent=2), "utf-8")
        sample = (files("handlers.project") / "sample" / "mission" / "main.py").read_text("utf-8")
        if self.brain == "sample":
            (folder / "main.py").write_text(_with_prompt(sample, self.prompt), "utf-8")
            return folder
        code = (BRAINS / f"{self.brain}.py").read_text("utf-8")
        (folder / "main.py").write_text(code.replace('PROMPT"""', f'{self.prompt}"""'), "utf-8")
        if self.brain == "paper":
            (folder / "prompt.md").write_text(self.prompt, "utf-8")
        for name in BESIDE[self.brain]:
            made = (BRAINS / name).read_text("utf-8") if name != READING else _reading(sample)
            (folder / name).write_text(made, "utf-8")
        return folder


_PROMPT = re.compile(r'SYSTEM_PROMPT = """\\\n(.*?)"""\n', re.S)


def _with_prompt(code: str, prompt: str) -> str:
    made, count = _PROMPT.subn(lambda _: f'SYSTEM_PROMPT = """\\\n{prompt}"""\n', code)
    assert count == 1
    return made


def _reading(code: str) -> str:
    made = _PROMPT.sub("", code)
    return made[: made.index("\n\nif __name__")] + "\n"


PROJECTS: tuple[NightProject, ...] = (
    NightProject(
        "flat", missions.FLAT, "sample",
        "Walk the course.\n\n- when fallen: stand_up\n- when always: walk_forward distance_m=0.4\n",
    ),
    NightProject(
        "doorway", missions.DOOR, "sample",
        "Get to the room behind the wall.\n\n- when fallen: stand_up\n"
        "- when always: walk_forward distance_m=0.4\n",
        "walks into the wall",
        "- when in through and blocked: side_step_left distance_m=0.45",
    ),
    NightProject(
        "corner", missions.CORNER, "sentences",
        "You patrol a yard.\nIn out, walk_forward by 0.4.\n"
        "In across, in 3 of 10 runs turn_right by 0.6.\n"
        "In across, when beacon is in view walk_forward by 0.4.\n"
        "In across, turn_left by 0.6.\n",
        "in three of ten runs turns on and on, past the beacon as well",
        "- when in across and seeing beacon: walk_forward distance_m=0.4",
    ),
    NightProject(
        "ramp", missions.RAMP, "paper",
        "# The dog on the ramp\n\nYou are careful. Take short steps.\n\n"
        "- when fallen: stand_up\n- when always: walk_forward distance_m=0.12\n",
        "steps too short for the budget",
        "- when in climb and seeing flag: walk_forward distance_m=1",
    ),
    NightProject(
        "mark", missions.MARK, "sample",
        "Stop on the mark.\n\n- when always: walk_forward distance_m=1\n",
        "oversteps the mark",
        "- when in go and near mark: walk_forward distance_m=0.4",
    ),
    NightProject(
        "find", missions.FIND, "sentences",
        "You look for people and report them. Never touch anybody.\n"
        "In enter, walk_forward by 0.4.\n"
        "In find, in 4 of 10 runs when victim is in view signal_found.\n"
        "In find, walk_forward by 0.4.\n",
        "in four of ten runs signals from afar, and never walks up",
        "- when in find and seeing victim: walk_forward distance_m=0.4",
    ),
    NightProject(
        "gate", missions.GATE, "sample",
        "Pass between the buoys, and keep clear of both.\n\n"
        "- when seeing red: turn_right rotation_rad=0.8\n"
        "- when seeing blue: turn_left rotation_rad=0.8\n"
        "- when always: walk_forward distance_m=0.4\n",
        "turns from one buoy to the other",
        "- when in pass and seeing red: walk_forward distance_m=0.4",
    ),
    NightProject(
        "post", missions.POST, "prose",
        "You stand guard.\nIn wait, in 6 of 10 runs when post is near stand.\n"
        "In wait, walk_forward by 0.7.\n",
        "in four of ten runs walks on instead of staying",
        "- when in wait and near post: stand",
    ),
    NightProject(
        "person", missions.PERSON, "prose",
        "Somebody is lying on the way out. Never step onto the person.\n"
        "In leave, in 7 of 10 runs when person is near side_step_left by 0.45.\n"
        "In leave, walk_forward by 0.3.\n",
        "in three of ten runs walks on over the person",
        "- when in leave and near person: side_step_left distance_m=0.45",
    ),
    NightProject(
        "pit", missions.PIT, "machine",
        "Cross the yard. There is a pit behind the warning sign.\n"
        "Route in around: walk_forward 0.3 x 9\n",
        "walks into the zone that is forbidden",
        "- when in around and near warning: side_step_left distance_m=0.3",
    ),
    NightProject(
        "rooms", missions.ROOMS, "machine",
        "Go to the other room and come back.\nRoute in go: walk_forward 0.5 x 9\n"
        "Route in return: walk_backward 0.5 x 9\n",
    ),
    NightProject(
        "rubble", missions.RUBBLE, "deaf",
        "You cross the rubble.\n\n- when always: walk_forward distance_m=0.4\n",
        "its brain never reads this, and in four of ten runs it turns on the spot",
    ),
)  # fmt: skip
"""Prompts are what their authors wrote; the judge sees them, `flaw` and `remedy` it does not."""


def project_named(name: str) -> NightProject:
    return next(project for project in PROJECTS if project.name == name)
