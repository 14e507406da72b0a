"""The rules a judge may write into a prompt, and how code reads them back.

A rule is one line of the managed block:

    - when in enter_debris and stuck for 3 ticks: walk_backward distance_m=0.3

Code renders it from checked fields, so nothing a log or a model says becomes prose in somebody's
source. The sample project's policy reads the same grammar, in a reading of its own: a project keeps
that file and owes us no import. A test holds both readings to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

CONDITIONS = ("always", "stuck", "blocked", "fallen", "seeing", "near")
"""What a rule can wait for; `seeing` and `near` name a tag of the scene."""
TAGGED = frozenset({"seeing", "near"})
SAFETY = frozenset({"fallen", "near"})
"""An author's rules about these come before ours, whatever ours are."""
MAX_TICKS = 20
BLOCKED_M = 0.35
NEAR_M = 0.6
FALLEN_DEG = 45.0

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_LINE = re.compile(
    rf"^- when (?:in (?P<phase>{_NAME}))?(?P<and> and )?"
    rf"(?:(?P<condition>always|stuck|blocked|fallen|seeing|near)(?: (?P<tag>{_NAME}))?"
    rf"(?: for (?P<ticks>[1-9]|1[0-9]|20) ticks)?)?"
    rf": (?P<action>\w+)(?P<parameters>(?: \w+=[0-9]+(?:\.[0-9]+)?)*)$"
)
_PLAIN_NAME = re.compile(_NAME)


@dataclass(frozen=True, slots=True)
class Rule:
    """In `phase` (None: any), while `condition` has held for `min_ticks` ticks, do `action`.

    `tag` goes with `seeing` and `near` alone. `parameters` are the action's, in m, rad and s.
    `mode_id` is the finding that the rule answers; it is not part of the line.
    """

    phase: str | None
    condition: str
    min_ticks: int
    action: str
    tag: str | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    mode_id: str = ""

    def __post_init__(self) -> None:
        for name in (self.phase, self.tag):
            if name is not None and not _PLAIN_NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot stand in a rule: letters, digits, _ . - only")
        if self.condition not in CONDITIONS:
            raise ValueError(f"unknown condition {self.condition!r}")
        if (self.tag is not None) != (self.condition in TAGGED):
            raise ValueError(f"{self.condition!r} and tag {self.tag!r} do not go together")
        if not 1 <= self.min_ticks <= MAX_TICKS:
            raise ValueError(f"min_ticks must be 1 to {MAX_TICKS}, not {self.min_ticks}")


def render(rule: Rule) -> str:
    """The rule as its line."""
    conditions = []
    if rule.phase is not None:
        conditions.append(f"in {rule.phase}")
    if rule.condition != "always" or rule.phase is None:
        held = rule.condition + (f" {rule.tag}" if rule.tag else "")
        conditions.append(held + (f" for {rule.min_ticks} ticks" if rule.min_ticks > 1 else ""))
    given = "".join(f" {name}={value:g}" for name, value in rule.parameters.items())
    return f"- when {' and '.join(conditions)}: {rule.action}{given}"


def parse(line: str) -> Rule | None:
    """The rule on a line; None when it is none."""
    match = _LINE.match(line.strip())
    if match is None or bool(match["and"]) != bool(match["phase"] and match["condition"]):
        return None
    if match["phase"] is None and match["condition"] is None:
        return None
    pairs = (pair.split("=") for pair in match["parameters"].split())
    try:
        return Rule(
            phase=match["phase"],
            condition=match["condition"] or "always",
            min_ticks=int(match["ticks"] or 1),
            action=match["action"],
            tag=match["tag"],
            parameters={name: float(value) for name, value in pairs},
        )
    except ValueError:
        return None


def parse_all(lines: Iterable[str]) -> list[Rule]:
    """The rules among lines, in order."""
    return [rule for line in lines if (rule := parse(line)) is not None]


def first_match(
    rules: Iterable[Rule], observation: Mapping[str, Any], recent: Iterable[Mapping[str, Any]] = ()
) -> Rule | None:
    """The first rule whose condition has held long enough.

    `observation` is shaped like a log record (phase, obs, motion, visible_tags); `recent` are those
    before it, the newest last. What is missing is unknown, and an unknown condition does not hold.
    """
    history = [*recent, observation]
    for rule in rules:
        if rule.phase is not None and observation.get("phase") != rule.phase:
            continue
        if len(history) >= rule.min_ticks and all(
            _holds(rule, past) for past in history[-rule.min_ticks :]
        ):
            return rule
    return None


def _holds(rule: Rule, observation: Mapping[str, Any]) -> bool:
    if rule.phase is not None and observation.get("phase") != rule.phase:
        return False
    obs = _mapping(observation.get("obs"))
    visible = _mapping(observation.get("visible_tags"))
    match rule.condition:
        case "always":
            return True
        case "stuck":
            return _mapping(observation.get("motion")).get("label") == "stuck"
        case "blocked":
            nearest = _number(obs.get("nearest_m"))
            return nearest is not None and 0 <= nearest < BLOCKED_M
        case "fallen":
            tilts = (_number(obs.get("roll_deg")), _number(obs.get("pitch_deg")))
            return any(tilt is not None and abs(tilt) > FALLEN_DEG for tilt in tilts)
        case "seeing":
            return rule.tag in visible
        case "near":
            distance = _number(visible.get(rule.tag or ""))
            return distance is not None and distance < NEAR_M
    return False


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    """A finite number; true and false are none."""
    if (type(value) is float or type(value) is int) and abs(value) < 1e300:
        return float(value)
    return None
