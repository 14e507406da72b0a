"""A rule: in a phase, while its conditions hold, one action. Data that cannot be unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite

from handlers.judge.prompt.rules.forms import FORMS, MAX_TICKS, RANGES, UNITS, Kind, Side

MOST_CONDITIONS = 2
SAFETY: frozenset[Kind] = frozenset({"fallen", "near"})
"""An author's rules about these come before ours, whatever ours are."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is to have held for `ticks` ticks, the last one included.

    `name`: a tag of the scene (of `tried`: an action); None for what has none, and for the phase's
    target. `number`: m, degrees, ticks or tries, as UNITS says. Raises ValueError for what no line
    could say.
    """

    kind: Kind
    name: str | None = None
    number: float | None = None
    side: Side | None = None
    ticks: int = 1

    def __post_init__(self) -> None:
        if self.name == "":
            raise ValueError(f"{self.kind!r}: a name must not be empty")
        if not 1 <= self.ticks <= MAX_TICKS:
            raise ValueError(f"a condition holds for 1 to {MAX_TICKS} ticks, not {self.ticks}")
        if self.number is not None and not (isfinite(self.number) and self.number >= 0):
            raise ValueError(f"{self.kind!r}: a number from 0 on, not {self.number}")
        given = (self.kind, self.side, self.name is not None, self.number is not None)
        known = [(form.kind, form.side, form.has_name, form.has_number) for form in FORMS]
        if given not in known:
            if self.kind not in {form.kind for form in FORMS}:
                raise ValueError(f"unknown condition {self.kind!r}")
            raise ValueError(
                f"{self.kind!r} cannot have name {self.name!r}, number {self.number} and side"
                f" {self.side!r} together"
            )

    def out_of_range(self) -> str:
        """Why its number is none that anybody should propose; "" where it is one."""
        if self.number is None:
            return ""
        low, high, whole = RANGES[self.kind]
        if low <= self.number <= high and not (whole and self.number % 1):
            return ""
        unit = f"whole {UNITS[self.kind]}" if whole else UNITS[self.kind]
        return f"{self.kind!r} takes {low:g} to {high:g} {unit}, not {self.number:g}"

    @property
    def at_once(self) -> Condition:
        """The same, however long it has held."""
        return replace(self, ticks=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """In `phase` (None: any), while all of `conditions` hold, do `action`.

    Without conditions, or with "always" alone, which is left out, it always holds. `parameters` are
    the action's, in m, rad and s. `mode_id` is the finding that it answers; the line has it not.
    """

    phase: str | None
    conditions: tuple[Condition, ...]
    action: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    mode_id: str = ""

    def __post_init__(self) -> None:
        if self.phase == "" or not self.action:
            raise ValueError("a phase or an action must not be an empty name")
        if len(self.conditions) > MOST_CONDITIONS:
            raise ValueError(f"{len(self.conditions)} conditions; {MOST_CONDITIONS} are the most")
        told = tuple(condition for condition in self.conditions if condition != _ALWAYS)
        object.__setattr__(self, "conditions", told)
        for name, value in self.parameters.items():
            if not (isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a number from 0 on, not {value}")

    @property
    def is_unconditional(self) -> bool:
        """Whether it would silence every rule below it, in its phase at least."""
        return all(condition.kind == "always" for condition in self.conditions)

    @property
    def is_safety(self) -> bool:
        """Whether it is about falling or about being near something."""
        return any(condition.kind in SAFETY for condition in self.conditions)

    @property
    def case(self) -> tuple[str | None, frozenset[Condition]]:
        """What it is for, however long that must have held: two rules of one case are rivals."""
        return self.phase, frozenset(condition.at_once for condition in self.conditions)


_ALWAYS = Condition("always")
