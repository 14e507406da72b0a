"""The mission as tools of a language model: what it is told, what it may call, its reward."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

pytest.importorskip("mujoco")

from handlers.mission.gym.tools import MissionTools
from handlers.project.scaffold import init_project
from store.errors import InputError


def test_it_is_told_the_goal_acts_and_is_rewarded(project: Path) -> None:
    tools = MissionTools(project)
    told = tools.reset(seed=7, prompt=[{"role": "user", "content": "drive"}])
    assert "Goal: walk forward 0.5 meters" in told
    assert "walk_forward, walk_backward" in told
    assert tools.get_reward() == 0.0
    told = tools.act("walk_forward", distance_m=0.5)
    assert told.startswith("walk_forward: done\n")
    assert told.endswith("The mission is over: success")
    assert tools.get_reward() == pytest.approx(1.95)
    # and again from the start
    assert "position (+0.00, +0.00) m" in tools.reset()
    assert tools.get_reward() == 0.0


def test_of_the_next_phase_it_is_told_at_once(tmp_path: Path) -> None:
    init_project(tmp_path / "rescue")
    tools = MissionTools(tmp_path / "rescue")
    assert "Phase: approach." in tools.reset()
    told = tools.act("walk_forward", distance_m=1.0)
    assert "Phase: enter_debris." in told
    assert "sees rubble at" in told


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"action": "fly"}, "go1 has no action 'fly'"),
        ({"action": "walk_forward", "distance_m": 99}, "distance_m"),
        ({"action": "walk_forward", "distance_m": float("nan")}, "distance_m"),
        ({"action": "turn_left", "rotation_deg": "ninety"}, "rotation_deg: 'ninety' is not a"),
        ({"action": "sit", "distance_m": 1}, "distance_m"),
        ({"action": ["sit"]}, "action"),
    ],
)
def test_what_cannot_be_done_is_said_and_costs_nothing(
    project: Path, asked: dict[str, object], says: str
) -> None:
    tools = MissionTools(project)
    with pytest.raises(InputError, match="not begun"):
        tools.act("sit")
    tools.reset()
    with pytest.raises(InputError, match=says):
        tools.act(**asked)  # type: ignore[arg-type]
    assert tools.get_reward() == 0.0
    assert tools.act("walk_forward", distance_m=0.5).endswith("success")
    with pytest.raises(InputError, match="the mission is over: success"):
        tools.act("sit")


def test_nothing_else_is_offered_as_a_tool() -> None:
    public = {
        name
        for name, _ in inspect.getmembers(MissionTools, predicate=inspect.isfunction)
        if not name.startswith("_")
    }
    assert public == {"reset", "act", "get_reward"}


def test_the_tool_is_described_as_chat_templates_want_it(project: Path) -> None:
    transformers = pytest.importorskip("transformers")
    schema = transformers.utils.get_json_schema(MissionTools(project).act)["function"]
    assert schema["name"] == "act"
    assert set(schema["parameters"]["properties"]) == {
        "action",
        "distance_m",
        "rotation_deg",
        "speed",
    }
    assert schema["parameters"]["required"] == ["action"]
