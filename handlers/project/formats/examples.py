"""Goal -> actions rows: what a robot should do when it is told something in words.

One JSON object a line: `{"goal": str, "actions": [{"action": name, ...}], "source"?, "image"?}`;
any other key is somebody's note and stays where it is. A row is used whole or not at all: a goal
with one wrong action would teach the rest of its actions under false pretences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from handlers.project.formats.lines import BadLine, LineReader, parse_line
from handlers.project.formats.logsummary import LineTally, lines_of
from handlers.project.jsontext import kind_of
from handlers.project.library import ActionLibrary
from store.events.files import LineCounts, LineProblem
from store.identity import Prefix


@dataclass(frozen=True, slots=True)
class Step:
    """One action of an example, with the parameters its author gave (the rest are defaults)."""

    action: str
    parameters: Mapping[str, float]

    def as_json(self) -> dict[str, str | float]:
        """The shape it has in a file."""
        return {"action": self.action, **self.parameters}


@dataclass(frozen=True, slots=True)
class Example:
    """A row that can be trained on. `image` is as written: resolve it with `paths.inside`."""

    goal: str
    actions: tuple[Step, ...]
    source: str | None
    image: str | None
    line: int
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class ExamplesSummary:
    """An examples file as far as it was read: `digest` is what its first `size` bytes are known by.

    `problems` names the first rejected lines, `rejected` counts them all; `prior_digest` and
    `torn_tail` are as in LogSummary.
    """

    rows: int
    rejected: int
    counts: LineCounts
    problems: tuple[LineProblem, ...]
    size: int
    digest: str
    prior_digest: str | None
    torn_tail: bool


Rejected = Callable[[int, str], None]
"""Told the 1-based number of each line that was not usable, and why."""


def read_examples(
    stream: BinaryIO, library: ActionLibrary, *, prior: Prefix | None = None
) -> ExamplesSummary:
    """Check every row of a file against the robot's library. Raises OSError only."""
    reader = LineReader(stream, prior=prior)
    tally = LineTally()
    for line, data in lines_of(reader, tally):
        try:
            _example(line, data, library)
            tally.valid += 1
        except BadLine as bad:
            tally.reject(line, str(bad))
    head, counts = reader.head(), tally.counts()
    return ExamplesSummary(
        rows=counts.valid,
        rejected=counts.rejected,
        counts=counts,
        problems=tuple(tally.problems),
        size=head.size,
        digest=head.digest,
        prior_digest=head.prior_digest,
        torn_tail=head.torn_tail,
    )


def iter_examples(
    stream: BinaryIO, library: ActionLibrary, *, rejected: Rejected | None = None
) -> Iterator[Example]:
    """The usable rows of a file, in order; the others go to `rejected`, if given."""
    tally = LineTally(on_reject=rejected)
    for line, data in lines_of(LineReader(stream), tally):
        try:
            yield _example(line, data, library)
        except BadLine as bad:
            tally.reject(line, str(bad))


def _example(line: int, data: bytes, library: ActionLibrary) -> Example:
    """The example on a line. Raises BadLine with the first thing that is wrong with it."""
    row = parse_line(data)
    goal = row.get("goal")
    if goal is not None and not isinstance(goal, str):
        raise BadLine(f"goal must be text, not {kind_of(goal)}")
    if not goal or not goal.strip():
        raise BadLine("no goal")
    actions = row.get("actions")
    if not isinstance(actions, list) or not actions:
        raise BadLine("no actions")
    return Example(
        goal=goal.strip(),
        actions=tuple(_step(at, action, library) for at, action in enumerate(actions, 1)),
        source=_optional_text(row, "source"),
        image=_optional_text(row, "image"),
        line=line,
        pinned=row.get("pinned") is True,
    )


def _step(at: int, action: Any, library: ActionLibrary) -> Step:
    if not isinstance(action, dict):
        raise BadLine(f"action {at} must be an object {{ ... }}, not {kind_of(action)}")
    for problem in library.validate(action):
        raise BadLine(f"action {at}: {problem}")
    name = action["action"]
    takes = library.spec(name).parameters
    return Step(name, {key: action[key] for key in takes if key in action})


def _optional_text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or isinstance(value, str):
        return value
    raise BadLine(f"{key} must be text, not {kind_of(value)}")
