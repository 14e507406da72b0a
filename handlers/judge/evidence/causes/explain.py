"""All causes a leg shows, without those that are only what another cause looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from handlers.judge.evidence.causes import arriving, ending, hazards, moving, signalling, turning
from handlers.judge.evidence.causes.occurrence import Detector, Occurrence
from handlers.judge.evidence.findings import Kind
from handlers.judge.evidence.legs import Leg

ALWAYS: Sequence[Detector] = (
    hazards.obstacle_ignored,
    hazards.zone_violated,
    hazards.falls,
    signalling.false_signal,
    ending.broken,
)
"""Wrong wherever it is done, also in a phase that was done in the end."""

UNDONE: Sequence[Detector] = (
    moving.vain_moves,
    moving.vain_turns,
    moving.standing,
    moving.pace,
    turning.oscillating,
    turning.spinning,
    turning.turned_away,
    turning.over_rotation,
    arriving.wrong_way,
    arriving.stops_short,
    arriving.overshoot,
    arriving.drifts_past,
    arriving.dwell_reset,
    signalling.missing_signals,
    signalling.far_signals,
)
"""A cause of failure only where the phase was not done; they cost time elsewhere, no more."""

EXPLAINS: Mapping[Kind, frozenset[Kind]] = {
    "diverged": frozenset({"fell", "error", "overshoot", "drifts_past", "wrong_way"}),
    "over_rotation": frozenset({"oscillating", "spinning"}),
    "no_effect": frozenset({"oscillating", "spinning"}),
    "stuck": frozenset({"too_slow", "error"}),
    "obstacle_ignored": frozenset({"error"}),
    "fell": frozenset({"error"}),
    "oscillating": frozenset({"too_slow", "idle"}),
    "wrong_way": frozenset({"too_slow"}),
    "spinning": frozenset({"too_slow", "idle", "wrong_way", "drifts_past"}),
    "overshoot": frozenset({"oscillating", "spinning", "drifts_past", "too_slow"}),
    "dwell_reset": frozenset({"oscillating"}),
    "stops_short": frozenset({"idle", "repeats_pose", "too_slow"}),
    "idle": frozenset({"too_slow"}),
    "repeats_pose": frozenset({"too_slow"}),
    "never_signals": frozenset({"idle", "stops_short"}),
    "missed_signal": frozenset({"idle", "stops_short"}),
}
"""A cause, and what it looks like besides in the same leg, which is then not counted."""


def shown_by(leg: Leg, everything: bool) -> list[Occurrence]:
    """What a leg shows; of one that was done, `everything` too that only cost it time."""
    detectors = chain(ALWAYS, UNDONE) if everything else ALWAYS
    found = [occurrence for detect in detectors for occurrence in detect(leg)]
    return list(_unexplained(found))


def _unexplained(found: Sequence[Occurrence]) -> Iterator[Occurrence]:
    explained = frozenset[Kind]().union(
        *(EXPLAINS.get(kind, ()) for kind in {occurrence.kind for occurrence in found})
    )
    return (occurrence for occurrence in found if occurrence.kind not in explained)
