"""env.json as typed, frozen models: what a mission is.

`parse_spec` is strict about what would make a mission mean something else (a zone nobody declared,
a misspelt predicate) and lenient about the rest: comments, a BOM, whole numbers where fractions are
meant; unknown keys become `warnings`. The scene's own types are in scene.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, Strict, ValidationError

from handlers.project.jsontext import Place, did_you_mean, parse_object, place_in, read_text_file
from handlers.project.scene import Count, Flag, Name, Number, Part, Positive, Scene, Unit, Vec3
from handlers.project.speccheck import describe, unknown_keys
from store.errors import ProjectNotFound, SpecError

DEFAULT_PROMPT_TEMPLATE = (
    "[MISSION: {mission_name}] [PHASE {phase_idx}/{n_phases}: {phase_name}]\n"
    "[GOAL: {goal_prompt}]\n"
    "[OBS] body_height={body_height:.2f}m roll={roll_deg:+.0f}° pitch={pitch_deg:+.0f}° "
    "feet_grounded={feet_grounded} nearest_obstacle={nearest_m:.2f}m "
    "pos=({pos_x:+.2f},{pos_y:+.2f})\n"
    "[ACTION]"
)
"""The prompt of a training record when env.json does not bring its own."""


# -- phases ----------------------------------------------------------------------------------------


class NearObject(Part):
    """The robot stood within `max_distance_m` of the nearest such object `for_ticks` in a row."""

    tag: Name
    max_distance_m: Positive = 0.6
    for_ticks: Count = 1


class SeeObject(Part):
    """Such an object was inside the forward field-of-view cone `for_ticks` ticks in a row."""

    tag: Name
    for_ticks: Count = 1


def _flag_or_name(value: Any) -> Any:
    if not isinstance(value, bool | str) or value == "":
        raise ValueError("must be true, false or the name of a signal")
    return value


SignalWanted = Annotated[bool | str, BeforeValidator(_flag_or_name)]


class Condition(Part):
    """Predicates over the state after a tick; those not written (or false) are None / False.

    With several, `success_when` wants all of them and `fail_when` any one of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enter_zone: Name | None = None
    exit_zone: Name | None = Field(None, description="was inside, now is not")
    near_object: NearObject | None = None
    see_object: SeeObject | None = None
    signal_emitted: SignalWanted = Field(False, description="any signal (true), or one by name")
    elapsed_ticks: Count | None = Field(None, description="ticks spent in the phase")
    flipped: Flag = Field(False, description="|roll| or |pitch| over 60 degrees")
    touched_person: Flag = Field(False, description="any part of the robot touched a person")

    def __bool__(self) -> bool:
        """Whether any predicate is asked for."""
        return any(value not in (None, False) for _, value in self)


class TowardZone(Part):
    """Reward for progress toward a zone, per metre."""

    zone: Name
    weight: Number = 1.0


class TowardTag(Part):
    """Reward for progress toward the nearest object with a tag, per metre."""

    tag: Name
    weight: Number = 1.0


class Reward(Part):
    """Reward terms of a phase, added up each tick; a term that is not written adds nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step_cost: Number = 0.0
    distance_to_zone: TowardZone | None = None
    distance_to_tag: TowardTag | None = None
    forward_distance_gain: Number = 0.0
    contact_with_rubble_penalty: Number = 0.0
    fall_penalty: Number = 0.0
    phase_success_bonus: Number = 1.0
    phase_failure_penalty: Number = -2.0
    action_match_bonus: Number = 0.0
    action_mismatch_penalty: Number = Field(0.0, description="times the judgment's severity")
    min_judge_confidence: Unit = 0.5
    signal_correct_bonus: Number = 0.0
    signal_false_positive_penalty: Number = 0.0
    signal_miss_penalty: Number = 0.0


class Phase(Part):
    """One leg of the mission: a goal in words, how it ends, what it is worth."""

    name: Name
    goal_prompt: str = ""
    success_when: Condition = Condition()
    fail_when: Condition = Condition()
    reward: Reward = Reward()
    max_ticks: Count = 40


# -- the rest --------------------------------------------------------------------------------------


class VlaFinetune(Part):
    """How a run log becomes training records."""

    prompt_template: str | None = None
    include_failures: Flag = True
    include_rationale: Flag = True
    min_reward: Number | None = None

    @property
    def template(self) -> str:
        """The template to render: the mission's own, or the default."""
        return DEFAULT_PROMPT_TEMPLATE if self.prompt_template is None else self.prompt_template


class Vision(Part):
    """The robot's forward field-of-view cone."""

    fov_deg: Annotated[float, Strict(), Field(gt=0, le=360)] = 70.0
    max_distance_m: Positive = 3.5


def _or_none(value: Any) -> Any:
    return None if value == "" else value


class ControlPanel(Part):
    """Signals the robot can send: action name -> the phrase it stands for."""

    actions: Mapping[Name, str] = Field(default_factory=dict)
    requires_visible_tag: Annotated[Name | None, BeforeValidator(_or_none)] = Field(
        None, description='what must be in view for a signal to be right; "" for nothing'
    )


