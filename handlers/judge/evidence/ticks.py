"""Run logs as the judge reads them: a few facts a tick, and no word that was chosen freely.

Names (phases, actions, tags) are kept only where the mission or the robot's library knows them, so
that text in a log reaches neither a model nor a prompt. A missing field is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from handlers.judge.evidence.wire import Clear, Record, Target
from handlers.project.formats.fields import Amounts
from handlers.project.formats.runlog import FAR_M, TALL_M, cut_off
from store.events.files import RunStamp

LABELS = frozenset({"stuck", "moving", "navigating", "reaching_goal"})
SIGNAL_EVENTS = frozenset({"missed", "false_positive", "correct", "none"})
OUTCOMES = frozenset({"done", "blocked", "timeout", "fell", "diverged"})
FALLEN_DEG = 60.0
"""As env.json's `flipped`."""
TIPPED_DEG = 45.0
"""As rules say `fallen`."""
LARGEST = 1e300
"""What is not smaller is no measurement, and squares of it are no numbers."""
_NOTHING: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class RunLog:
    """A run log of a project."""

    run_id: str
    path: Path
    format: str = "mission"


class Tick(NamedTuple):
    """One tick. None is unknown.

    `x`, `y` (m) where the robot was at its end, `height` (m) of the body, `heading` (degrees, 0
    along world -X, left positive), `tilt` the larger of |roll| and |pitch| (degrees), `nearest_m`
    to the nearest obstacle, `goal_m` to what the log says was aimed at. `amount`: metres or radians
    that the action was told to go or turn. `outcome`: how the action ended. `contact`: whether
    anything but a foot touched something. `visible`: tag -> distance (m), None where the log does
    not say what was seen. `signal`: missed, false_positive, correct or none. `target`: where
    the phase is to be done; `clear`: how far it is to what is left, ahead, right; `bearings`: tag
    -> degrees, left positive. `foreign`: whether the log names an action that the robot has not.
    """

    tick: int
    phase: str | None
    action: str | None
    label: str | None
    tilt: float | None
    nearest_m: float | None
    x: float | None
    y: float | None
    reward: float | None
    match: bool | None
    severity: float | None
    canonical: str | None
    confidence: float | None
    canonical_params: Mapping[str, float]
    signal: str | None
    done: bool | None
    failed: bool
    truncated: bool
    step_ok: bool | None
    diverged: bool
    visible: Mapping[str, float] | None
    height: float | None = None
    heading: float | None = None
    goal_m: float | None = None
    amount: float | None = None
    outcome: str | None = None
    contact: bool | None = None
    person: bool = False
    cut_off: str | None = None
    phase_tick: float | None = None
    target: Target | None = None
    clear: Clear | None = None
    bearings: Mapping[str, float | None] | None = None
    foreign: bool = False


_FIELDS = {name: itemgetter(index) for index, name in enumerate(Tick._fields)}


def column(ticks: Iterable[Tick], name: str) -> list[Any]:
    """A field of each tick, without a line of Python a tick."""
    return [*map(_FIELDS[name], ticks)]


@dataclass(slots=True)
class Episode:
    """One run: its ticks in order, each tick once. `run` is how citations name it.

    `unnumbered`: how many of its records have no tick from 0 on, and are none of `ticks`.
    `elsewhere`: how many name a phase that env.json has not.
    `before`: what was observed before the first action (the record of tick 0), where it is there.
    """

    run: str
    outcome: str = "unfinished"
    ticks: list[Tick] = field(default_factory=list)
    errors: int = 0
    unnumbered: int = 0
    elsewhere: int = 0
    before: Tick | None = None
    stamp: RunStamp | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether it names phases, and none of env.json's: another mission's."""
        return self.elsewhere > 0 and not any(column(self.ticks, "phase"))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that may be kept."""

    phases: frozenset[str]
    actions: frozenset[str]
    tags: frozenset[str]


def tick_of(r: Record, words: Vocabulary) -> Tick | None:
    """A typed record as a tick: the quick way, for what a log's writer got right."""
    number = r.tick
    if number is None or not -(2**53) < number < 2**53 or number % 1:
        return None
    obs, judged, seen = r.obs, r.judgment, r.visible_tags
    x, y, z, near, heading = obs.pos_x, obs.pos_y, obs.body_height, obs.nearest_m, r.yaw_deg
    phase, action, wanted = r.phase, r.action, judged.canonical_action
    label, event, ended, params = r.motion.label, r.signal_event, r.outcome, r.action_params
    if seen and (not seen.keys() <= words.tags or None in seen.values()):
        seen = {tag: way for tag, way in seen.items() if tag in words.tags and way is not None}
    scraped, person = r.scraped, r.touched_person
    bearings = r.tag_bearings
    if bearings and not bearings.keys() <= words.tags:
        bearings = {tag: angle for tag, angle in bearings.items() if tag in words.tags}
    # Built as a plain tuple: the named constructor costs as much again.
    return _new(
        Tick,
        (
            int(number),
            phase if phase in words.phases else None,
            action if action in words.actions else None,
            label if label in LABELS else None,
            _tilt(obs.roll_deg, obs.pitch_deg),
            near if near is not None and near >= 0 else None,
            x,
            y,
            r.reward,
            judged.match,
            judged.severity,
            wanted if wanted in words.actions else None,
            judged.canonical_confidence,
            _numbers(judged.canonical_params) if wanted is not None else _NOTHING,
            event if event in SIGNAL_EVENTS else None,
            r.phase_done,
            r.phase_failed is True,
            r.truncated is True,
            r.step_ok,
            r.finite is False
            or (x is not None and not -FAR_M < x < FAR_M)
            or (y is not None and not -FAR_M < y < FAR_M)
            or (z is not None and not -TALL_M < z < TALL_M),
            seen,
            z,
            obs.yaw_deg if heading is None else heading,
            r.motion.distance_to_goal_m,
            _amount(params),
            ended if ended in OUTCOMES else None,
            None if scraped is None and person is None else bool(scraped or person),
            bool(person),
            None,
            r.phase_tick,
            r.target,
            r.clear_m,
            bearings,
            bool(action) and action not in words.actions,
        ),
    )


