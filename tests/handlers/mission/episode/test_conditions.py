"""Predicates, one by one, over ticks made by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from handlers.mission.episode.conditions import PhaseWatch, TickState
from handlers.project.spec import ProjectSpec

SCENE = {
    "objects": [
        {"type": "marker", "tag": "victim", "position": [-2.0, 0.0, 0.0]},
        {"type": "marker", "tag": "victim", "position": [5.0, 5.0, 0.0]},
    ],
    "zones": [{"name": "z", "aabb": [[-1.0, -1.0, 0.0], [0.0, 1.0, 1.0]]}],
}
PANEL = {"actions": {"beep": "B", "boop": "P"}}


def at(x: float, y: float = 0.0, **more: Any) -> TickState:
    return TickState(x, y, 0.28, more.pop("flipped", False), more.pop("visible", {}), **more)


@pytest.fixture
def watch(make_spec: Callable[..., ProjectSpec]) -> Callable[..., PhaseWatch]:
    def make(
        start: TickState, success: dict[str, Any], fail: dict[str, Any] | None = None
    ) -> PhaseWatch:
        phase = {"name": "p", "success_when": success, "fail_when": fail or {}}
        spec = make_spec(scene=SCENE, phases=[phase], control_panel=PANEL)
        return PhaseWatch(spec, spec.phases[0], start)

    return make


def test_entering_a_zone(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(1.0), {"enter_zone": "z"})
    assert w.tick(at(0.2)) == (False, False)
    assert w.tick(at(-0.1)) == (True, False)


def test_leaving_a_zone_needs_having_been_inside(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(1.0), {"exit_zone": "z"})
    assert w.tick(at(1.0)) == (False, False)
    assert w.tick(at(-0.5)) == (False, False)
    assert w.tick(at(0.5)) == (True, False)


def test_leaving_a_zone_counts_from_where_the_phase_began(watch: Callable[..., PhaseWatch]) -> None:
    assert watch(at(-0.5), {"exit_zone": "z"}).tick(at(0.5)) == (True, False)


def test_being_near_counts_ticks_in_a_row(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(0), {"near_object": {"tag": "victim", "max_distance_m": 0.5, "for_ticks": 2}})
    assert w.tick(at(-1.6))[0] is False
    assert w.tick(at(-1.2))[0] is False
    assert w.tick(at(-1.6))[0] is False
    assert w.tick(at(-1.7))[0] is True


def test_the_nearest_object_with_the_tag_counts(watch: Callable[..., PhaseWatch]) -> None:
    assert watch(at(0), {"near_object": {"tag": "victim"}}).tick(at(5.0, 4.6))[0] is True


def test_seeing_counts_ticks_in_a_row(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(0), {"see_object": {"tag": "victim", "for_ticks": 2}})
    assert w.tick(at(0, visible={"victim": 2.0}))[0] is False
    assert w.tick(at(0))[0] is False
    assert w.tick(at(0, visible={"victim": 2.0}))[0] is False
    assert w.tick(at(0, visible={"victim": 2.0}))[0] is True


def test_a_signal_succeeds_when_it_is_right(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(0), {"signal_emitted": True})
    assert w.tick(at(0))[0] is False
    assert w.tick(at(0, signal="beep", signal_event="false_positive"))[0] is False
    assert w.tick(at(0, signal="beep", signal_event="correct"))[0] is True


def test_a_named_signal_is_the_only_one(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(0), {"signal_emitted": "boop"})
    assert w.tick(at(0, signal="beep", signal_event="correct"))[0] is False
    assert w.tick(at(0, signal="boop", signal_event="correct"))[0] is True


def test_time_passes(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(0), {"elapsed_ticks": 3})
    assert [w.tick(at(0))[0] for _ in range(3)] == [False, False, True]


def test_success_wants_everything_at_once_failure_any_one(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(1), {"enter_zone": "z", "elapsed_ticks": 2}, {"flipped": True, "elapsed_ticks": 9})
    assert w.tick(at(-0.5)) == (False, False)
    assert w.tick(at(-0.5)) == (True, False)
    assert w.tick(at(-0.5, flipped=True)) == (False, True)


def test_no_condition_never_succeeds(watch: Callable[..., PhaseWatch]) -> None:
    assert watch(at(0), {}).tick(at(0)) == (False, False)


def test_touching_a_person_is_a_predicate(watch: Callable[..., PhaseWatch]) -> None:
    w = watch(at(0), {"enter_zone": "z"}, {"touched_person": True})
    assert w.tick(at(0.2)) == (False, False)
    assert w.tick(at(-0.5, touched_person=True)) == (False, True)
