"""What the plan says to do: prompt and route, reports, signals in time, short of ticks, stuck."""

import json
from typing import Any

import pytest

pytest.importorskip("mujoco")

from planting import Tally, drive
from scenes import box, phase, zone

from handlers.project.spec import ProjectSpec, parse_spec

Record = dict[str, Any]
VICTIM = {"type": "marker", "tag": "victim", "position": [-1.6, 0.3, 0.02]}
PANEL = {"actions": {"found": "FOUND"}, "requires_visible_tag": "victim"}
AHEAD = zone("ahead", -1.6, 0.0, 0.4, 0.5)


def _spec(objects: list[Any], zones: list[Any], *phases: Any, **more: Any) -> ProjectSpec:
    env = {"name": "plan", "scene": {"objects": objects, "zones": zones}, "phases": list(phases)}
    return parse_spec(json.dumps({**env, **more}).encode(), "env.json")


def _run(spec: ProjectSpec, seed: int = 0) -> tuple[bool, list[Record]]:
    tally = Tally()
    records = drive(spec, seed, tally)
    assert tally.blamed == []
    return bool(tally.won), records[1:]


@pytest.mark.parametrize(
    ("goal", "sent"),
    [
        ("walk up to the person and report them", ["found"]),
        ("walk up to the person, but do not report", []),
        ("walk up to the person", []),
    ],
)
def test_what_the_goal_says_to_report_is_reported_once(goal: str, sent: list[str]) -> None:
    near = {"tag": "victim", "max_distance_m": 0.6, "for_ticks": 3}
    spec = _spec([VICTIM], [], phase("find", goal, near_object=near), control_panel=PANEL)
    won, records = _run(spec)
    assert won
    assert [record["action"] for record in records if record["is_signal"]] == sent


def test_a_signal_is_sent_when_the_rest_has_held_long_enough_and_no_earlier() -> None:
    near = {"tag": "victim", "max_distance_m": 0.6, "for_ticks": 3}
    go = phase("find", "go there", near_object=near, signal_emitted=True)
    won, records = _run(_spec([VICTIM], [], go, control_panel=PANEL))
    assert won
    assert [record["action"] for record in records[-3:]] == ["walk_forward", "stand", "found"]
    assert [record["signal_event"] for record in records[-3:]] == ["none", "none", "correct"]


def test_it_turns_to_what_it_stands_beside_before_it_signals() -> None:
    beside = {**VICTIM, "position": [0.1, -0.5, 0.02]}
    near = {"tag": "victim", "max_distance_m": 0.8}
    go = phase("find", "report the person", near_object=near, signal_emitted=True)
    won, records = _run(_spec([beside], [], go, control_panel=PANEL))
    assert won
    assert [record["action"] for record in records] == ["turn_left", "found"]


def test_amounts_of_the_goal_are_walked_and_without_any_the_way_leads() -> None:
    _, said = _run(_spec([], [AHEAD], phase("go", "walk forward 1.4 m", enter_zone="ahead")))
    _, led = _run(_spec([], [AHEAD], phase("go", "trot to the far side", enter_zone="ahead")))
    assert [r["action_params"]["distance_m"] for r in said] == [1.4]
    assert [r["action"] for r in led] == ["trot_forward"]
    assert led[0]["action_params"]["distance_m"] == pytest.approx(1.3, abs=0.1)


def test_a_zone_is_left() -> None:
    won, records = _run(
        _spec([], [zone("room", 0.0, 0.0, 0.6, 0.9)], phase("out", "leave", exit_zone="room"))
    )
    assert won
    assert len(records) <= 2


def test_short_of_ticks_it_goes_round_without_turning() -> None:
    walls = [box(-0.8, 0.0, 0.05, 1.5, 0.8)]
    goal = zone("goal", -2.5, 0.0, 0.5, 0.9)
    won, records = _run(_spec(walls, [goal], phase("go", "go there", 5, enter_zone="goal")))
    assert won
    assert records[0]["action"].startswith("side_step")
    won, slow = _run(_spec(walls, [goal], phase("go", "go there", 40, enter_zone="goal")))
    assert won
    assert not any(record["action"].startswith("side_step") for record in slow)


def test_without_room_to_turn_it_walks_backward_out() -> None:
    walls = [box(0.0, side * 0.42, 0.5, 0.1, 0.4) for side in (-1.0, 1.0)]
    end = box(-0.45, 0.0, 0.08, 0.3, 0.4)
    goal = zone("goal", 1.6, 0.0, 0.4, 0.4)
    won, records = _run(_spec([*walls, end], [goal], phase("go", "get out", enter_zone="goal")))
    assert won
    assert records[0]["action"] == "walk_backward"
    assert not any(record["scraped"] for record in records)


def test_what_cannot_be_reached_is_waited_for_not_searched_for() -> None:
    ring = [box(x, y, hx, hy, 0.5) for x, y, hx, hy in (
        (-1.5, 0, 0.05, 1.5), (1.5, 0, 0.05, 1.5), (0, 1.5, 1.5, 0.05), (0, -1.5, 1.5, 0.05)
    )]  # fmt: skip
    go = phase("go", "walk out", 6, enter_zone="away")
    won, records = _run(_spec(ring, [zone("away", -4.0, 0.0, 0.4, 0.4)], go))
    assert not won
    assert records[-1]["action"] == "stand"
    assert "no way" in records[-1]["judgment"]["canonical_reason"]
