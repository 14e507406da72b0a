"""What an adapter is trained on and examined with: rows from all sources, each kept once.

pattern   lora/patterns.jsonl, *.examples.jsonl          written by people
env       mission phases whose goal prompt spells out its actions
run       phases completed in run logs: what was done there
finetune  the same, from a log or training records given with --finetune

The exam (lora/eval.jsonl, *.exam.jsonl) is never trained on. A mined row gives way to a written one
with the same goal, and to the exam. Of written rows with one goal and two plans the newer counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from handlers.lora.data.conflicts import Conflict, identity, settle
from handlers.lora.data.mined import Mined, phase_goals, steps_of_runs
from handlers.lora.data.records import content_of, steps_of_records
from handlers.lora.model.rows import MAX_ACTIONS, Origin, Row
from handlers.project.formats.examples import Example, iter_examples
from handlers.project.formats.lines import first_objects
from handlers.project.formats.runs import LogFile, run_logs
from handlers.project.library import ActionLibrary
from handlers.project.paths import (
    CADENZA_DIR,
    ENCODER_FILE,
    EXAMPLES_DIR,
    LORA_DIR,
    classify,
    held_out,
    inside,
    sniff,
)
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec
from store.errors import InputError, UnsafePathError

UNSEEN = f"has an image, which no encoder of text can read: that takes a {ENCODER_FILE}"


class ExamOverlap(InputError):
    """Rows of the exam are in the training data: what it says would mean nothing."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """`problems`: (file:line, reason) of lines that are not used. `left_out`: why rows were.

    `conflicts`: written rows that a newer one contradicts, and which therefore are not used.
    """

    train: tuple[Row, ...]
    exam: tuple[Row, ...]
    problems: tuple[tuple[str, str], ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()

    @property
    def sources(self) -> dict[str, int]:
        return dict(Counter(row.origin for row in self.train))

    @property
    def sha256(self) -> str:
        """A hash of what is learned and of what is asked; not of where it was written."""
        content = [
            [[row.goal, [step.as_json() for step in row.actions], row.image_sha256] for row in part]
            for part in (self.train, self.exam)
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def load_dataset(
    project: Project, *, finetune: Path | None = None, pictures: bool = False
) -> Dataset:
    """A project's rows. `pictures`: also those with an image that no encoder of it can read.

    Raises ExamOverlap, and ProjectError for an unknown robot.
    """
    spec, library = project.spec, project.library
    problems: list[tuple[str, str]] = []
    written: dict[str, int] = {}
    train, exam = _authored(project.path, library, problems, written)
    train, contradicted = settle(train, written)
    exam, doubly_asked = settle(exam, written)
    if not pictures and not reads_images(project.path):
        problems += [(row.where, UNSEEN) for row in train if row.image is not None]
        train = [row for row in train if row.image is None]
    mined: list[tuple[Origin, Mined]] = [("env", item) for item in phase_goals(spec, library)]
    mined += [("run", item) for item in steps_of_runs(run_logs(project.path), library)]
    if finetune is not None:
        mined += [("finetune", item) for item in _given(finetune, spec, library, problems)]
    asked: Counter[str] = Counter()
    exam = list(_once(exam, asked, "the same exam row twice").values())
    rows, left_out = _merged(train, exam, mined)
    return Dataset(
        tuple(rows),
        tuple(exam),
        tuple(problems),
        {**asked, **left_out},
        (*contradicted, *doubly_asked),
    )


def _given(
    path: Path, spec: ProjectSpec, library: ActionLibrary, problems: list[tuple[str, str]]
) -> list[Mined]:
    """What a log or a file of training records teaches. Raises InputError for anything else."""
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not a log or a file of training records")
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        content = content_of(path)
        if content is None:
            raise InputError(
                f"{path}: is neither a run log nor a file of training records",
                hint="a run log has a tick and an action on each line, a record a prompt too",
            )
        if content == "records":
            found = list(steps_of_records(path, spec, library, problems))
        else:
            found = list(steps_of_runs([LogFile(path.name, path, "mission")], library))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if not found:
        problems.append((path.name, "no phase is completed in it in a few actions"))
    return found


def _authored(
    project: Path,
    library: ActionLibrary,
    problems: list[tuple[str, str]],
    written: dict[str, int],
) -> tuple[list[Row], list[Row]]:
    """The rows of all files; `written` is given each file's time."""
    train: list[Row] = []
    exam: list[Row] = []
    for relative, is_exam in authored_files(project):
        (exam if is_exam else train).extend(_read(project, relative, library, problems, written))
    return train, exam


