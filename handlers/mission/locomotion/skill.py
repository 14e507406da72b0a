"""An action call, and a skill: the thing that executes one, a control period at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from handlers.mission.world.sense import Sense
from store.errors import InputError

Outcome = Literal["done", "blocked", "timeout", "fell", "diverged"]


class Skill(Protocol):
    """One action in the making."""

    @property
    def outcome(self) -> Outcome:
        """How it went, once `tick` has returned None."""
        ...

    def tick(self, sense: Sense) -> list[float] | None:
        """Joint targets (rad, 12) of the next control period; None when the action is over."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """An action to execute. Lengths in m, angles in rad, times in s; 0 means the default."""

    action: str
    speed: float = 1.0
    extension: float = 1.0
    repeat: int = 1
    distance_m: float = 0.0
    rotation_rad: float = 0.0
    duration_s: float = 0.0

    @property
    def params(self) -> dict[str, float | int]:
        """As logs write them: the three factors always, the rest when not zero."""
        values: dict[str, float | int] = {
            "speed": self.speed,
            "extension": self.extension,
            "repeat": self.repeat,
        }
        for name in ("distance_m", "rotation_rad", "duration_s"):
            value = float(getattr(self, name))
            if value:
                values[name] = value
        return values

    @classmethod
    def of(cls, action: str, params: Mapping[str, float] | None = None) -> Call:
        """From an action's name and its parameters by name. Raises InputError for unknown ones."""
        values = dict(params or {})
        values.pop("action", None)
        repeat = int(values.pop("repeat", 1))
        known = {"speed", "extension", "distance_m", "rotation_rad", "duration_s"}
        for name in values:
            if name not in known:
                raise InputError(f"{action}: unknown parameter {name!r}")
        return cls(action, repeat=repeat, **{key: float(value) for key, value in values.items()})
