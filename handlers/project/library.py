"""The actions a robot knows, and the parameters each one takes.

go1, go2 and g1 are built in. Any other robot brings its own `actions.json` in the project folder:

    {"robot": "rover", "actions": {
        "drive_forward": {"kind": "gait", "distance_m": 1.0},
        "spin_left":     {"kind": "turn", "rotation_rad": 1.5708},
        "beep":          {"kind": "pose"}}}

`kind` says which parameters the action takes (see KINDS), the number is its default; `robot` is
optional. Without one, an installed `cadenza-lab` is asked (see labrobots.py). The signals of a
project's control panel are actions too, after the robot's own, in the order env.json gives them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from handlers.project.jsontext import did_you_mean, kind_of, parse_object, read_text_file
from handlers.project.labrobots import lab_actions
from handlers.project.paths import ACTIONS_FILE
from store.errors import ProjectError

Kind = Literal["gait", "turn", "pose", "signal"]

QUARTER_TURN = math.pi / 2
ROUNDING = 1e-4
"""How far past its range a number may be: people write a full turn as 6.2832."""

ABSURD = 1e9


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number an action can take. `neutral` is the value that changes nothing."""

    name: str
    low: float
    high: float
    neutral: float
    whole: bool = False


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        parameter.name: parameter
        for parameter in (
            Parameter("speed", 0.1, 2.5, 1.0),
            Parameter("extension", 0.5, 1.5, 1.0),
            Parameter("repeat", 1, 10, 1, whole=True),
            Parameter("distance_m", 0.0, 20.0, 0.0),
            Parameter("rotation_rad", 0.0, 2 * math.pi, 0.0),
            Parameter("duration_s", 0.0, 60.0, 0.0),
        )
    }
)

KINDS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        "gait": ("speed", "extension", "repeat", "distance_m", "duration_s"),
        "turn": ("speed", "extension", "repeat", "distance_m", "rotation_rad", "duration_s"),
        "pose": ("speed", "extension", "repeat", "duration_s"),
        "signal": (),
    }
)
"""Which parameters an action takes, by its kind."""

_MAIN: Mapping[Kind, str | None] = {
    "gait": "distance_m",
    "turn": "rotation_rad",
    "pose": "duration_s",
    "signal": None,
}


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action: its kind, and how far it goes (metres) or turns (radians) unless told."""

    name: str
    kind: Kind
    default: float = 0.0

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters it takes, in the order they are always written."""
        return KINDS[self.kind]

    @property
    def main_parameter(self) -> str | None:
        """The one a bare number after the action's name means; None for a signal."""
        return _MAIN[self.kind]

    @property
    def defaults(self) -> dict[str, float]:
        """Every parameter it takes with the value it has when not given."""
        values = {name: PARAMETERS[name].neutral for name in self.parameters}
        if self.kind in ("gait", "turn"):
            values[str(self.main_parameter)] = self.default
        return values


@dataclass(frozen=True, slots=True)
class ActionLibrary:
    """A robot's actions by name, in a fixed order: an action's position is its id."""

    robot: str
    actions: Mapping[str, ActionSpec] = field(repr=False)

    def __reduce__(self) -> tuple[type[ActionLibrary], tuple[str, dict[str, ActionSpec]]]:
        """For worker processes: a read-only mapping cannot be sent to one."""
        return ActionLibrary, (self.robot, dict(self.actions))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.actions)

    def __contains__(self, name: object) -> bool:
        return name in self.actions

    def spec(self, name: str) -> ActionSpec:
        """The action of that name. Raises ProjectError, naming the nearest, when there is none."""
        try:
            return self.actions[name]
        except KeyError:
            raise ProjectError(self._unknown(name)) from None

    def nearest(self, name: str) -> str | None:
        """The known action a misspelt name most likely means; None when nothing is close."""
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        longer = [known for known in self.names if plain and known.startswith(f"{plain}_")]
        near = longer or get_close_matches(plain, self.names, n=1, cutoff=0.6)
        return near[0] if near else None

    def validate(self, action: Mapping[str, object]) -> list[str]:
        """What is wrong with `{"action": name, parameter: number, ...}`, in plain words.

        Empty when it can be executed as it stands. Keys that start with `_` are comments; a
        parameter the action does not take may be there with the value that changes nothing.
        """
        name = action.get("action")
        if not isinstance(name, str) or not name:
            return ["an action without a name"]
        if name not in self.actions:
            return [self._unknown(name)]
        takes = self.actions[name].parameters
        problems = []
        for key, value in action.items():
            if key != "action" and not key.startswith("_"):
                problem = _parameter_problem(key, value, takes)
                if problem:
                    problems.append(f"{name}: {problem}")
        return problems

    def _unknown(self, name: str) -> str:
        near = self.nearest(name)
        hint = f"; did you mean {near!r}?" if near else ""
        return f"{self.robot} has no action {kind_of(name)}{hint}"


def _parameter_problem(name: str, value: object, takes: tuple[str, ...]) -> str | None:
    parameter = PARAMETERS.get(name)
    if parameter is None:
        return f"unknown parameter {kind_of(name)}{did_you_mean(name, PARAMETERS)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} must be a number, not {kind_of(value)}"
    if not abs(value) < ABSURD:  # also true of NaN
        return f"{name} must be a finite number of ordinary size"
    if name not in takes:
        return None if value == parameter.neutral else f"takes no {name}"
    if parameter.whole and value != int(value):
        return f"{name} must be a whole number, not {value:g}"
    if not parameter.low - ROUNDING <= value <= parameter.high + ROUNDING:
        return f"{name} must be {parameter.low:g} to {parameter.high:g}, not {value:g}"
    return None


