"""A run as its brain saw it: for each tick, what was known when its action was chosen.

The record of a tick tells what was observed after its action. What decided the action is what was
observed before it, in the phase that the action belongs to. Where a phase begins the last record is
still about the one before: where the new one is to be done is not known from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from handlers.judge.evidence.ticks import Episode, Tick
from handlers.judge.evidence.wire import Clear, Target
from handlers.judge.prompt.rules.forms import MAX_TICKS
from handlers.judge.prompt.rules.holding import Observation, holds
from handlers.judge.prompt.rules.rule import Rule


class Moment(NamedTuple):
    """Before a tick. `seen`: its last observation, after those before it; at most MAX_TICKS."""

    tick: Tick
    seen: Sequence[Observation]

    def fires(self, rule: Rule) -> bool:
        """Whether a rule would have held when this tick's action was chosen."""
        return holds(rule, self.seen)


def moments(episode: Episode) -> list[Moment]:
    """The ticks of a run with what was known before each; none of a first one without any."""
    ticks = [*([episode.before] if episode.before is not None else []), *episode.ticks]
    seen = [observation(tick) for tick in ticks]
    made = []
    for at, tick in enumerate(ticks[1:], 1):
        recent = seen[max(0, at - MAX_TICKS) : at - 1]
        made.append(Moment(tick, [*recent, _at_its_phase(ticks[at - 1], seen[at - 1], tick)]))
    return made


def _at_its_phase(before: Tick, seen: Observation, tick: Tick) -> Observation:
    if before.phase == tick.phase:
        return seen
    return {**seen, "phase": tick.phase, "target": None, "phase_tick": 0}


def observation(tick: Tick) -> dict[str, Any]:
    """A tick in the shape of a record, as far as rules look at it."""
    clear, target = tick.clear or Clear(), tick.target or Target()
    return {
        "phase": tick.phase,
        "action": tick.action,
        "obs": {"nearest_m": tick.nearest_m, "roll_deg": tick.tilt},
        "motion": {"label": tick.label},
        "visible_tags": tick.visible,
        "tag_bearings": tick.bearings,
        "clear_m": {"left": clear.left, "ahead": clear.ahead, "right": clear.right},
        "target": {"distance_m": target.distance_m, "bearing_deg": target.bearing_deg},
        "phase_tick": tick.phase_tick,
    }