class ProjectSpec(Part):
    """A whole env.json. Everything it refers to by name exists in it."""

    name: Name
    description: str = ""
    robot: Name = "go1"
    spawn: Vec3 = (0.0, 0.0, 0.0)
    scene: Scene = Scene()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    vla_finetune: VlaFinetune = VlaFinetune()
    vision: Vision = Vision()
    control_panel: ControlPanel = ControlPanel()
    xml_path: str | None = None

    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was ignored or looks unmeant, one line each, without the file's name."""
        return self._warnings

    @property
    def phase_names(self) -> tuple[str, ...]:
        return tuple(phase.name for phase in self.phases)

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(self.control_panel.actions)

    def conditions(self) -> Iterator[tuple[int, Literal["success_when", "fail_when"], Condition]]:
        """Every condition with its phase's index and the key it stands under."""
        for index, phase in enumerate(self.phases):
            yield index, "success_when", phase.success_when
            yield index, "fail_when", phase.fail_when


_TERMS = {
    "success_when": Condition.model_fields,
    "fail_when": Condition.model_fields,
    "reward": Reward.model_fields,
}


# -- reading ---------------------------------------------------------------------------------------


def load_spec(path: Path) -> ProjectSpec:
    """The mission in an env.json file, or in the project folder that holds one.

    Raises ProjectNotFound when there is no such file, SpecError when it is not a valid mission.
    """
    file = path / "env.json" if path.is_dir() else path
    return parse_spec(read_spec(file), str(file))


def read_spec(file: Path) -> bytes:
    """The bytes of an env.json. Raises ProjectNotFound without one, SpecError for no text."""
    if not file.is_file():
        what = "is a folder, not a file" if file.is_dir() else "no such file"
        raise ProjectNotFound(f"{file}: {what}", hint="a project is a folder with env.json")
    return read_text_file(file, SpecError)


def parse_spec(data: bytes, where: str) -> ProjectSpec:
    """The mission that env.json's bytes describe; `where` names the file in messages.

    Raises SpecError: one line, `<where>: <place in the file>: <what is wrong>`.
    """
    raw, twice = parse_object(data, where, SpecError)
    try:
        spec = ProjectSpec.model_validate(raw)
    except ValidationError as error:
        raise SpecError(f"{where}: {describe(error, raw, _TERMS)}") from None
    for problem in reference_problems(spec, raw):
        raise SpecError(f"{where}: {problem}")
    spec._warnings = (*twice, *unknown_keys(spec, raw), *reference_warnings(spec, raw))
    return spec


def reference_problems(spec: ProjectSpec, raw: Any) -> Iterator[str]:
    """Names given twice and names that refer to nothing, in file order."""
    zones = [zone.name for zone in spec.scene.zones]
    tags = sorted({item.tag for item in spec.scene.objects})
    signals = list(spec.signals)
    yield from _given_twice(raw, ("scene", "zones"), zones, "zone")
    yield from _given_twice(raw, ("phases",), spec.phase_names, "phase")

    def refer(loc: Place, word: str | None, known: Sequence[str], what: str) -> Iterator[str]:
        if word is not None and word not in known:
            hint = did_you_mean(word, known)
            yield f"{place_in(raw, loc)}: no {what} {word!r} ({what}s: {_listed(known)}){hint}"

    for index, key, condition in spec.conditions():
        at: Place = ("phases", index, key)
        yield from refer((*at, "enter_zone"), condition.enter_zone, zones, "zone")
        yield from refer((*at, "exit_zone"), condition.exit_zone, zones, "zone")
        for name in ("near_object", "see_object"):
            target = getattr(condition, name)
            yield from refer((*at, name, "tag"), target and target.tag, tags, "tag")
        if isinstance(condition.signal_emitted, str):
            yield from refer((*at, "signal_emitted"), condition.signal_emitted, signals, "signal")
    for index, phase in enumerate(spec.phases):
        at = ("phases", index, "reward")
        toward_zone, toward_tag = phase.reward.distance_to_zone, phase.reward.distance_to_tag
        if toward_zone:
            yield from refer((*at, "distance_to_zone", "zone"), toward_zone.zone, zones, "zone")
        if toward_tag:
            yield from refer((*at, "distance_to_tag", "tag"), toward_tag.tag, tags, "tag")
    needed = spec.control_panel.requires_visible_tag
    yield from refer(("control_panel", "requires_visible_tag"), needed, tags, "tag")


def _listed(names: Sequence[str]) -> str:
    """`a, b, c`, never more than a line can hold."""
    shown = " ".join(", ".join(names[:12]).split())
    return f"{shown}, and {len(names) - 12} more" if len(names) > 12 else shown or "none"


def _given_twice(raw: Any, loc: Place, names: Sequence[str], what: str) -> Iterator[str]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"{place_in(raw, (*loc, index))}: the {what} name is already taken"


def reference_warnings(spec: ProjectSpec, raw: Any) -> list[str]:
    """Phases that can never succeed as written."""
    found = []
    for index, phase in enumerate(spec.phases):
        place = place_in(raw, ("phases", index))
        if not phase.success_when:
            found.append(f"{place}: no success_when, so the phase can only run out of ticks")
        elif phase.success_when.signal_emitted and not spec.signals:
            found.append(f"{place}: waits for a signal, but control_panel.actions has none")
    return found
