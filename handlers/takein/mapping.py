"""Which value of a recording is which field of a tick.

obs.pos_x = /odom:pose.pose.position.x      a topic's message, and the way in it
obs.roll_deg = observation.state[1]         a column, and the place in its vector
action = actions                            a name, or the id of an action of the library
obs.pos_y = -/odom:pose.pose.position.y     the negative: another frame's sign
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.project.library import PARAMETERS
from store.errors import ConfigError

OBSERVED = (
    "body_height", "roll_deg", "pitch_deg", "feet_grounded", "nearest_m", "pos_x", "pos_y",
    "yaw_deg",
)  # fmt: skip
FIELDS = frozenset(
    {f"obs.{name}" for name in OBSERVED}
    | {f"action_params.{name}" for name in PARAMETERS}
    | {"action", "reward", "phase", "phase_idx", "goal_prompt", "phase_done", "phase_failed",
       "terminated", "truncated", "mission_success"}
)  # fmt: skip
"""What a recording may give of a tick."""

EXAMPLE = '[takein] fields = ["action = /cmd:action", "obs.pos_x = /odom:pose.pose.position.x"]'

_LINE = re.compile(r"\s*(?P<field>[a-z_.]+)\s*=\s*(?P<sign>-?)(?P<source>[^\s:\[\]]+)"
                   r"(?::(?P<path>[^\s:]+))?(?P<index>(?:\[\d+\])*)\s*")  # fmt: skip
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value is: `name` of the topic or column, the way inside, and its sign."""

    name: str
    way: tuple[str | int, ...]
    negative: bool

    def of(self, values: Mapping[str, Any]) -> Any:
        """The value; None where there is none."""
        value = values.get(self.name)
        for step in self.way:
            if isinstance(step, int) and isinstance(value, Sequence) and step < len(value):
                value = value[step]
            elif isinstance(step, str) and isinstance(value, Mapping):
                value = value.get(step)
            elif isinstance(step, str) and not step.startswith("_"):
                value = getattr(value, step, None)  # a ROS message
            else:
                return None
        if self.negative and isinstance(value, int | float):
            return -value
        return value


def parse_fields(lines: Sequence[str], where: str) -> dict[str, Source]:
    """Field -> where it is. Raises ConfigError with one line that names the entry."""
    found: dict[str, Source] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise ConfigError(f"{where}: {line[:80]!r} is not FIELD = SOURCE", hint=EXAMPLE)
        field = match["field"]
        if field not in FIELDS:
            known = ", ".join(sorted(FIELDS))
            raise ConfigError(f"{where}: a tick has no field {field!r}", hint=f"one of {known}")
        if field in found:
            raise ConfigError(f"{where}: {field} is given twice", hint="leave one of them out")
        way = (match["path"] or "") + match["index"]
        steps = tuple(int(at) if at else name for at, name in _STEP.findall(way))
        found[field] = Source(match["source"], steps, bool(match["sign"]))
    if found and "action" not in found:
        raise ConfigError(f"{where}: no entry says what the action is", hint=EXAMPLE)
    return found
