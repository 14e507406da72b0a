"""G2: on held-out runs, how often do the rules of a prompt choose the canonical action?

What a rule would have chosen on what was seen before tick t is compared with the canonical action
of tick t, where that is confident. This is agreement with a yardstick, not success: a rule that
agrees more has not been shown to do better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from handlers.judge.evidence.mining import CONFIDENT
from handlers.judge.evidence.ticks import Episode, Tick
from handlers.judge.gate import Gate
from handlers.judge.prompt.rules.forms import MAX_TICKS
from handlers.judge.prompt.rules.holding import first_match
from handlers.judge.prompt.rules.rule import Rule

NAME = "G2 replay"


def replay(before: Sequence[Rule], after: Sequence[Rule], held_out: Sequence[Episode]) -> Gate:
    """Canonical agreement of both sets of rules where they speak; never a reason to fail."""
    if not held_out:
        return Gate(NAME, "skipped", "no runs are held out yet (4 runs are the least)")
    ticks = fires = 0
    agreed = {"before": 0, "after": 0}
    spoke = {"before": 0, "after": 0}
    for episode in held_out:
        seen = [_observation(tick) for tick in episode.ticks]
        for index, (_, tick) in enumerate(pairwise(episode.ticks)):
            if tick.canonical is None or (tick.confidence or 0.0) < CONFIDENT:
                continue
            ticks += 1
            recent = seen[max(0, index - MAX_TICKS) : index]
            now = {**seen[index], "phase": tick.phase}
            for name, rules in (("before", before), ("after", after)):
                rule = first_match(rules, now, recent)
                spoke[name] += rule is not None
                agreed[name] += rule is not None and rule.action == tick.canonical
            fires = spoke["after"]
    numbers = {
        "ticks": ticks,
        "spoke_before": spoke["before"],
        "spoke_after": fires,
        "agreed_before": agreed["before"],
        "agreed_after": agreed["after"],
    }
    detail = (
        f"canonical agreement on {ticks} held-out ticks: {agreed['after']} of {fires} where a rule"
        f" speaks (before: {agreed['before']} of {spoke['before']})"
    )
    return Gate(NAME, "pass", detail, numbers)


def _observation(tick: Tick) -> Mapping[str, Any]:
    """A tick in the shape of a record, as far as rules look at it."""
    return {
        "phase": tick.phase,
        "obs": {"nearest_m": tick.nearest_m, "roll_deg": tick.tilt},
        "motion": {"label": tick.label},
        "visible_tags": tick.visible,
    }
