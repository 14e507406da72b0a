"""`--steps 'walk_forward 1.0, turn_left 1.57'` as steps, and a row added to a project's files."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from math import pi, radians
from pathlib import Path
from typing import NamedTuple

from handlers.goals.normal import template
from handlers.goals.reading import read_goal
from handlers.goals.steps import GoalStep
from handlers.goals.words.quantities import parts
from handlers.goals.words.tokens import tokens
from handlers.lora.data.conflicts import Conflict, same_goal
from handlers.lora.data.dataset import (
    UNSEEN,
    Dataset,
    image_of,
    is_placeholder,
    load_dataset,
    reads_images,
)
from handlers.lora.data.opposites import against_words
from handlers.lora.model.rows import MAX_ACTIONS, Row
from handlers.project.formats.examples import Step
from handlers.project.library import ActionLibrary, ActionSpec
from handlers.project.paths import EVAL_FILE, PATTERNS_FILE, inside
from handlers.project.project import Project
from store.durable import make_folder
from store.errors import InputError

AMOUNTS = ("distance_m", "rotation_rad", "duration_s")
_EXAMPLE = "for example: 'walk_forward 1.0, turn_left 90 deg', or 'walk 1 m, turn left'"
_PART = re.compile(r'(?:"[^"]*"|,(?=\d)|[^,;\n])+')
"""A step: commas part steps, but not in "1,5" and not in a quoted name."""
_QUOTED = re.compile(r'"([^"]+)"')
_PARAMETERS = {"m": "distance_m", "rad": "rotation_rad", "s": "duration_s", "n": "repeat",
               "speed": "speed"}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf)", re.ASCII | re.I)


def parse_steps(text: str, library: ActionLibrary) -> tuple[Step, ...]:
    """Steps separated by commas, a name and then amounts or key=value pairs; or words.

    An amount after a name may have its unit ("turn_left 90 deg"); a bare number is the action's
    main parameter: radians for turns, meters for what travels, seconds otherwise. Words ("walk
    1,5 m, then turn left 90 degrees") are taken where nothing in them is in doubt. Raises
    InputError that names the step and the nearest known action, or the words that are in doubt.
    """
    if is_placeholder(text):
        raise InputError(f"--steps: {text!r} is a place for your own steps", hint=_EXAMPLE)
    written = [part.strip() for part in _PART.findall(text) if part.strip()]
    if not any(_names_action(part, library) for part in written):
        reading = read_goal(text, actions=library.names)
        if reading.steps and not reading.doubtful:
            return tuple(_spoken(step, library) for step in reading.steps)
        if reading.steps or any(
            doubt.kind not in ("unknown", "nothing") for doubt in reading.doubts
        ):
            raise InputError(f"--steps: {reading.doubts[0]}", hint=_EXAMPLE)
    steps = tuple(_step(index, part, library) for index, part in enumerate(written, 1))
    if not steps:
        raise InputError("--steps: no steps", hint=_EXAMPLE)
    return steps


def _named(part: str, library: ActionLibrary) -> tuple[str, list[str]]:
    """The action that a step begins with, and the words after it; the longest known name counts,
    for a signal may be "call 2 home".
    """
    if quoted := _QUOTED.match(part):
        return quoted[1], part[quoted.end() :].split()
    known = [name for name in library.names if part == name or part.startswith(f"{name} ")]
    name = max(known, key=len, default=part.split()[0])
    return name, part[len(name) :].split()


def _names_action(part: str, library: ActionLibrary) -> bool:
    """Whether a step begins with an action's own name, and has nothing but numbers after it."""
    name, rest = _named(part, library)
    return "_" in name or (name in library and all(_is_given(word) for word in rest))


def _is_given(word: str) -> bool:
    return "=" in word or _NUMBER.fullmatch(word) is not None


def _spoken(step: GoalStep, library: ActionLibrary) -> Step:
    """A step of a goal in words. Raises InputError for one the library does not allow."""
    given = {
        name: int(value) if name == "repeat" else round(value, 6)
        for name, value in step.parameters.items()
    }
    for problem in library.validate({"action": step.action, **given}):
        raise InputError(f"--steps: {step.words!r}: {problem}")
    return Step(step.action, given)


def _step(index: int, part: str, library: ActionLibrary) -> Step:
    name, rest = _named(part, library)
    where = f"--steps: step {index}"
    for problem in library.validate({"action": name}):
        raise InputError(f"{where}: {problem}", hint=f"known: {', '.join(library.names)}")
    spec = library.spec(name)
    if rest and spec.main_parameter is None and not any("=" in word for word in rest):
        raise InputError(f"{where}: {name} is a signal and takes no number")
    given: dict[str, float] = {}
    for key, value in _given(rest, spec, where):
        if key in given:
            raise InputError(f"{where}: {key} is given twice")
        given[key] = int(value) if value.is_integer() and key == "repeat" else value
    for problem in library.validate({"action": name, **given}):
        raise InputError(f"{where}: {problem}", hint=_said_in_degrees(name, given))
    nothing = spec.kind != "pose" and given.get(spec.main_parameter or "") == 0
    if nothing and not any(given.get(amount) for amount in AMOUNTS):
        raise InputError(f"{where}: {name} 0 does nothing")
    return Step(name, given)


def _given(words: list[str], spec: ActionSpec, where: str) -> Iterator[tuple[str, float]]:
    """The parameters of a step as they are written: key=value, bare numbers, amounts with units."""
    amounts: list[str] = []
    for word in words:
        key, equals, number = word.rpartition("=")
        if not equals:
            amounts.append(word)
        elif not _NUMBER.fullmatch(number):
            raise InputError(f"{where}: {number!r} is not a number", hint=_EXAMPLE)
        else:
            yield key, float(number)
    if all(_NUMBER.fullmatch(word) for word in amounts):
        yield from ((spec.main_parameter or "", float(word)) for word in amounts)
        return
    said = " ".join(amounts)
    for found in parts(tokens(said)):
        amount = found.amount
        if amount is None or amount.flaw is not None or "_" in said:
            raise InputError(f"{where}: {said!r} is not a number", hint=_EXAMPLE)
        yield _PARAMETERS.get(amount.kind) or spec.main_parameter or "", round(amount.value, 6)


def _said_in_degrees(name: str, given: Mapping[str, float]) -> str:
    """What to write for a turn by more radians than there are."""
    angle = given.get("rotation_rad", 0.0)
    if not 2 * pi < angle <= 360:
        return ""
    return f"a bare number is radians: '{name} {angle:g} deg' is {radians(angle):.4g}"


class Added(NamedTuple):
    """A row that was written. `where` is file:line; `new` False: it was there already; `notes`:
    rows that it contradicts, or that no longer count by it.
    """

    where: str
    new: bool
    notes: tuple[str, ...] = ()


def add_example(
    project: Project,
    goal: str,
    steps: tuple[Step, ...],
    image: str | None = None,
    *,
    exam: bool = False,
) -> Added:
    """Append a row to the examples, or to the exam.

    A row with the same goal and other steps is contradicted: the new one counts, and a note says
    so. Raises InputError for an empty goal, for one that the other of the two has, for more steps
    than a row may have, and for an image that is not in the project.
    """
    goal = _own_words(goal)
    if len(steps) > MAX_ACTIONS:
        raise InputError(f"--steps: {len(steps)} steps, more than {MAX_ACTIONS}")
    path, sha256 = image_of(project.path, image)
    row = Row(goal, steps, "pattern", "", image_path=path, image_sha256=sha256)
    if not row.key:
        raise InputError(f"{goal!r} has no word")
    dataset = load_dataset(project, pictures=True)
    _refuse_leak(row, dataset, exam)
    same = [other for other in _written(dataset, exam) if same_goal(other, row)]
    for other in same:
        if other.key == row.key and other.plan == row.plan:
            return Added(other.where, False)
    shape: dict[str, object] = {"goal": goal, "actions": [step.as_json() for step in steps]}
    if not exam:
        shape["source"] = "pattern"
    if path is not None:
        shape["image"] = path.relative_to(project.path).as_posix()
    file = EVAL_FILE if exam else PATTERNS_FILE
    where = f"{file}:{_append(project.path, file, shape)}"
    notes = [str(Conflict(o.goal, where, o.where)) for o in same if o.plan != row.plan]
    if path is not None and not reads_images(project.path):
        notes.append(f"{where} {UNSEEN}")
    if against := against_words(goal, steps):
        notes.append(f"{where}: {against}")
    return Added(where, True, (*notes, *_uncounted(row, dataset, exam)))


def _own_words(goal: str) -> str:
    """The goal, stripped. Raises InputError for one that says nothing."""
    try:
        goal.encode()
    except UnicodeEncodeError:
        raise InputError("the goal is not UTF-8 text") from None
    goal = goal.strip()
    if not goal:
        raise InputError("the goal is empty")
    if is_placeholder(goal):
        raise InputError(f"{goal!r} is a place for your own words", hint="write the goal there")
    return goal


def _written(dataset: Dataset, exam: bool) -> list[Row]:
    """The rows that people wrote, of the exam or of the examples."""
    rows = dataset.exam if exam else dataset.train
    return [row for row in rows if row.origin == "pattern"]


def _refuse_leak(row: Row, dataset: Dataset, exam: bool) -> None:
    """Raises InputError for a goal that the exam asks, or for an exam's goal that is taught."""
    for other in _written(dataset, not exam):
        if same_goal(other, row):
            if exam:
                told = f"{row.goal!r} is taught ({other.where}), and would examine nothing"
            else:
                told = f"{row.goal!r} is in the exam ({other.where}), which is never trained on"
            raise InputError(told, hint="say it in other words")


def _uncounted(row: Row, dataset: Dataset, exam: bool) -> Iterator[str]:
    """A row of the exam that, by this row, differs from what is taught in its numbers alone."""
    for other in _written(dataset, not exam):
        if row.image_sha256 == other.image_sha256 and template(row.goal) == template(other.goal):
            asked = "it" if exam else other.where
            taught = other.where if exam else "it"
            yield f"{asked} does not count in the exam: {taught} differs in the numbers alone"
            return


def _append(project: Path, file: str, shape: dict[str, object]) -> int:
    """One line at the end of the file, whole or not at all; returns its number."""
    path = inside(project, Path(file))
    make_folder(path.parent)
    data = json.dumps(shape, ensure_ascii=False).encode() + b"\n"
    with path.open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.seek(0)
        before = stream.read()
        if before and not before.endswith(b"\n"):
            data = b"\n" + data  # after a torn line: it stays as it is
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return (before + data).count(b"\n")
