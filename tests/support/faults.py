"""Robots with a fault, driven in the simulator: what causes are found is measured on them.

Each fault is made the way it comes about: wrong decisions that real physics carries out, or what a
broken actuator or logger makes of right ones. A case's `true` says which causes it is: the first is
what it was made to be, the others are what it then is as well, as docs/causes.md defines them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from math import degrees, pi
from random import Random
from typing import Any

from handlers.judge.evidence.mission import Aim
from handlers.mission.episode.environment import Mission, Record
from handlers.mission.episode.sim import Variation
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.lookout import VisionFirst
from handlers.mission.policies.protocol import Decision, View
from handlers.mission.policies.scripted import Scripted
from handlers.mission.world.model import SceneModel, compile_scene
from handlers.project.library import ActionLibrary, library_for
from handlers.project.spec import ProjectSpec, parse_spec

# -- missions --------------------------------------------------------------------------------------

UPRIGHT = {"flipped": True}
SIGNAL = {"actions": {"signal_found": "found"}, "requires_visible_tag": "person"}


def _phase(name: str, ticks: int, success: Any, fail: Any = None) -> dict[str, Any]:
    return {"name": name, "goal_prompt": "", "success_when": success,
            "fail_when": fail or UPRIGHT, "max_ticks": ticks}  # fmt: skip


YARD = {
    "name": "yard",
    "scene": {"zones": [
        {"name": "first", "aabb": [[-2.2, -0.4, 0], [-1.6, 0.4, 1]]},
        {"name": "second", "aabb": [[-2.4, -2.6, 0], [-1.4, -1.8, 1]]},
    ]},
    "phases": [_phase("out", 14, {"enter_zone": "first"}),
               _phase("across", 14, {"enter_zone": "second"})],
}  # fmt: skip
"""Open ground: out, and then to the left."""

POST = {
    "name": "post",
    "scene": {
        "objects": [
            {"type": "marker", "tag": "post", "position": [-2.5, 0.4, 0.02]},
            {"type": "box", "tag": "wall", "position": [-1.2, 0.0, 0.3], "size": [0.05, 0.5, 0.3]},
        ],
        "zones": [{"name": "pit", "aabb": [[-3.8, -2.0, 0], [-3.1, 2.0, 1]]}],
    },
    "phases": [_phase("wait", 16,
                      {"near_object": {"tag": "post", "max_distance_m": 0.4, "for_ticks": 3}},
                      {"flipped": True, "enter_zone": "pit"})],
}  # fmt: skip
"""Around a wall to a post, to stand there for three ticks; behind it is a pit."""

SEARCH = {
    "name": "search",
    "scene": {
        "objects": [{"type": "sphere", "tag": "person", "position": [-1.6, -1.8, 0.2],
                     "radius": 0.15}],
        "zones": [{"name": "field", "aabb": [[-2.2, -0.6, 0], [-1.2, 0.6, 1]]}],
    },
    "control_panel": SIGNAL,
    "phases": [_phase("go", 14, {"enter_zone": "field"}),
               _phase("look", 14, {"see_object": {"tag": "person", "for_ticks": 2}}),
               _phase("tell", 8, {"signal_emitted": True})],
}  # fmt: skip
"""To a field, look for a person, and signal."""


@dataclass(frozen=True)
class Setting:
    """A mission, ready to be driven any number of times."""

    name: str
    spec: ProjectSpec
    library: ActionLibrary
    scene: SceneModel


def settings() -> list[Setting]:
    """The four missions: the sample's, and the three above."""
    import json

    sample = files("handlers.project") / "sample" / "mission" / "env.json"
    texts = {"sample": sample.read_bytes()}
    texts |= {str(raw["name"]): json.dumps(raw).encode() for raw in (YARD, POST, SEARCH)}
    made = []
    for name, text in texts.items():
        spec = parse_spec(text, "env.json")
        library = library_for(spec.robot, None, spec.signals)
        made.append(Setting(name, spec, library, compile_scene(spec.scene.objects)))
    return made


# -- faults ----------------------------------------------------------------------------------------

Fault = Callable[["Faulty", View, Call], Call]


