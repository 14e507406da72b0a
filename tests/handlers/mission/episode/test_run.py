"""Whole runs: records, seeds, phases, policies, interruption."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mujoco")

from handlers.mission.episode.environment import Mission
from handlers.mission.episode.episode import EpisodeResult, run_episode
from handlers.mission.episode.runlog import RunLog, encode
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.lora import Lora, deployed_adapter
from handlers.mission.policies.protocol import Decision, Policy, View
from handlers.mission.policies.random import RandomPolicy
from handlers.mission.policies.scripted import Scripted
from handlers.mission.world.model import compile_scene
from handlers.project.formats.runlog import read_run_log
from handlers.project.library import library_for
from handlers.project.scaffold import SAMPLE
from handlers.project.spec import ProjectSpec, load_spec
from store.errors import InputError, ProjectError

Record = dict[str, Any]
KEYS = {
    "tick", "phase", "phase_idx", "goal_prompt", "action", "action_params", "obs", "reward",
    "phase_done", "phase_failed", "terminated", "truncated", "mission_success", "step_ok",
    "motion", "judgment", "visible_tags", "is_signal", "signal_event", "signal_phrase",
    "seed", "policy", "sim_time_s", "yaw_deg", "finite", "outcome", "scraped", "touched_person",
    "tag_bearings", "clear_m", "target", "phase_tick",
}  # fmt: skip
SURVIVOR = {"type": "sphere", "tag": "survivor", "position": [-0.5, -1.6, 0.2], "radius": 0.15}
SEEN_TWICE = {"see_object": {"tag": "survivor", "for_ticks": 2}}
VISION = {
    "scene": {"objects": [SURVIVOR]},
    "vision": {"fov_deg": 60, "max_distance_m": 3.0},
    "control_panel": {"actions": {"call": "FOUND"}, "requires_visible_tag": "survivor"},
    "phases": [
        {"name": "scan", "goal_prompt": "look around", "success_when": SEEN_TWICE},
        {
            "name": "report",
            "goal_prompt": "radio it",
            "success_when": {"signal_emitted": True},
            "reward": {"signal_correct_bonus": 3.0, "phase_success_bonus": 1.0},
        },
    ],
}


def mission(spec: ProjectSpec, seed: int = 0, **more: Any) -> Mission:
    library = library_for(spec.robot, None, spec.signals)
    return Mission(
        spec, library, compile_scene(spec.scene.objects), seed=seed, policy="scripted", **more
    )


def run(spec: ProjectSpec, policy: Policy, seed: int = 0) -> tuple[EpisodeResult, list[Record]]:
    records: list[Record] = []
    return run_episode(mission(spec, seed), policy, records.append), records


class Steps:
    """Drives through a fixed list of calls."""

    name = "steps"

    def __init__(self, *calls: Call) -> None:
        self.calls = list(calls)

    def begin(self, seed: int) -> None:
        self.left = list(self.calls)

    def decide(self, view: View) -> Decision:
        return Decision(self.left.pop(0))


def test_a_run_succeeds_and_its_records_are_complete(make_spec: Callable[..., ProjectSpec]) -> None:
    result, records = run(make_spec(), Scripted())
    assert result.success
    assert [record["tick"] for record in records] == [0, 1]
    assert all(set(record) >= KEYS for record in records)
    reset, tick = records
    assert (reset["action"], reset["reward"], reset["judgment"]) == (None, 0.0, None)
    assert reset["obs"]["feet_grounded"] == 4
    assert reset["obs"]["pos_x"] == pytest.approx(0.0, abs=0.02)
    assert tick["action"] == "walk_forward"
    assert tick["action_params"]["distance_m"] == 0.5
    assert tick["phase_done"]
    assert tick["terminated"]
    assert tick["mission_success"]
    assert not tick["truncated"]
    assert tick["reward"] == pytest.approx(1.95)
    assert tick["judgment"]["match"] is True


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(
    make_spec: Callable[..., ProjectSpec],
) -> None:
    def log(seed: int) -> bytes:
        return b"".join(map(encode, run(make_spec(), Scripted(), seed)[1]))

    assert log(3) == log(3)
    assert log(3) != log(4)


def test_spawn_is_where_the_robot_stands(make_spec: Callable[..., ProjectSpec]) -> None:
    _, records = run(make_spec(spawn=[0.4, -0.2, 0.0]), Scripted())
    assert records[0]["obs"]["pos_x"] == pytest.approx(0.4, abs=0.02)
    assert records[0]["obs"]["pos_y"] == pytest.approx(-0.2, abs=0.02)


def test_a_phase_that_takes_too_long_times_the_run_out(
    make_spec: Callable[..., ProjectSpec],
) -> None:
    stand = Call("stand", duration_s=0.1)
    result, records = run(make_spec(), Steps(*[stand] * 5))
    assert result.end == "timeout in phase 'go'"
    assert records[-1]["terminated"]
    assert records[-1]["truncated"]
    assert not records[-1]["phase_failed"]


def test_looking_and_signalling_are_driven_by_sight_under_any_policy(
    make_spec: Callable[..., ProjectSpec],
) -> None:
    # given a survivor to the left, and a policy that would only ever sit
    sitting = Lora(lambda goal: [{"action": "sit"}])
    # when the mission runs
    result, records = run(make_spec(**VISION), sitting)
    # then the robot turned until it saw, held still as long as asked, and signalled
    assert result.success
    assert [r["action"] for r in records[1:]] == ["turn_left", "stand", "call"]
    last = records[-1]
    assert (last["is_signal"], last["signal_event"], last["signal_phrase"]) == (
        True,
        "correct",
        "FOUND",
    )
    assert last["action_params"] == {}
    assert last["reward"] == pytest.approx(4.0)


def test_a_signal_with_nothing_in_view_is_a_false_positive(
    make_spec: Callable[..., ProjectSpec],
) -> None:
    reward = {"signal_false_positive_penalty": -2.0, "phase_success_bonus": 0.0}
    phase = {"name": "p", "success_when": {"elapsed_ticks": 1}, "reward": reward}
    _, records = run(make_spec(**{**VISION, "phases": [phase]}), Steps(Call("call")))
    assert records[-1]["signal_event"] == "false_positive"
    assert records[-1]["reward"] == pytest.approx(-2.0)


def test_a_wrong_action_is_judged_and_penalised(make_spec: Callable[..., ProjectSpec]) -> None:
    phase = {"name": "go", "success_when": {"enter_zone": "ahead"}, "max_ticks": 1,
             "reward": {"action_mismatch_penalty": -1.0}}  # fmt: skip
    _, records = run(make_spec(phases=[phase]), Steps(Call("turn_left", rotation_rad=0.3)))
    judgment = records[-1]["judgment"]
    assert judgment["canonical_action"] == "walk_forward"
    assert judgment["match"] is False
    assert 0 < judgment["severity"] <= 1
    assert records[-1]["reward"] == pytest.approx(-judgment["severity"])


def test_a_blocked_straight_way_is_planned_around(make_spec: Callable[..., ProjectSpec]) -> None:
    scene = {
        "objects": [
            {"type": "box", "tag": "wall", "position": [-0.7, 0.2, 0.2], "size": [0.08, 0.6, 0.2]}
        ],
        "zones": [{"name": "ahead", "aabb": [[-2.2, -0.5, 0.0], [-1.4, 0.5, 1.0]]}],
    }
    phase = {"name": "go", "goal_prompt": "walk forward 1.8 meters", "max_ticks": 12,
             "success_when": {"enter_zone": "ahead"}}  # fmt: skip
    result, records = run(make_spec(scene=scene, phases=[phase]), Scripted())
    assert result.success
    assert not any(record["scraped"] for record in records)


def test_diverged_physics_ends_the_run_with_a_reason(make_spec: Callable[..., ProjectSpec]) -> None:
    # given a run whose state is thrown far away during an action
    def throw(sim: Any) -> None:
        if sim.ticks == 60:
            sim.data.qvel[2] = 500.0

    records: list[Record] = []
    thrown = mission(make_spec(), on_control=throw)
    result = run_episode(thrown, Scripted(), records.append)
    # then the last record says so, and holds no kilometres
    assert result.end.startswith("diverged")
    last = records[-1]
    assert (last["finite"], last["step_ok"], last["terminated"]) == (False, False, True)
    assert abs(last["obs"]["body_height"]) < 1.0


def test_an_interrupted_run_leaves_a_log_that_says_so(
    make_spec: Callable[..., ProjectSpec], project: Path
) -> None:
    # given a run that is interrupted in the middle of its first action
    def interrupt(sim: Any) -> None:
        if sim.ticks == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), RunLog(project) as log:
        run_episode(mission(make_spec(), on_control=interrupt), Scripted(), log.write)
    # then every line is whole, and the last one says what happened
    lines = log.path.read_bytes().splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in lines)
    last = json.loads(lines[-1])
    assert last["end_reason"] == "interrupted"
    assert last["action"] == "walk_forward"
    assert last["terminated"]
    assert last["truncated"]


def test_the_log_reads_as_any_run_log_does(
    make_spec: Callable[..., ProjectSpec], project: Path
) -> None:
    with RunLog(project) as log:
        run_episode(mission(make_spec()), Scripted(), log.write)
    with log.path.open("rb") as stream:
        summary = read_run_log(stream)
    (episode,) = summary.episodes
    assert (episode.outcome, episode.ticks, episode.phases_done) == ("succeeded", 1, 1)
    assert summary.problems == ()


def test_the_random_policy_is_varied_and_repeats_with_its_seed(
    make_spec: Callable[..., ProjectSpec],
) -> None:
    def actions(seed: int) -> list[str]:
        policy = RandomPolicy()
        policy.begin(seed)
        view = mission(make_spec())
        view.reset()
        return [policy.decide(view.view()).call.action for _ in range(30)]

    assert actions(1) == actions(1)
    assert actions(1) != actions(2)
    assert len(set(actions(1))) > 8


def test_a_plan_of_the_adapter_is_carried_out_step_by_step(
    make_spec: Callable[..., ProjectSpec],
) -> None:
    plan = [
        {"action": "turn_left", "rotation_rad": 0.1},
        {"action": "walk_forward", "distance_m": 0.5},
    ]
    result, records = run(make_spec(), Lora(lambda goal: plan))
    assert [record["action"] for record in records[1:]] == ["turn_left", "walk_forward"]
    assert result.success


def test_an_adapter_that_names_an_unknown_action_is_an_error(
    make_spec: Callable[..., ProjectSpec],
) -> None:
    with pytest.raises(InputError, match="moonwalk"):
        run(make_spec(), Lora(lambda goal: [{"action": "moonwalk"}]))


def test_without_an_adapter_one_is_told_how_to_train_it(project: Path) -> None:
    with pytest.raises(ProjectError, match="no adapter") as error:
        deployed_adapter(project)
    assert "finetune" in error.value.hint


PERSON = {"type": "box", "tag": "someone", "person": True, "size": [0.1, 0.4, 0.02]}


@pytest.mark.parametrize(
    ("height", "scraped"), [(0.02, []), (0.3, ["someone"])], ids=["stepped on", "walked into"]
)
def test_a_person_that_is_touched_is_counted_and_can_fail_the_phase(
    make_spec: Callable[..., ProjectSpec], height: float, scraped: list[str]
) -> None:
    # given someone on the way, and a policy that walks straight on
    person = PERSON | {"position": [-0.6, 0.0, height / 2], "size": [0.1, 0.4, height / 2]}
    fails = {"name": "go", "fail_when": {"touched_person": True}}
    spec = make_spec(scene={"objects": [person]}, phases=[fails])
    # when it gets there
    result, records = run(spec, Steps(Call("walk_forward", distance_m=0.8)))
    # then the touch is in the record, whether by a foot or by the trunk, and ends the run
    assert records[-1]["touched_person"] > 0
    assert records[-1]["scraped"] == scraped
    assert (result.touched_person, result.end) == (1, "phase 'go' failed")


def test_a_box_that_is_nobody_is_not_a_person(make_spec: Callable[..., ProjectSpec]) -> None:
    box = PERSON | {"position": [-0.6, 0.0, 0.15], "size": [0.1, 0.4, 0.15], "person": False}
    spec = make_spec(scene={"objects": [box]}, phases=[{"name": "go", "max_ticks": 1}])
    result, records = run(spec, Steps(Call("walk_forward", distance_m=0.8)))
    assert records[-1]["scraped"] == ["someone"]
    assert (records[-1]["touched_person"], result.touched_person) == (0, 0)


def _sample(seed: int) -> tuple[EpisodeResult, list[Record]]:
    return run(load_spec(SAMPLE / "mission"), Scripted(), seed)


def test_the_sample_mission_succeeds_by_reporting_the_person_untouched() -> None:
    result, records = _sample(7)
    assert result.success
    assert (result.falls, result.touched_person) == (0, 0)
    (signal,) = [record for record in records if record["is_signal"]]
    assert (signal["phase"], signal["signal_event"]) == ("find_victim", "correct")
    assert signal["visible_tags"]["victim"] < 0.8
    assert signal["phase_done"]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_sample_mission_is_completed_under_any_seed() -> None:
    results = [_sample(seed)[0] for seed in range(600, 650)]
    assert sum(result.success for result in results) >= 48
    assert not any(result.touched_person for result in results if result.success)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_recorded_rescue_mission_is_completed(recorded: Path) -> None:
    spec = load_spec(recorded / "missions" / "rescue-dog")
    won = sum(run(spec, Scripted(), seed)[0].success for seed in range(500, 550))
    assert won >= 48
