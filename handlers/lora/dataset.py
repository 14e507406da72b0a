"""What an adapter is trained on and examined with: rows from all sources, each kept once.

pattern   lora/patterns.jsonl, *.examples.jsonl          written by people
env       mission phases whose goal prompt spells out its actions
run       phases completed in run logs: what was done there
finetune  the same, from a log or training records given with --finetune

The exam (lora/eval.jsonl, *.exam.jsonl) is never trained on. A mined row gives way to a written one
with the same goal, and to the exam.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from handlers.lora.mined import Mined, phase_goals, steps_of_runs
from handlers.project.examples import Example, Step, iter_examples
from handlers.project.library import ActionLibrary, library_for
from handlers.project.paths import CADENZA_DIR, EXAMPLES_DIR, LORA_DIR, classify, inside
from handlers.project.runs import LogFile, run_logs
from handlers.project.spec import load_spec
from store.errors import InputError, UnsafePathError

Origin = Literal["pattern", "env", "run", "finetune"]
MAX_ACTIONS = 48


class ExamOverlap(InputError):
    """Rows of the exam are in the training data: what it says would mean nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A goal and its steps. `where` is file:line; `corrected`: canonical actions took part;
    `pinned`: its author wants it never to be lost.
    """

    goal: str
    actions: tuple[Step, ...]
    origin: Origin
    where: str
    image: str | None = None
    corrected: bool = False
    pinned: bool = False

    @property
    def key(self) -> str:
        """Goals that read the same are the same."""
        return re.sub(r"[^a-z0-9.]+", " ", self.goal.lower()).strip(" .")


@dataclass(frozen=True, slots=True)
class Dataset:
    """`problems`: (file:line, reason) of lines that are not used. `left_out`: why rows were."""

    train: tuple[Row, ...]
    exam: tuple[Row, ...]
    problems: tuple[tuple[str, str], ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, int]:
        return dict(Counter(row.origin for row in self.train))

    @property
    def sha256(self) -> str:
        """A hash of what is learned and of what is asked; not of where it was written."""
        content = [
            [[row.goal, [step.as_json() for step in row.actions], row.image] for row in part]
            for part in (self.train, self.exam)
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def load_dataset(project: Path, *, finetune: Path | None = None) -> Dataset:
    """A project's rows. Raises ExamOverlap, and ProjectError for an env.json that is not usable."""
    spec = load_spec(project / "env.json")
    library = library_for(spec.robot, project, spec.signals)
    problems: list[tuple[str, str]] = []
    train, exam = _authored(project, library, problems)
    mined: list[tuple[Origin, Mined]] = [("env", item) for item in phase_goals(spec, library)]
    mined += [("run", item) for item in steps_of_runs(run_logs(project), library)]
    if finetune is not None:
        log = LogFile(finetune.name, finetune, "mission")
        if not finetune.is_file():
            raise InputError(f"{finetune}: no such file")
        mined += [("finetune", item) for item in steps_of_runs([log], library)]
    rows, left_out = _merged(train, exam, mined)
    return Dataset(tuple(rows), tuple(exam), tuple(problems), left_out)


def _authored(
    project: Path, library: ActionLibrary, problems: list[tuple[str, str]]
) -> tuple[list[Row], list[Row]]:
    train: list[Row] = []
    exam: list[Row] = []
    for folder in (LORA_DIR, CADENZA_DIR, EXAMPLES_DIR):
        try:
            names = sorted(os.listdir(project / folder))
        except OSError:
            continue
        for name in names:
            relative = f"{folder}/{name}"
            role = classify(relative)
            if role not in ("examples", "exam"):
                continue
            rows = _read(project, relative, library, problems)
            (exam if role == "exam" else train).extend(rows)
    return train, exam


def _read(
    project: Path, relative: str, library: ActionLibrary, problems: list[tuple[str, str]]
) -> list[Row]:
    def rejected(line: int, reason: str) -> None:
        problems.append((f"{relative}:{line}", reason))

    try:
        with inside(project, Path(relative)).open("rb") as stream:
            examples = list(iter_examples(stream, library, rejected=rejected))
    except (OSError, UnsafePathError) as error:
        problems.append((relative, str(error)))
        return []
    rows = []
    for example in examples:
        if len(example.actions) > MAX_ACTIONS:
            rejected(example.line, f"{len(example.actions)} actions, more than {MAX_ACTIONS}")
            continue
        rows.append(_row(example, relative))
    return rows


def _row(example: Example, relative: str) -> Row:
    return Row(
        example.goal,
        example.actions,
        "pattern",
        f"{relative}:{example.line}",
        image=example.image,
        pinned=example.pinned,
    )


def _merged(
    train: Sequence[Row], exam: Sequence[Row], mined: Iterable[tuple[Origin, Mined]]
) -> tuple[list[Row], dict[str, int]]:
    asked = {row.key: row for row in exam}
    both = [(row, asked[row.key]) for row in train if row.key in asked]
    if both:
        places = "; ".join(f"{row.where} and {other.where}" for row, other in both[:5])
        raise ExamOverlap(
            f"{len(both)} goals are in the examples and in the exam: {places}",
            hint="take them out of one of the two",
        )
    left_out: Counter[str] = Counter()
    kept: dict[tuple[str, Any], Row] = {}
    for row in train:
        key = (row.key, row.image or json.dumps([step.as_json() for step in row.actions]))
        if key in kept:
            left_out["the same row twice"] += 1
        else:
            kept[key] = row
    written = {row.key for row in train}
    for origin, item in mined:
        row = Row(item.goal, item.actions, origin, item.where, corrected=item.corrected)
        if row.key in asked:
            left_out["mined, and in the exam"] += 1
        elif row.key in written:
            left_out["mined, and written by hand"] += 1
        elif any(known[0] == row.key for known in kept):
            left_out["mined twice"] += 1
        else:
            kept[row.key, None] = row
    return list(kept.values()), dict(left_out)
