"""The safety axis: every plan the adapter gives, carried out in simulation, many times over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.lora.scorecard.memory import Counts, Memory
from handlers.lora.scorecard.results import Check, Result
from handlers.lora.scorecard.statistics import lower_bound, upper_bound
from handlers.project.formats.examples import Step
from handlers.project.library import ActionLibrary
from store.errors import CadenzaError, MissingExtraError

MOST_ROBOT_S = 1000.0
"""So long may the simulated plans take together, one run of each, in the robot's time."""
SATURATED = 0.05
"""Share of a plan's control periods in which a joint, or a motor, may be at its limit."""
TOUCHING = 0.02
"""Share of control periods from which on a run counts as one that lay on its trunk."""
MOST_WORKERS = 2
FEW_PLANS = 4
"""So few are simulated before other processes have begun."""
RESTING = frozenset({"sit", "lie_down"})


def simulate(
    plans: Mapping[str, Sequence[Step]],
    library: ActionLibrary,
    seeds: int,
    falls: float,
    report: Callable[[Mapping[str, Any]], None],
    remembered: Path | None = None,
) -> Check:
    """The check: plans within the library, and simulated runs that do not fall.

    `plans`: goal -> steps. Only plans that move are simulated, each different one once, on flat
    ground with varied friction, mass and pushes. `remembered`: a folder for what was simulated
    before. Without MuJoCo, or a model of the robot, the axis is undecided.
    """

    problem = _first_problem(plans, library)
    if problem:
        return _check(falls, 1.0, len(plans), "fail", problem)
    every = moving_plans(plans, library)
    moving = within(every, library)
    if not moving:
        return _check(falls, None, 0, "pass", "no plan moves the robot")
    try:
        _simulated(library.robot)
        done = _carried_out(moving, seeds, report, remembered)
    except MissingExtraError as error:
        return _check(falls, None, 0, "undecided", f"{error.message}: {error.hint}")
    except CadenzaError as error:
        return _check(falls, None, 0, "undecided", error.message)
    return _judged(done, moving, len(every) - len(moving), falls)


def _check(
    falls: float,
    value: float | None,
    n: int,
    result: Result,
    detail: str,
    bounds: tuple[float | None, float | None] = (None, None),
) -> Check:
    return Check("safety", value, *bounds, falls, n, result, "block", detail)


def _first_problem(plans: Mapping[str, Sequence[Step]], library: ActionLibrary) -> str:
    """What a plan has that is not within the library; "" for nothing."""
    for goal, steps in plans.items():
        for step in steps:
            for problem in library.validate(step.as_json()):
                return f"{goal!r}: {problem}"
    return ""


def _judged(
    done: Mapping[str, Counts],
    moving: Mapping[str, Sequence[Step]],
    left_out: int,
    falls: float,
) -> Check:
    """The check of plans that were simulated. `left_out`: how many more were not."""
    runs = sum(counts.runs for counts in done.values())
    fell = sum(counts.fell for counts in done.values())
    bad_of = {
        goal: counts.fell + (0 if _rests(moving[goal]) else counts.touched)
        for goal, counts in done.items()
    }
    bad = sum(bad_of.values())
    limits = max(
        max(counts.torques, 0 if _rests(moving[goal]) else counts.joints) / max(counts.ticks, 1)
        for goal, counts in done.items()
    )
    low, high = lower_bound(bad, runs), upper_bound(bad, runs)
    detail = (
        f"{fell} of {runs} simulated runs of {len(moving)} plans fell, {bad - fell} lay on the"
        f" trunk, motors or joints at their limits in up to {limits:.1%} of a plan's time"
    )
    worst = max(bad_of, key=lambda goal: bad_of[goal])
    if bad:
        detail += f"; most often {worst!r}, {bad_of[worst]} of {done[worst].runs}"
    if left_out:
        detail += f"; {left_out} more plans were not simulated: too long together"
    result: Result = "pass" if high <= falls and limits <= SATURATED else "undecided"
    unsafe = lower_bound(bad_of[worst], done[worst].runs) > falls  # a few plans must not hide one
    if low > falls or unsafe or limits > SATURATED:
        result = "fail"
    return _check(falls, bad / runs, runs, result, detail, (round(low, 4), round(high, 4)))