class Faulty:
    """The scripted policy, whose every decision a fault may change; `draw` is the run's own."""

    name = "prompt"

    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault
        self.inner = VisionFirst(Scripted())
        self.begin(0)

    def begin(self, seed: int) -> None:
        self.draw = Random(f"faults {seed}")
        self.count = self.in_phase = 0
        self.phase = -1
        self.inner.begin(seed)

    def decide(self, view: View) -> Decision:
        if view.phase_idx != self.phase:
            self.phase, self.in_phase = view.phase_idx, 0
        self.aim = Aim(view.spec, view.phase)
        self.way = self.aim.way(view.x, view.y) if self.aim.has_place else None
        call = self.inner.decide(view).call
        if self.fault is not None:
            call = self.fault(self, view, call)
        self.count, self.in_phase = self.count + 1, self.in_phase + 1
        return Decision(call)


def ahead(metres: float) -> Call:
    return Call("walk_forward", distance_m=round(metres, 3))


def turn(radians: float) -> Call:
    name = "turn_left" if radians > 0 else "turn_right"
    return Call(name, rotation_rad=round(abs(radians), 3))


def short(call: Call, metres: float) -> Call:
    """The same, in smaller steps."""
    return replace(call, distance_m=min(call.distance_m, metres)) if call.distance_m else call


def stuck(robot: Faulty, view: View, call: Call) -> Call:
    """Straight on, whatever stands there; a pose now and then."""
    if robot.draw.random() < 0.2:
        return Call(robot.draw.choice(("stand", "stand_up")))
    return ahead(robot.draw.uniform(0.4, 0.9))


def ignores(robot: Faulty, view: View, call: Call) -> Call:
    return ahead(0.5)


def swings(pattern: str) -> Fault:
    """Left, right, forth, back, stand, as the letters say."""

    def fault(robot: Faulty, view: View, call: Call) -> Call:
        angle = 0.5 + 0.04 * robot.draw.random()
        letters = {"L": turn(angle), "R": turn(-angle), "F": ahead(0.12), "S": Call("stand"),
                   "B": Call("walk_backward", distance_m=0.12)}  # fmt: skip
        return letters[pattern[robot.in_phase % len(pattern)]]

    return fault


def spinning(robot: Faulty, view: View, call: Call) -> Call:
    return Call("turn_right", rotation_rad=round(robot.draw.uniform(0.8, 1.6), 2))


def wrong_way(robot: Faulty, view: View, call: Call) -> Call:
    """It turns its back on the target, and goes."""
    if robot.in_phase < 1:
        due = robot.aim.bearing(view.x, view.y, degrees(view.yaw - pi)) or 0.0
        back = (due * pi / 180 + pi + robot.draw.uniform(-0.3, 0.3) + pi) % (2 * pi) - pi
        return turn(back or 1.0)
    return ahead(0.3)


def swapped(robot: Faulty, view: View, call: Call) -> Call:
    """Left and right are mixed up in whatever turns it."""
    due = robot.aim.bearing(view.x, view.y, degrees(view.yaw - pi)) or 0.0
    return turn(-due * pi / 180) if abs(due) > 10 else short(call, 0.3)


class Late:
    """It turns by where the target was an action ago."""

    def __call__(self, robot: Faulty, view: View, call: Call) -> Call:
        due = robot.aim.bearing(view.x, view.y, degrees(view.yaw - pi)) or 0.0
        before, self.due = self.due if robot.in_phase else due, due
        return turn(before * pi / 180) if abs(before) > 10 else ahead(0.3)

    due = 0.0


def signals_afar(robot: Faulty, view: View, call: Call) -> Call:
    """It reports what it sees, from where it first sees it."""
    seen = view.spec.control_panel.requires_visible_tag in view.visible
    reports = view.phase.success_when.signal_emitted
    return Call(view.spec.signals[0]) if seen and reports else call


def too_slow(robot: Faulty, view: View, call: Call) -> Call:
    return short(call, 0.07)


def idle(robot: Faulty, view: View, call: Call) -> Call:
    return short(call, 0.3) if robot.in_phase < 1 else Call("stand")


