"""What a tick is worth: the reward terms of env.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot
from typing import Any

from handlers.mission.episode.conditions import SignalEvent, TickState, nearest_tag
from handlers.project.spec import ProjectSpec, Reward


@dataclass(frozen=True, slots=True)
class TickFacts:
    """What happened in a tick, as far as rewards are concerned."""

    before: TickState
    after: TickState
    scraped: bool
    done: bool
    failed: bool
    judgment: Mapping[str, Any] | None
    signal_event: SignalEvent


def reward_of(spec: ProjectSpec, terms: Reward, tick: TickFacts) -> float:
    """The sum of a phase's reward terms for one tick.

    Progress is horizontal, in metres: toward a zone's middle, toward the nearest object with a tag,
    and forward is world -X. Scraping is anything but a foot against a solid object.
    """
    a, b = tick.before, tick.after
    total = terms.step_cost
    total += terms.forward_distance_gain * (a.x - b.x)
    if terms.distance_to_zone is not None:
        cx, cy, _ = spec.scene.zone(terms.distance_to_zone.zone).centre
        gained = hypot(cx - a.x, cy - a.y) - hypot(cx - b.x, cy - b.y)
        total += terms.distance_to_zone.weight * gained
    if terms.distance_to_tag is not None:
        tag = terms.distance_to_tag.tag
        gained = nearest_tag(spec, tag, a.x, a.y) - nearest_tag(spec, tag, b.x, b.y)
        total += terms.distance_to_tag.weight * gained
    if tick.scraped:
        total += terms.contact_with_rubble_penalty
    if b.flipped:
        total += terms.fall_penalty
    if tick.done:
        total += terms.phase_success_bonus
    if tick.failed:
        total += terms.phase_failure_penalty
    return total + _judged(terms, tick.judgment) + _signalled(terms, tick.signal_event)


def _judged(terms: Reward, judgment: Mapping[str, Any] | None) -> float:
    """For or against an action, when there is a judgment that is sure enough of itself."""
    if judgment is None or judgment["canonical_confidence"] < terms.min_judge_confidence:
        return 0.0
    if judgment["match"]:
        return terms.action_match_bonus
    return terms.action_mismatch_penalty * float(judgment["severity"])


def _signalled(terms: Reward, event: SignalEvent) -> float:
    match event:
        case "correct":
            return terms.signal_correct_bonus
        case "false_positive":
            return terms.signal_false_positive_penalty
        case "missed":
            return terms.signal_miss_penalty
    return 0.0
