"""Why runs fail: what the last judging found, how much commoner in failures, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cadenzad.dashboard.moment import Moment
from handlers.judge.evidence.findings import MEANINGS
from store.events.prompt import FindingFact, RunsJudged
from store.reads.improvements import current_prompt


@dataclass(frozen=True, slots=True)
class Cause:
    """A failure mode. `rules`: lines of the present prompt that answer it. `before`: in how many
    runs the judging before had it; None where that one did not.
    """

    finding: FindingFact
    meaning: str
    rules: list[str]
    before: int | None

    @property
    def lift(self) -> str:
        """How much commoner in failed runs, in words."""
        if self.finding.p is None:
            return "not recorded"
        if self.finding.lift is None:
            return "in no success"
        return f"{self.finding.lift:.1f} times"


@dataclass(frozen=True, slots=True)
class Causes:
    """The last judging that found something, else the last: over how many runs, when, and what.

    `since`: (when, µs; runs) of the last judging, where that is a later one and found nothing.
    """

    position: int
    recorded_us: int
    runs: int
    ticks: int
    causes: list[Cause]
    remarks: Sequence[str]
    since: tuple[int, int] | None = None

    @property
    def most(self) -> int:
        """The most runs that one cause shows in; 1 at least, as it is divided by."""
        return max((item.finding.runs for item in self.causes), default=1) or 1


def causes(moment: Moment, project: str) -> Causes | None:
    """What the last judging found, the most common first; None before any."""
    judged = [
        (record, record.event)
        for record in moment.events(project, "RunsJudged")
        if isinstance(record.event, RunsJudged)
    ]
    if not judged:
        return None
    telling = [number for number, (_, event) in enumerate(judged) if event.findings]
    shown = telling[-1] if telling else len(judged) - 1
    record, event = judged[shown]
    earlier = judged[shown - 1][1].findings if shown else ()
    before = {item.id: item.runs for item in earlier}
    since = None
    if shown < len(judged) - 1:
        since = (judged[-1][0].recorded_at_us, judged[-1][1].runs)
    prompt = current_prompt(moment.view, project)
    rules = prompt.rules if prompt is not None else []
    found = [
        Cause(
            item,
            MEANINGS.get(item.kind, item.kind),
            [rule["line"] for rule in rules if rule["mode_id"] == item.id],
            before.get(item.id),
        )
        for item in event.findings
    ]
    found.sort(key=lambda item: (-item.finding.runs, -item.finding.ticks, item.finding.id))
    return Causes(
        record.position,
        record.recorded_at_us,
        event.runs,
        event.ticks,
        found,
        event.remarks,
        since,
    )