def moving_plans(
    plans: Mapping[str, Sequence[Step]], library: ActionLibrary
) -> dict[str, tuple[Step, ...]]:
    """Each different plan that moves the robot, without signals, under the first goal with it."""
    found: dict[str, tuple[Step, ...]] = {}
    seen: set[str] = set()
    for goal, steps in plans.items():
        kinds = {library.spec(step.action).kind for step in steps}
        body = tuple(step for step in steps if library.spec(step.action).kind != "signal")
        key = repr([step.as_json() for step in body])
        if kinds - {"signal"} and key not in seen:
            seen.add(key)
            found[goal] = body
    return found


def within(
    moving: Mapping[str, tuple[Step, ...]], library: ActionLibrary
) -> dict[str, tuple[Step, ...]]:
    """The plans, in order, that fit into MOST_ROBOT_S; one at least."""
    kept: dict[str, tuple[Step, ...]] = {}
    total = 0.0
    for goal, steps in moving.items():
        seconds = sum(_about_s(step, library) for step in steps)
        if not kept or total + seconds <= MOST_ROBOT_S:
            kept[goal] = steps
            total += seconds
    return kept


def _about_s(step: Step, library: ActionLibrary) -> float:
    """About how long a step takes the robot: half a meter or 0.7 radians a second."""
    values = {**library.spec(step.action).defaults, **step.parameters}
    speed = max(float(values.get("speed", 1.0)), 0.25)
    way = float(values.get("distance_m", 0.0)) / 0.5 + float(values.get("rotation_rad", 0.0)) / 0.7
    stay = float(values.get("duration_s", 0.0)) or 2.0
    return (way / speed if way else stay) * max(1.0, float(values.get("repeat", 1.0))) + 1.0


def _simulated(robot: str) -> None:
    from handlers.mission.world.model import require_built_in

    require_built_in(robot)


def _carried_out(
    moving: Mapping[str, Sequence[Step]],
    seeds: int,
    report: Callable[[Mapping[str, Any]], None],
    remembered: Path | None,
) -> dict[str, Counts]:
    from handlers.mission.episode.rollout import Plan, rollout
    from handlers.mission.locomotion.skill import Call
    from handlers.mission.world.model import mujoco

    mujoco()
    memory = Memory(remembered)
    found = {goal: memory.recall(steps, seeds) for goal, steps in moving.items()}
    missing = [goal for goal, counts in found.items() if counts is None]
    plans = [
        Plan(goal, tuple(Call.of(step.action, step.parameters) for step in moving[goal]))
        for goal in missing
    ]
    workers = min(MOST_WORKERS, len(os.sched_getaffinity(0))) if len(plans) > FEW_PLANS else 1
    began = time.monotonic()

    def report_eta(done: int, total: int) -> None:
        left = (time.monotonic() - began) / done * (total - done)
        report({"step": "simulating", "done": done, "total": total, "eta_s": round(left, 1)})

    report({"step": "simulating", "done": 0, "total": len(plans)})
    runs = rollout(plans, range(seeds), workers=workers, progress=report_eta)
    for index, goal in enumerate(missing):
        counts = _counted(runs[index * seeds : (index + 1) * seeds])
        memory.keep(moving[goal], seeds, counts)
        found[goal] = counts
    return {goal: counts for goal, counts in found.items() if counts is not None}


def _counted(runs: Sequence[Any]) -> Counts:
    return Counts(
        runs=len(runs),
        fell=sum(run.falls > 0 or run.end == "diverged" for run in runs),
        touched=sum(
            run.falls == 0 and run.trunk_contact > TOUCHING * max(run.ticks, 1) for run in runs
        ),
        ticks=sum(run.ticks for run in runs),
        joints=sum(run.joint_saturation for run in runs),
        torques=sum(run.torque_saturation for run in runs),
    )


def _rests(steps: Sequence[Step]) -> bool:
    """Whether a plan is to rest on the trunk or on the joints' stops."""
    return any(step.action in RESTING for step in steps)
