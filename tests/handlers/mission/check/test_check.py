"""A checked project: what is planted is found, with its place; what is fine is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from missions import base_mission

from handlers.mission.check.check import Report, check
from handlers.project.project import Project


def box(x: float, y: float, z: float, *half: float) -> dict[str, Any]:
    return {"type": "box", "tag": "box", "position": [x, y, z], "size": list(half)}


def marker(x: float, y: float, tag: str = "flag") -> dict[str, Any]:
    return {"type": "marker", "tag": tag, "position": [x, y, 0.2]}


def zone(x: float, y: float, half: float = 0.3, z: tuple[float, float] = (0, 1)) -> dict[str, Any]:
    low, high = [x - half, y - half, z[0]], [x + half, y + half, z[1]]
    return {"name": "there", "aabb": [low, high]}


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., Report]:
    """`checked(objects, zones, **phase)`: the report on a mission of one phase."""

    def make(
        objects: list[dict[str, Any]] | None = None,
        zones: list[dict[str, Any]] | None = None,
        top: dict[str, Any] | None = None,
        **phase: Any,
    ) -> Report:
        mission = base_mission()
        mission["scene"]["objects"] = objects or []
        mission["scene"]["zones"] += zones or []
        mission["phases"][0].update(phase)
        mission.update(top or {})
        (tmp_path / "env.json").write_text(json.dumps(mission), "utf-8")
        return check(Project.open(tmp_path))

    return make


def found(report: Report) -> list[tuple[str, str]]:
    return [(finding.level, finding.place) for finding in report.findings]


def test_a_mission_that_is_fine_has_no_findings(checked) -> None:
    report = checked()
    assert report.findings == ()
    assert not report.failed
    assert report.lines() == ["1. go: walk_forward distance_m=0.5"]


THERE = {"success_when": {"enter_zone": "there"}}
RING = [box(0, 1, 0.5, 1.1, 0.1, 0.5), box(0, -1, 0.5, 1.1, 0.1, 0.5),
        box(-1, 0, 0.5, 0.1, 1.1, 0.5), box(1, 0, 0.5, 0.1, 1.1, 0.5)]  # fmt: skip


@pytest.mark.parametrize(
    ("mission", "finding", "says"),
    [
        # the goal
        ({"goal_prompt": "wlak forward 0.5 m"},
         ("warning", "phases[0].goal_prompt"), "did you mean 'walk'"),
        ({"goal_prompt": "do not walk forward"},
         ("warning", "phases[0].goal_prompt"), "not to be done"),
        ({"goal_prompt": "walk forward 0.5"}, ("hint", "phases[0].goal_prompt"), "taken as meters"),
        ({"goal_prompt": "crouch"}, ("warning", "phases[0].goal_prompt"), "no crouch"),
        # spawn
        ({"top": {"spawn": [0, 0, 5]}}, ("warning", "spawn"), "5 m over the ground"),
        ({"objects": [box(0.1, 0, 0.2, 0.3, 0.3, 0.2)]},
         ("error", "spawn"), "overlaps scene.objects[0]"),
        ({"objects": [box(0, 0.3, 0.2, 0.1, 0.1, 0.2)]}, ("warning", "spawn"), "0.20 m from"),
        # ways
        ({"objects": RING, "zones": [zone(-3, 0)], "max_ticks": 40, **THERE},
         ("error", "phases[0].success_when.enter_zone"), "cannot be reached"),
        ({"zones": [zone(-45, 0)], "max_ticks": 2, **THERE},
         ("error", "phases[0].max_ticks"), "max_ticks is 2"),
        ({"zones": [zone(-1, 0, z=(0.6, 2))], **THERE},
         ("error", "scene.zones[1] ('there')"), "the trunk is 0.20 to 0.33 m high"),
        ({"zones": [zone(-1, 0, half=0.02)], **THERE},
         ("warning", "scene.zones[1] ('there')"), "a push leads the robot out of it"),
        ({"success_when": {"exit_zone": "ahead"}},
         ("warning", "phases[0].success_when.exit_zone"), "not inside 'ahead'"),
        ({"zones": [zone(0, 0)], "fail_when": {"enter_zone": "there"}},
         ("error", "phases[0].fail_when.enter_zone"), "fails at once"),
        # sight
        ({"objects": [marker(-9, 0)], "success_when": {"see_object": {"tag": "flag"}}},
         ("error", "phases[0].success_when.see_object"), "9.00 m away"),
        ({"objects": [marker(-2, 0), box(-1.2, 0, 0.6, 0.05, 1.5, 0.6)],
          "success_when": {"see_object": {"tag": "flag"}}},
         ("error", "phases[0].success_when.see_object"), "hidden"),
        ({"objects": [marker(-2, 0), box(-1.2, 0, 0.6, 0.05, 1.5, 0.6)], "max_ticks": 30,
          "success_when": {"see_object": {"tag": "flag"}}},
         ("warning", "phases[0].success_when.see_object"), "walks on as far as 1.8 m"),
        # predicates
        ({"success_when": {"elapsed_ticks": 9}},
         ("error", "phases[0].success_when.elapsed_ticks"), "ends after 5"),
        ({"objects": [marker(-1, 0)],
          "success_when": {"near_object": {"tag": "flag", "for_ticks": 4}},
          "fail_when": {"elapsed_ticks": 3}},
         ("error", "phases[0].success_when.near_object.for_ticks"), "ends the phase at 3"),
        ({"fail_when": {"enter_zone": "ahead"}},
         ("error", "phases[0].fail_when.enter_zone"), "failing goes first"),
        ({"success_when": {}}, ("warning", "phases[0] 'go'"), "no success_when"),
    ],
)  # fmt: skip
def test_what_is_planted_is_found_at_its_place(
    checked, mission: dict[str, Any], finding: tuple[str, str], says: str
) -> None:
    report = checked(**mission)
    lines = [str(item) for item in report.findings if (item.level, item.place) == finding]
    assert any(says in line for line in lines), report.lines()
    assert report.failed == any(item.level == "error" for item in report.findings)


def test_a_robot_that_is_not_simulated_is_said_and_its_ways_are_not_looked_at(checked) -> None:
    report = checked(zones=[zone(-30, 0)], top={"robot": "g1"}, **THERE)
    assert found(report) == [("warning", "robot")]
    assert "'g1' cannot be simulated" in str(report.findings[0])


@pytest.mark.parametrize(
    "mission",
    [
        {"objects": [box(0, 0, 1.5, 1, 1, 0.1)]},  # a roof
        {"objects": [box(-1.5, 0, 0.3, 0.1, 0.4, 0.3)], "zones": [zone(-2.5, 0)],
         "max_ticks": 12, **THERE},  # around it
        {"objects": [marker(-2, 0)], "goal_prompt": "look around for the flag",
         "success_when": {"see_object": {"tag": "flag"}}},
        {"objects": [marker(-2, 0)], "goal_prompt": "find the flag",
         "success_when": {"near_object": {"tag": "flag"}}},
    ],
)  # fmt: skip
def test_what_can_be_done_is_left_alone(checked, mission: dict[str, Any]) -> None:
    report = checked(**mission)
    assert report.findings == (), report.lines()


def test_a_signal_that_requires_no_tag_is_written_as_the_reference_writes_it(checked) -> None:
    panel = {"actions": {"found": "found it"}, "requires_visible_tag": ""}
    report = checked(
        top={"control_panel": panel},
        goal_prompt="report the survivor",
        success_when={"signal_emitted": True},
    )
    assert report.findings == ()


def test_a_scene_that_no_map_can_hold_is_a_finding_and_no_end(checked) -> None:
    report = checked(objects=[box(5000, 0, 0.2, 0.1, 0.1, 0.2)])
    assert ("error", "scene.objects[0]") in found(report)
    assert report.phases[0][1].steps, "the goals are told all the same"


def test_programs_are_told_the_same(checked) -> None:
    told = checked(goal_prompt="walk forward 0.5").as_json()
    assert told["phases"][0]["steps"][0]["action"] == "walk_forward"
    assert told["phases"][0]["doubts"][0]["words"] == "0.5"
    assert told["findings"][0]["level"] == "hint"
