"""Predicates that cannot come true, or that end a phase before it can be won."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.mission.check.findings import Finding
from handlers.project.spec import Condition, Phase, ProjectSpec


def impossible(spec: ProjectSpec) -> Iterator[Finding]:
    """What is wrong with the phases' conditions by themselves, wherever things stand."""
    for warning in spec.warnings:
        place, _, what = warning.partition(": ")
        yield Finding("warning", place if what else "env.json", what or warning)
    for index, phase in enumerate(spec.phases):
        yield from _too_late(phase, f"phases[{index}]")
        yield from _against_itself(phase, f"phases[{index}]")


def _needed(wanted: Condition) -> Iterator[tuple[str, int]]:
    """Each predicate that takes ticks, and how many at least."""
    if wanted.elapsed_ticks is not None:
        yield "elapsed_ticks", wanted.elapsed_ticks
    if wanted.near_object is not None:
        yield "near_object.for_ticks", wanted.near_object.for_ticks
    if wanted.see_object is not None:
        yield "see_object.for_ticks", wanted.see_object.for_ticks


def _too_late(phase: Phase, place: str) -> Iterator[Finding]:
    ends = phase.fail_when.elapsed_ticks
    for name, ticks in _needed(phase.success_when):
        where = f"{place}.success_when.{name}"
        if ticks > phase.max_ticks:
            what = f"needs {ticks} ticks, and the phase ends after {phase.max_ticks}"
            yield Finding("error", where, what, f"max_ticks of at least {ticks}")
        elif ends is not None and ticks >= ends:
            what = f"needs {ticks} ticks, and fail_when.elapsed_ticks ends the phase at {ends}"
            yield Finding("error", where, what, "a later fail_when.elapsed_ticks")


def _against_itself(phase: Phase, place: str) -> Iterator[Finding]:
    wanted, failing = phase.success_when, phase.fail_when
    for name in ("enter_zone", "exit_zone", "near_object", "signal_emitted", "flipped"):
        value = getattr(wanted, name)
        if value not in (None, False) and value == getattr(failing, name):
            what = f"success_when and fail_when both have {name}, and failing goes first"
            yield Finding("error", f"{place}.fail_when.{name}", what, "take one of them out")
    if wanted.enter_zone is not None and wanted.enter_zone == wanted.exit_zone:
        what = f"inside and outside {wanted.enter_zone!r} at once"
        yield Finding("error", f"{place}.success_when", what, "make them two phases")
    for name in ("flipped", "touched_person"):
        if getattr(wanted, name):
            what = "is won by what a policy keeps from happening"
            yield Finding("warning", f"{place}.success_when.{name}", what, "put it in fail_when")
