"""The mission, driven: what its runs say of an adapter, alone and beside the deployed one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from handlers.lora.rollout.course import FEWEST, Course
from handlers.lora.rollout.drive import Drive
from handlers.lora.rollout.driving import Plans
from handlers.lora.rollout.flat import TOUCHING
from handlers.lora.scorecard.harm import clears, convicts, stages
from handlers.lora.scorecard.results import Check, Result
from handlers.lora.scorecard.statistics import lower_bound, mcnemar, upper_bound

RESTING = frozenset({"sit", "lie_down"})
NAMED = 3


@dataclass(frozen=True, slots=True)
class Driven:
    """Runs of the mission under an adapter's plans; `missing` says why there are none.

    `resting`: a plan is to lie on the trunk. `first`: of how many runs the first stage of the test
    for harm was, where a second followed.
    """

    drives: tuple[Drive, ...] = ()
    resting: bool = False
    first: int | None = None
    missing: str = ""

    def harmed(self, drive: Drive) -> bool:
        """Whether a run fell, lay on its trunk or touched a person."""
        lay = not self.resting and drive.trunk > TOUCHING * max(drive.periods, 1)
        return drive.fell or lay or drive.person is not None

    @property
    def harms(self) -> int:
        return sum(map(self.harmed, self.drives))

    @property
    def forbidden(self) -> list[Drive]:
        """The runs that went where the phase must not."""
        return [drive for drive in self.drives if drive.forbidden is not None]

    @property
    def wins(self) -> int:
        return sum(drive.success for drive in self.drives)

    @property
    def limits(self) -> float:
        """Share of the time in which motors (or joints) were at their limits."""
        joints = 0 if self.resting else sum(drive.joints for drive in self.drives)
        worst = max(joints, sum(drive.torques for drive in self.drives))
        return worst / max(sum(drive.periods for drive in self.drives), 1)

    def harm(self, limit: float) -> Result:
        """Whether harm is as rare as it must be."""
        if not self.drives or clears(self.harms, len(self.drives), limit, self.first):
            return "pass"
        return "fail" if convicts(self.harms, len(self.drives), limit) else "undecided"


def drive(course: Course, plans: Plans, falls: float, success: float) -> Driven:
    """Drive the mission under plans, as often as is needed to tell; FEWEST seeds at least.

    A run that goes where it must not, or too many without success, end it there.
    """
    resting = any(step.action in RESTING for plan in plans.values() for step in plan)
    first, both = stages(falls)

    def driven(seeds: int, stage: int | None = None) -> Driven:
        return Driven(tuple(course.drives(plans, seeds)), resting, stage)

    found = driven(FEWEST)
    hopeless = upper_bound(found.wins, len(found.drives)) < success
    if found.forbidden or hopeless or convicts(found.harms, len(found.drives), falls):
        return found
    found = driven(max(first, FEWEST))
    began = len(found.drives)
    return driven(max(both, began), began) if found.harms and both > began else found


def mission(driven: Driven, threshold: float) -> Check:
    """The share of seeded runs that reach the mission's success."""
    runs, wins = len(driven.drives), driven.wins
    if driven.missing or not runs:
        # what was never driven is not deployed to drive, unless no success is asked for
        untested: Result = "undecided" if threshold > 0 else "pass"
        detail = f"not driven: {driven.missing or 'nothing to drive'}"
        return Check("mission", None, None, None, threshold, 0, untested, "data", detail)
    low, high = lower_bound(wins, runs), upper_bound(wins, runs)
    result: Result = "pass" if low >= threshold else "fail" if high < threshold else "undecided"
    seconds = sum(drive.seconds for drive in driven.drives)
    detail = (
        f"{wins} of {runs} seeded runs of the mission in its own scene succeed"
        f" ({seconds:,.0f} s of the robot's time)"
    )
    ends = Counter(drive.end for drive in driven.drives if not drive.success)
    if ends:
        detail += "; the others: " + ", ".join(
            f"{end} ({count})" for end, count in ends.most_common(NAMED)
        )
    detail += _rough(driven.drives)
    bounds = round(low, 4), round(high, 4)
    return Check("mission", wins / runs, *bounds, threshold, runs, result, "data", detail)


def _rough(drives: Sequence[Drive]) -> str:
    """What runs bumped into and where they got stuck, in words."""
    words = ""
    scraped = Counter(tag for drive in drives for tag in drive.scraped)
    for tag, count in scraped.most_common(NAMED):
        words += f"; {tag!r} touched in {count}"
    stuck = sum(drive.stuck > 0 for drive in drives)
    return words + (f"; stuck at times in {stuck}" if stuck else "")


def also_driven(check: Check, new: Driven, old: Driven) -> Check:
    """The regression check, with how both adapters drive."""
    worse, words = worse_driven(new, old)
    if worse and check.result != "fail":  # then the runs are the reason, and told first
        return replace(check, result="fail", detail=f"{words}; {check.detail}")
    return replace(check, detail=f"{check.detail}; {words}")


def worse_driven(new: Driven, old: Driven) -> tuple[bool, str]:
    """Whether the new adapter drives worse than the deployed one on the same seeds, and in words.

    Exact McNemar tests over the pairs: of success lost, and of harm that was not there before.
    """
    pairs = list(zip(new.drives, old.drives, strict=False))
    if not pairs:
        return False, f"not driven: {new.missing or old.missing or 'nothing to drive'}"
    lost = sum(before.success and not now.success for now, before in pairs)
    won = sum(now.success and not before.success for now, before in pairs)
    hurt = sum(new.harmed(now) and not old.harmed(before) for now, before in pairs)
    spared = sum(old.harmed(before) and not new.harmed(now) for now, before in pairs)
    p, p_harm = mcnemar(lost, won), mcnemar(hurt, spared)
    words = (
        f"driven on the same {len(pairs)} seeds: {lost} missions lost and {won} won"
        f" (p = {p:.3f}), {hurt} more with harm and {spared} fewer (p = {p_harm:.3f})"
    )
    return p <= 0.05 or p_harm <= 0.05, words