_new = tuple.__new__


def _amount(params: Amounts) -> float | None:
    """How far an action was told to go or turn in all: 0 where only a time was told, which may end
    it anywhere; None for its default, and for what no robot can go."""
    told = params.distance_m or params.rotation_rad
    if told is None or told == 0:
        told = 0.0 if params.duration_s or (params.repeat or 1) != 1 else None
    elif params.repeat is not None and params.repeat > 1:
        told *= params.repeat
    return told if told is None or abs(told) < FAR_M else None


def _tilt(roll: float | None, pitch: float | None) -> float | None:
    """The larger of both angles' sizes; of one that is known, its own."""
    if roll is None:
        return None if pitch is None else abs(pitch)
    if pitch is None:
        return abs(roll)
    return max(roll, pitch, -roll, -pitch)


def lenient_tick(record: Mapping[str, Any], words: Vocabulary) -> Tick | None:
    """A record of which any field may hold anything, as a tick; None when it is none."""
    number = record.get("tick")
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is not int:
        return None
    how = cut_off(record)
    if how is not None:  # no step: what it names was not carried out, and nothing timed out
        blank = Record(tick=number, phase=_text(record.get("phase")))
        closing = tick_of(blank, words)
        return closing and closing._replace(cut_off=how)
    tick = tick_of(_sound(record, number), words)
    if tick is None:
        return None
    obs = _object(record.get("obs"))
    wild = any(
        type(value) is float and not abs(value) < LARGEST
        for value in (obs.get(name) for name in ("pos_x", "pos_y", "body_height"))
    )
    return tick._replace(diverged=tick.diverged or wild)


def _sound(record: Mapping[str, Any], number: int) -> Record:
    """What of a record is of its type; the rest is unknown."""
    obs, motion = _object(record.get("obs")), _object(record.get("motion"))
    judged, params = _object(record.get("judgment")), _object(record.get("action_params"))
    visible, scraped = record.get("visible_tags"), record.get("scraped")
    bearings, target = record.get("tag_bearings"), record.get("target")
    clear = record.get("clear_m")
    sound = Record(
        tick=number,
        target=Target() if isinstance(target, dict) else None,
        clear_m=Clear() if isinstance(clear, dict) else None,
        tag_bearings={tag: _number(angle) for tag, angle in bearings.items()}
        if isinstance(bearings, dict)
        else None,
        visible_tags={tag: _number(way) for tag, way in visible.items()}
        if isinstance(visible, dict)
        else None,
        scraped=scraped if isinstance(scraped, list) else None,
    )
    for name in ("phase", "action", "signal_event", "outcome"):
        setattr(sound, name, _text(record.get(name)))
    for name in ("phase_done", "phase_failed", "truncated", "step_ok", "finite"):
        setattr(sound, name, _flag(record.get(name)))
    for name in ("reward", "yaw_deg", "touched_person", "phase_tick"):
        setattr(sound, name, _number(record.get(name)))
    for part, values, names in (
        (sound.obs, obs, sound.obs.__struct_fields__),
        (sound.action_params, params, sound.action_params.__struct_fields__),
        (sound.judgment, judged, ("severity", "canonical_confidence")),
        (sound.motion, motion, ("distance_to_goal_m",)),
        (sound.judgment.canonical_params, _object(judged.get("canonical_params")),
         sound.action_params.__struct_fields__),
        (sound.target, _object(target), Target.__struct_fields__),
        (sound.clear_m, _object(clear), Clear.__struct_fields__),
    ):  # fmt: skip
        for name in names if part is not None else ():
            setattr(part, name, _number(values.get(name)))
    sound.motion.label = _text(motion.get("label"))
    sound.judgment.match = _flag(judged.get("match"))
    sound.judgment.canonical_action = _text(judged.get("canonical_action"))
    return sound


def in_order(ticks: Sequence[Tick]) -> list[Tick]:
    """By tick; of duplicates the first."""
    once: dict[int, Tick] = {}
    for tick in ticks:
        once.setdefault(tick.tick, tick)
    return [once[number] for number in sorted(once)]


def _numbers(given: Amounts) -> Mapping[str, float]:
    """Those that are known, by name."""
    values = {}
    if given.distance_m is not None:
        values["distance_m"] = given.distance_m
    if given.rotation_rad is not None:
        values["rotation_rad"] = given.rotation_rad
    if given.duration_s is not None:
        values["duration_s"] = given.duration_s
    return values


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    """A finite number; true and false are none."""
    if (type(value) is float or type(value) is int) and abs(value) < LARGEST:
        return float(value)
    return None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