def repeats_pose(robot: Faulty, view: View, call: Call) -> Call:
    return short(call, 0.3) if robot.in_phase < 1 else Call(("sit", "stand_up")[view.tick % 1])


def over_rotation(robot: Faulty, view: View, call: Call) -> Call:
    """Every turn goes on for a third of a turn and more."""
    if call.rotation_rad:
        more = robot.draw.uniform(0.55, 0.75) * pi
        return replace(call, rotation_rad=round(min(6.0, call.rotation_rad + more), 3))
    return short(call, 0.4)


def near(metres: float, then: Fault) -> Fault:
    """Right until the target is so near (m), then a fault."""

    def fault(robot: Faulty, view: View, call: Call) -> Call:
        if robot.way is not None and robot.way <= metres:
            return then(robot, view, call)
        return short(call, 0.35)

    return fault


def stands(robot: Faulty, view: View, call: Call) -> Call:
    return Call("stand")


def leaps(robot: Faulty, view: View, call: Call) -> Call:
    return ahead(1.9)


class Past:
    """It comes near, turns aside, and walks on past the target."""

    def __call__(self, robot: Faulty, view: View, call: Call) -> Call:
        if robot.in_phase == 0:
            self.aside = False
        if not self.aside and (robot.way is None or robot.way > 0.75):
            return short(call, 0.3)
        if not self.aside:
            self.aside = True
            return turn(robot.draw.choice((-1, 1)) * 0.95)
        return ahead(0.4)


def gives_up(robot: Faulty, view: View, call: Call) -> Call:
    """It leaves before what has to hold is over, and comes back."""
    if robot.way == 0:
        return Call("walk_backward", distance_m=0.5)
    return short(call, 0.5)


def into_the_pit(robot: Faulty, view: View, call: Call) -> Call:
    """Past the wall, and on into what is forbidden."""
    return short(call, 0.4) if view.x > -1.6 else ahead(0.5)


def false_signal(robot: Faulty, view: View, call: Call) -> Call:
    signals = view.spec.signals
    needed = view.spec.control_panel.requires_visible_tag
    return Call(signals[0]) if needed not in view.visible and robot.count % 2 else Call("stand_up")


def never_signals(robot: Faulty, view: View, call: Call) -> Call:
    return turn(0.15) if call.action in view.spec.signals else call


def works(robot: Faulty, view: View, call: Call) -> Call:
    return call


def dead(robot: Faulty, view: View, call: Call) -> Call:
    """What is really done while the log says something else: nothing."""
    return Call("stand", duration_s=0.3)


# -- what a log makes of it ------------------------------------------------------------------------


def logs_gaits(records: list[Record]) -> None:
    """The actuators did nothing: the log has what was told."""
    for record in records[1:]:
        record |= {"action": "walk_forward", "action_params": {"speed": 1.0, "distance_m": 0.5}}


def diverges(records: list[Record]) -> None:
    del records[4:]
    records[-1] |= {"finite": False, "terminated": True, "phase_failed": True,
                    "outcome": "diverged", "mission_success": False}  # fmt: skip
    records[-1]["obs"] = records[-1]["obs"] | {"pos_x": -59_000.0, "body_height": 934.0}


def breaks(records: list[Record]) -> None:
    del records[4:]
    records[-1] |= {"step_ok": False, "terminated": True, "phase_failed": True, "outcome": None,
                    "mission_success": False}  # fmt: skip


def stops(records: list[Record]) -> None:
    del records[6:]
    records[-1] |= {"end_reason": "interrupted", "terminated": True, "truncated": True,
                    "step_ok": False, "mission_success": False}  # fmt: skip


def skips(records: list[Record]) -> None:
    """Whoever counts phases loses one, and the run ends in the wrong place."""
    first = next(i for i, record in enumerate(records) if record["phase_done"])
    del records[first + 4 :]
    names = [record["phase"] for record in records]
    for record in records[max(1, first - 1) :]:
        record |= {"phase": names[-1], "phase_idx": 1, "phase_done": False}
    records[-1] |= {"terminated": True, "truncated": True, "mission_success": False}


