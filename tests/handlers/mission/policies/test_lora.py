"""The learned policy: its plan carried out, and found again where the world is another."""

from __future__ import annotations

from collections.abc import Callable
from math import hypot, pi
from typing import Any

import pytest

pytest.importorskip("mujoco")

from handlers.mission.episode.environment import Mission
from handlers.mission.episode.episode import run_episode
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.lora import Lora
from handlers.mission.policies.reckoning import Pose, after
from handlers.mission.world.model import compile_scene
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec

SpecMaker = Callable[..., ProjectSpec]
Record = dict[str, Any]

FOREVER = {"name": "go", "goal_prompt": "go", "success_when": {"elapsed_ticks": 99}}


def drive(
    spec: ProjectSpec,
    plan: list[dict[str, Any]],
    on_control: Callable[[Any], None] | None = None,
) -> list[Record]:
    library = library_for(spec.robot, None, spec.signals)
    scene = compile_scene(spec.scene.objects)
    mission = Mission(spec, library, scene, seed=0, policy="lora", on_control=on_control)
    records: list[Record] = []
    run_episode(mission, Lora(lambda goal: plan), records.append)
    return records[1:]


def rationale(record: Record) -> str:
    return str(record["judgment"]["model_rationale"])


def steps_of(records: list[Record]) -> list[str]:
    """The actions that were steps of the plan."""
    return [record["action"] for record in records if "decoded plan" in rationale(record)
            and rationale(record).startswith("step")]  # fmt: skip


def place(record: Record) -> tuple[float, float]:
    return record["obs"]["pos_x"], record["obs"]["pos_y"]


@pytest.mark.parametrize(
    ("call", "pose"),
    [
        (Call("walk_forward", distance_m=2.0), Pose(-2.0, 0.0, pi)),
        (Call("walk_forward", repeat=3), Pose(-3.0, 0.0, pi)),
        (Call("walk_backward"), Pose(0.5, 0.0, pi)),
        (Call("side_step_left", distance_m=1.0), Pose(0.0, -1.0, pi)),
        (Call("turn_left"), Pose(0.0, 0.0, -pi / 2)),
        (Call("precision_turn_right", rotation_rad=0.5, repeat=2), Pose(0.0, 0.0, pi - 1.0)),
        (Call("sit"), Pose(0.0, 0.0, pi)),
        (Call("jump", duration_s=1.0), Pose(0.0, 0.0, pi)),
    ],
)
def test_an_action_leads_where_it_says(call: Call, pose: Pose) -> None:
    reached = after(Pose(0.0, 0.0, pi), call)
    assert reached is not None
    assert reached.off(pose) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_where_a_duration_ends_a_gait_is_not_known() -> None:
    assert after(Pose(0, 0, 0), Call("walk_forward", duration_s=2.0)) is None


def test_a_plan_that_works_out_is_left_alone(make_spec: SpecMaker) -> None:
    plan = [
        {"action": "walk_forward", "distance_m": 0.6},
        {"action": "turn_left", "rotation_rad": 1.0},
        {"action": "crawl_forward", "distance_m": 0.4},
        {"action": "sit"},
        {"action": "walk_backward", "duration_s": 1.0},
    ]
    records = drive(make_spec(phases=[FOREVER | {"max_ticks": 10}]), plan)
    assert [record["action"] for record in records] == [step["action"] for step in plan] * 2
    assert len(steps_of(records)) == 10


def test_a_way_that_is_blocked_is_gone_around(make_spec: SpecMaker) -> None:
    # given a plan that leads straight through a wall
    wall = {"type": "box", "tag": "wall", "position": [-1.0, 0.2, 0.2], "size": [0.08, 0.6, 0.2]}
    plan = [
        {"action": "walk_forward", "distance_m": 2.2},
        {"action": "turn_left", "rotation_rad": round(pi / 2, 4)},
    ]
    spec = make_spec(scene={"objects": [wall]}, phases=[FOREVER | {"max_ticks": 16}])
    records = drive(spec, plan)

    # then it gets to where the first step should have led, and only then goes on with the second
    assert steps_of(records)[:2] == ["walk_forward", "turn_left"]
    second = next(at for at, record in enumerate(records) if rationale(record).startswith("step 2"))
    assert second > 2
    assert "off the decoded plan" in rationale(records[1])
    x, y = place(records[second - 1])
    assert hypot(x + 2.2, y) < 0.2


def test_a_robot_that_was_moved_comes_back_to_the_plan(make_spec: SpecMaker) -> None:
    # given a robot that is carried 0.6 m to the side and turned while it walks
    def carry(sim: Any) -> None:
        if sim.ticks == 60:
            sim.data.qpos[1] += 0.6
            sim.mj.mj_forward(sim.model, sim.data)

    plan = [
        {"action": "stand", "duration_s": 1.0},
        {"action": "walk_forward", "distance_m": 0.5},
    ]
    records = drive(make_spec(phases=[FOREVER | {"max_ticks": 9}]), plan, carry)

    # then the second step begins where the first was to end
    second = next(at for at, record in enumerate(records) if rationale(record).startswith("step 2"))
    assert abs(place(records[0])[1]) > 0.25
    assert hypot(*place(records[second - 1])) < 0.15
    assert place(records[second]) == pytest.approx((-0.5, 0.0), abs=0.15)


def test_a_place_that_cannot_be_reached_does_not_hold_up_the_plan(make_spec: SpecMaker) -> None:
    # given a plan that leads into the middle of a post
    post = {"type": "box", "tag": "post", "position": [-1.2, 0.0, 0.3], "size": [0.1, 0.1, 0.3]}
    plan = [
        {"action": "walk_forward", "distance_m": 1.2},
        {"action": "sit"},
        {"action": "walk_backward", "distance_m": 0.4},
    ]
    spec = make_spec(scene={"objects": [post]}, phases=[FOREVER | {"max_ticks": 4}])
    records = drive(spec, plan)

    # then it goes on from where it was stopped
    blocked, *_, last = records
    assert blocked["outcome"] == "blocked"
    assert steps_of(records) == ["walk_forward", "sit", "walk_backward"]
    assert place(last)[0] > place(blocked)[0] + 0.3
