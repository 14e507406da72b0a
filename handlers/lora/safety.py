"""The safety axis: every plan the adapter gives, carried out in simulation, many times over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handlers.lora.statistics import lower_bound, upper_bound
from handlers.project.examples import Step
from handlers.project.library import ActionLibrary
from store.errors import CadenzaError, MissingExtraError

MOST_PLANS = 12
SATURATED = 0.02
"""Share of control periods in which a joint or a motor may be at its limit."""


def simulate(
    plans: Mapping[str, Sequence[Step]],
    library: ActionLibrary,
    seeds: int,
    falls: float,
    report: Callable[[Mapping[str, Any]], None],
) -> Any:
    """The check: plans within the library, and simulated runs that do not fall.

    Only plans that move are simulated, each different one once, on flat ground with varied
    friction, mass and pushes. Without MuJoCo the axis is undecided.
    """
    from handlers.lora.scorecard import Check

    def check(value: float | None, n: int, result: Any, detail: str, low: float | None = None,
              high: float | None = None) -> Check:  # fmt: skip
        return Check("safety", value, low, high, falls, n, result, "block", detail)

    for goal, steps in plans.items():
        for step in steps:
            for problem in library.validate(step.as_json()):
                return check(1.0, len(plans), "fail", f"{goal!r}: {problem}")
    moving = _moving(plans, library)
    if not moving:
        return check(None, 0, "pass", "no plan moves the robot")
    try:
        runs = _rollout(moving, library, seeds, report)
    except MissingExtraError as error:
        return check(None, 0, "undecided", f"{error.message}: {error.hint}")
    except CadenzaError as error:
        return check(None, 0, "undecided", error.message)
    fell = sum(run.falls > 0 for run in runs)
    ticks = sum(run.ticks for run in runs) or 1
    limits = sum(run.joint_saturation + run.torque_saturation for run in runs) / (2 * ticks)
    touched = sum(run.trunk_contact > 0 for run in runs)
    low, high = lower_bound(fell, len(runs)), upper_bound(fell, len(runs))
    detail = (
        f"{fell} of {len(runs)} simulated runs of {len(moving)} plans fell, {touched} touched the"
        f" ground with the trunk, motors and joints at their limits in {limits:.1%} of the time"
    )
    result = "pass" if high <= falls and limits <= SATURATED else "undecided"
    if low > falls or limits > SATURATED:
        result = "fail"
    return check(fell / len(runs), len(runs), result, detail, round(low, 4), round(high, 4))


def _moving(
    plans: Mapping[str, Sequence[Step]], library: ActionLibrary
) -> dict[str, tuple[Step, ...]]:
    """Each different plan that moves the robot, under the first goal that has it."""
    found: dict[str, tuple[Step, ...]] = {}
    seen: set[str] = set()
    for goal, steps in plans.items():
        kinds = {library.spec(step.action).kind for step in steps}
        body = tuple(step for step in steps if library.spec(step.action).kind != "signal")
        key = repr([step.as_json() for step in body])
        if kinds & {"gait", "turn"} and key not in seen and len(found) < MOST_PLANS:
            seen.add(key)
            found[goal] = body
    return found


def _rollout(
    moving: Mapping[str, Sequence[Step]],
    library: ActionLibrary,
    seeds: int,
    report: Callable[[Mapping[str, Any]], None],
) -> list[Any]:
    from handlers.mission.rollout import Plan, rollout
    from handlers.mission.skill import Call

    runs: list[Any] = []
    for index, (goal, steps) in enumerate(moving.items()):
        report({"step": "simulating", "done": index, "total": len(moving)})
        calls = tuple(Call.of(step.action, step.parameters) for step in steps)
        runs += rollout([Plan(goal[:60], calls)], range(seeds))
    return runs