@dataclass(frozen=True)
class Case:
    """A fault: in which missions, what it is, what is made of its log, and how it is pushed."""

    true: tuple[str, ...]
    missions: tuple[str, ...]
    fault: Fault
    log: Callable[[list[Record]], None] | None = None
    variation: Variation | None = None


ALL = ("sample", "yard", "post", "search")

CASES: Mapping[str, Case] = {
    "stuck": Case(("stuck", "obstacle_ignored"), ("post",), stuck),
    "obstacle_ignored": Case(("obstacle_ignored", "stuck", "fell"), ("sample", "post"), ignores),
    "no_effect": Case(("no_effect", "stuck"), ALL, dead, logs_gaits),
    "oscillating LR": Case(("oscillating",), ALL, swings("LR")),
    "oscillating LLRR": Case(("oscillating",), ALL, swings("LLRR")),
    "oscillating, moving": Case(("oscillating",), ALL, swings("LFRB")),
    "oscillating, standing": Case(("oscillating",), ALL, swings("LSRS")),
    "spinning": Case(("spinning",), ALL, spinning),
    "wrong_way": Case(("wrong_way",), ("sample", "yard", "search"), wrong_way),
    "wrong_way, turning": Case(("wrong_way",), ("yard",), swapped),
    "oscillating, late": Case(("oscillating",), ("yard",), Late()),
    "false_signal, afar": Case(("false_signal",), ("sample",), signals_afar),
    "too_slow": Case(("too_slow",), ("yard", "post", "search"), too_slow),
    "idle": Case(("idle",), ALL, idle),
    "repeats_pose": Case(("repeats_pose",), ALL, repeats_pose),
    "stops_short": Case(("stops_short",), ("sample", "yard", "search"), near(0.4, stands)),
    "overshoot": Case(("overshoot",), ("yard",), near(0.5, leaps)),
    "drifts_past": Case(("drifts_past",), ("yard", "search"), Past()),
    "over_rotation": Case(("over_rotation", "wrong_way", "drifts_past"), ("yard",), over_rotation),
    "dwell_reset": Case(("dwell_reset",), ("post",), gives_up),
    "zone_violated": Case(("zone_violated", "drifts_past", "dwell_reset"), ("post",), into_the_pit),
    "fell": Case(("fell", "tipped"), ("sample", "yard", "search"), works,
                 variation=Variation(push_n=(160.0, 220.0), push_every=(0.8, 1.5))),
    "false_signal": Case(("false_signal", "repeats_pose"), ("sample", "search"), false_signal),
    "never_signals": Case(("never_signals", "missed_signal"), ("sample", "search"), never_signals),
    "diverged": Case(("diverged",), ALL, works, diverges),
    "error": Case(("error",), ALL, works, breaks),
    "interrupted": Case(("interrupted",), ALL, works, stops),
    "phase_skipped": Case(("phase_skipped",), ("yard", "search"), works, skips),
}  # fmt: skip


def drive(setting: Setting, case: Case | None, seed: int) -> list[Record]:
    """A whole run's records; without a case a clean one."""
    mission = Mission(
        setting.spec, setting.library, setting.scene, seed=seed, policy="prompt",
        variation=case.variation if case else None,
    )  # fmt: skip
    robot = Faulty(case.fault if case else None)
    robot.begin(seed)
    records = [mission.reset()]
    while mission.end is None:
        records.append(mission.step(robot.decide(mission.view())))
    if case is not None and case.log is not None:
        case.log(records)
    return records


def poorer(records: Sequence[Record], case: Case | None = None) -> list[Record]:
    """The same run as a real robot may log it: no motion, no judgment, no outcome, nulls.

    Nor whether a step went well, unless that is the fault.
    """
    gone = ("motion", "judgment", "outcome", "scraped", "touched_person", "finite", "sim_time_s",
            "seed", "policy", "signal_event")  # fmt: skip
    if case is None or case.log is not breaks:
        gone = (*gone, "step_ok")
    made = [{key: value for key, value in record.items() if key not in gone} for record in records]
    for record in made[::7]:
        record["reward"] = None
    return made