# -- libraries -------------------------------------------------------------------------------------

_GAITS = {
    "walk_forward": 1.0,
    "walk_backward": 0.5,
    "trot_forward": 1.0,
    "crawl_forward": 0.5,
    "climb_step": 0.3,
    "side_step_left": 0.3,
    "side_step_right": 0.3,
    "pace_forward": 1.0,
    "bound_forward": 1.0,
}
_TURNS = ("turn_left", "turn_right", "precision_turn_left", "precision_turn_right")

_QUADRUPED = (
    "stand stand_up sit lie_down jump walk_forward walk_backward trot_forward crawl_forward "
    "turn_left turn_right precision_turn_left precision_turn_right climb_step side_step_left "
    "side_step_right pace_forward bound_forward rear_up shake_hand rear_kick"
)
_HUMANOID = (
    "stand stand_up sit lie_down crouch deep_crouch lift_left_hand lift_right_hand walk_forward "
    "walk_backward trot_forward crawl_forward turn_left turn_right side_step_left side_step_right "
    "jump shake_hand rear_kick rear_up"
)
BUILT_IN: Mapping[str, str] = {"go1": _QUADRUPED, "go2": _QUADRUPED, "g1": _HUMANOID}
"""Robot -> its action names, in id order."""


def _built_in_action(name: str) -> ActionSpec:
    if name in _TURNS:
        return ActionSpec(name, "turn", QUARTER_TURN)
    if name in _GAITS:
        return ActionSpec(name, "gait", _GAITS[name])
    return ActionSpec(name, "pose")


def library_for(robot: str, project: Path | None, signals: Iterable[str] = ()) -> ActionLibrary:
    """The actions `robot` knows in `project`, and the project's signals.

    Raises ProjectError when nobody knows the robot, when actions.json is not usable, and when a
    signal has the name of an action.
    """
    key = robot.lower()
    if key in BUILT_IN:
        own = [_built_in_action(name) for name in BUILT_IN[key].split()]
    else:
        own = _other_robot(key, project)
    actions = {spec.name: spec for spec in own}
    for signal in signals:
        if signal in actions:
            raise ProjectError(
                f"control_panel.actions: {signal!r} is already an action of {robot}",
                hint="give the signal another name in env.json",
            )
        actions[signal] = ActionSpec(signal, "signal")
    return ActionLibrary(key, MappingProxyType(actions))


def _other_robot(robot: str, project: Path | None) -> list[ActionSpec]:
    if project is not None and (project / ACTIONS_FILE).is_file():
        return _from_file(project / ACTIONS_FILE, robot)
    found = lab_actions(robot)
    if not found:
        raise ProjectError(
            f"robot {robot!r}: no action library (built in: {', '.join(BUILT_IN)})",
            hint=f"describe its actions in {ACTIONS_FILE} beside env.json",
        )
    return [ActionSpec(name, cast(Kind, kind), default) for name, kind, default in found]


_EXAMPLE = (
    'such a one is right: {"actions": {"drive": {"kind": "gait", "distance_m": 1.0},'
    ' "beep": {"kind": "pose"}}}'
)


def _from_file(path: Path, robot: str) -> list[ActionSpec]:
    """The actions of an actions.json; see the module's docstring for its shape."""
    try:
        return _read(path, robot)
    except ProjectError as error:
        raise ProjectError(error.message, hint=_EXAMPLE) from None


def _read(path: Path, robot: str) -> list[ActionSpec]:
    content, _ = parse_object(read_text_file(path, ProjectError), str(path), ProjectError)
    owner = content.get("robot", robot)
    if str(owner).lower() != robot:
        raise ProjectError(f"{path}: robot: is {kind_of(owner)}, but env.json says {robot!r}")
    actions = content.get("actions")
    if not isinstance(actions, dict) or not actions:
        raise ProjectError(f"{path}: actions: must be an object of action name -> description")
    return [_described(name, about, f"{path}: actions.{name}") for name, about in actions.items()]


def _described(name: str, about: Any, where: str) -> ActionSpec:
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ProjectError(f"{where}: an action's name is letters, digits and _")
    if not isinstance(about, dict):
        raise ProjectError(f"{where}: must be an object {{ ... }}, not {kind_of(about)}")
    kind = about.get("kind", "pose")
    if kind not in KINDS or kind == "signal":
        raise ProjectError(f"{where}.kind: must be gait, turn or pose, not {kind_of(kind)}")
    main = str(_MAIN[cast(Kind, kind)])
    if kind != "pose" and main not in about:
        raise ProjectError(f"{where}: a {kind} needs its default {main}")
    default = about.get(main, 0.0)
    for problem in (_parameter_problem(main, default, (main,)), _stray(about, main)):
        if problem:
            raise ProjectError(f"{where}: {problem}")
    return ActionSpec(name, cast(Kind, kind), 0.0 if kind == "pose" else float(default))


def _stray(about: Mapping[str, Any], main: str) -> str | None:
    known = ("kind", main, "description")
    for key in about:
        if key not in known:
            return f"unknown key {key!r}{did_you_mean(key, known)}"
    return None