def authored_files(project: Path) -> Iterator[tuple[str, bool]]:
    """Every file of examples, relative to the project, and whether it is an exam."""
    for folder in (LORA_DIR, CADENZA_DIR, EXAMPLES_DIR):
        try:
            names = sorted(os.listdir(project / folder))
        except OSError:
            continue
        for name in names:
            relative = f"{folder}/{name}"
            role = classify(relative)
            if role in ("examples", "exam") or (
                role == "maybe" and _is_examples(project, relative)
            ):
                yield relative, role == "exam" or (role == "maybe" and held_out(relative))


def _is_examples(project: Path, relative: str) -> bool:
    """Whether a file whose name says nothing has examples, as intake finds out too."""
    try:
        path = inside(project, Path(relative))
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return sniff(first_objects(stream)) == "examples"
    except (OSError, UnsafePathError):
        return False


def _read(
    project: Path,
    relative: str,
    library: ActionLibrary,
    problems: list[tuple[str, str]],
    written: dict[str, int],
) -> list[Row]:
    def rejected(line: int, reason: str) -> None:
        problems.append((f"{relative}:{line}", reason))

    try:
        path = inside(project, Path(relative))
        if not path.is_file():
            raise OSError("is not a regular file")
        with path.open("rb") as stream:
            written[relative] = os.fstat(stream.fileno()).st_mtime_ns
            examples = list(iter_examples(stream, library, rejected=rejected))
    except (OSError, UnsafePathError) as error:
        problems.append((relative, str(error)))
        return []
    rows = []
    for example in examples:
        if len(example.actions) > MAX_ACTIONS:
            rejected(example.line, f"{len(example.actions)} actions, more than {MAX_ACTIONS}")
            continue
        try:
            rows.append(_row(project, example, relative))
        except (InputError, UnsafePathError) as error:
            rejected(example.line, error.message)
    return rows


def is_placeholder(goal: str) -> bool:
    """Whether a goal is a place for somebody's own words, as next steps have them."""
    return goal.startswith("<") and goal.endswith(">")


def reads_images(project: Path) -> bool:
    """Whether a project has an encoder that may: ours are of text."""
    return (project / ENCODER_FILE).is_file()


def image_of(project: Path, name: str | None) -> tuple[Path | None, str | None]:
    """An image's real path and the hash of its bytes. Raises InputError, UnsafePathError."""
    if name is None:
        return None, None
    path = inside(project, Path(name))
    if not path.is_file():
        raise InputError(f"{name}: no such image in {project}")
    try:
        return path, hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None


def _row(project: Path, example: Example, relative: str) -> Row:
    """Raises InputError for a goal without words and for an image that cannot be read."""
    path, sha256 = image_of(project, example.image)
    if is_placeholder(example.goal):
        raise InputError("the goal is a place for your own words")
    row = Row(
        example.goal,
        example.actions,
        "pattern",
        f"{relative}:{example.line}",
        image=example.image,
        image_path=path,
        image_sha256=sha256,
        pinned=example.pinned,
    )
    if not row.key:
        raise InputError("no word in the goal")
    return row


def _merged(
    train: Sequence[Row], exam: Sequence[Row], mined: Iterable[tuple[Origin, Mined]]
) -> tuple[list[Row], dict[str, int]]:
    asked = {(row.key, row.image_sha256): row for row in exam}
    exam_goals = {identity(row)[0] for row in exam}
    both = [
        (row, asked[row.key, row.image_sha256])
        for row in train
        if (row.key, row.image_sha256) in asked
    ]
    if both:
        places = "; ".join(f"{row.where} and {other.where}" for row, other in both[:5])
        raise ExamOverlap(
            f"{len(both)} goals are in the examples and in the exam: {places}",
            hint="take them out of one of the two",
        )
    left_out: Counter[str] = Counter()
    kept = _once(train, left_out, "the same row twice")
    written = {row.key for row in train}
    mined_before: set[str] = set()
    for origin, item in mined:
        row = Row(item.goal, item.actions, origin, item.where, corrected=item.corrected)
        if identity(row)[0] in exam_goals:
            left_out["mined, and in the exam"] += 1
        elif row.key in written:
            left_out["mined, and written by hand"] += 1
        elif row.key in mined_before:
            left_out["mined twice"] += 1
        else:
            mined_before.add(row.key)
            kept[row.key, None, ""] = row
    return list(kept.values()), dict(left_out)


def _once(
    rows: Iterable[Row], left_out: Counter[str], why: str
) -> dict[tuple[str, str | None, str], Row]:
    """Each row where it came first; pinned if any of its copies is."""
    kept: dict[tuple[str, str | None, str], Row] = {}
    for row in rows:
        key = (row.key, row.image_sha256, row.plan)
        known = kept.setdefault(key, row)
        if known is not row:
            left_out[why] += 1
            kept[key] = replace(known, pinned=known.pinned or row.pinned)
    return kept
