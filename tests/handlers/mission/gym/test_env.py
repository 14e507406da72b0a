"""The mission in Gymnasium: its checks, seeds, ends, units, pictures, and the documented use."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checkout import ROOT
from missions import base_mission

pytest.importorskip("mujoco")
pytest.importorskip("gymnasium")

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

import cadenzad.gym
from handlers.mission.episode.environment import Mission
from handlers.mission.episode.setting import scene_of
from handlers.mission.gym.env import MissionEnv
from handlers.mission.gym.spaces import DISTANCES_M, TURNS_DEG
from handlers.mission.policies.protocol import Decision
from handlers.project.project import Project
from handlers.project.scaffold import init_project
from store.errors import CadenzaError, InputError

Maker = Callable[..., MissionEnv]


@pytest.fixture
def make(project: Path) -> Iterator[Maker]:
    """`make(**changes)`: the environment of the short mission with keys of its phase replaced."""
    opened: list[Any] = []

    def make_env(env: dict[str, Any] | None = None, **phase: Any) -> MissionEnv:
        spec = base_mission()
        spec["phases"][0] |= phase
        (project / "env.json").write_text(json.dumps(spec))
        opened.append(gymnasium.make(cadenzad.gym.ENV_ID, project=project, **(env or {})))
        unwrapped: MissionEnv = opened[-1].unwrapped
        return unwrapped

    yield make_env
    for env in opened:
        env.close()


def action(env: MissionEnv, name: str, amount: int = 0, pace: int = 1) -> np.ndarray:
    return np.array([env.actions.names.index(name), amount, pace])


def test_gymnasiums_own_checks_find_nothing(make: Maker) -> None:
    check_env(make(), skip_render_check=True)  # a warning would be an error here


def test_the_samples_environment_passes_them_too(tmp_path: Path) -> None:
    init_project(tmp_path / "rescue")
    env = gymnasium.make("cadenzad.gym:cadenzad/Mission-v0", project=tmp_path / "rescue")
    check_env(env.unwrapped, skip_render_check=True)
    assert "signal_victim_found" in env.unwrapped.actions.names
    assert env.observation_space["seen"].shape == env.observation_space["bearing"].shape == (2,)
    seen, _ = env.reset(seed=0)
    rubble = env.unwrapped.observations.tags.index("rubble")
    assert seen["seen"][rubble] == pytest.approx(1.7, abs=0.05)
    assert abs(seen["bearing"][rubble]) < 35
    env.close()


def test_the_same_seed_is_the_same_run_as_env_run_drives(make: Maker, project: Path) -> None:
    # given the run that `env run --seed 7` would drive with these actions
    env = make()
    opened = Project.open(project, actions=True)
    run = Mission(opened.spec, opened.library, scene_of(opened), seed=7, policy="gym")
    acts = [action(env, "turn_left", 1), action(env, "walk_forward", 5)]
    wanted = [run.reset(), *(run.step(Decision(env.actions.call(act))) for act in acts)]

    # when the environment is driven with them, twice
    for _ in range(2):
        _, info = env.reset(seed=7)
        records = [info["record"], *(env.step(act)[4]["record"] for act in acts)]
        # then it is that run
        assert records == wanted
    assert env.reset(seed=8)[1]["record"] != wanted[0]


def test_a_seed_that_is_not_given_is_drawn_and_repeats(make: Maker) -> None:
    env = make()
    env.reset(seed=1)
    drawn = [env.reset()[1]["record"]["seed"] for _ in range(3)]
    env.reset(seed=1)
    assert [env.reset()[1]["record"]["seed"] for _ in range(3)] == drawn
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(
    ("changes", "env_changes", "act", "ended", "reason"),
    [
        ({}, {}, ("walk_forward", 3), (True, False), "success"),
        ({"max_ticks": 1}, {}, ("sit", 0), (False, True), "timeout in phase 'go'"),
        ({}, {"max_ticks": 1}, ("sit", 0), (False, True), "timeout: --max-ticks 1"),
        ({"fail_when": {"elapsed_ticks": 1}}, {}, ("sit", 0), (True, False), "phase 'go' failed"),
        ({}, {}, ("sit", 0), (False, False), "None"),
    ],
)
def test_success_and_failure_terminate_and_time_truncates(
    make: Maker,
    changes: dict[str, Any],
    env_changes: dict[str, Any],
    act: tuple[str, int],
    ended: tuple[bool, bool],
    reason: str,
) -> None:
    env = make(env_changes, **changes)
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(action(env, *act))
    assert (terminated, truncated) == ended
    assert str(info["record"]["end_reason"]) == reason
    assert reward == info["record"]["reward"]
    if any(ended):
        with pytest.raises(InputError, match="is over"):
            env.step(action(env, "sit"))


def test_diverged_physics_terminates_and_what_was_believable_is_seen_again(make: Maker) -> None:
    env = make()
    before, _ = env.reset(seed=0)
    assert env.mission is not None
    env.mission.sim.data.qvel[2] = 500.0
    seen, reward, terminated, truncated, _ = env.step(action(env, "walk_forward", 5))
    assert (reward, terminated, truncated) == (0.0, True, False)
    assert seen in env.observation_space
    assert all(np.array_equal(seen[name], before[name]) for name in seen)


def test_observations_have_the_units_they_say(make: Maker) -> None:
    # given a robot that turned to the left and walked
    env = make()
    env.reset(seed=0)
    env.step(action(env, "turn_left", TURNS_DEG.index(90.0)))
    seen, *_ = env.step(action(env, "walk_forward", DISTANCES_M.index(0.5)))

    # then it faces and has gone there, and the goal's middle (-0.62, 0) lies behind it on the right
    height, _, _, _, _, x, y = seen["body"]
    assert seen["yaw"][0] == pytest.approx(90.0, abs=2)
    assert (x, y) == pytest.approx((0.0, -0.5), abs=0.05)
    assert height == pytest.approx(0.28, abs=0.03)
    way, direction = seen["goal"]
    assert way == pytest.approx(np.hypot(0.625, 0.5), abs=0.05)
    assert direction == pytest.approx(-90.0 - np.degrees(np.arctan2(0.5, 0.625)), abs=8)
    assert (int(seen["phase"]), int(seen["phase_tick"])) == (0, 2)


@pytest.mark.parametrize("bad", [[99, 0, 0], [0, 8, 0], [0, 0, -1], [0, 0], "sit", None, 3])
def test_what_is_no_action_is_refused_with_what_would_be(make: Maker, bad: object) -> None:
    env = make()
    env.reset(seed=0)
    with pytest.raises(InputError, match="three indices within") as refused:
        env.step(bad)
    assert "sample()" in refused.value.hint
    assert env.mission is not None
    assert env.mission.tick == 0


def test_what_cannot_be_opened_is_one_line(project: Path, make: Maker) -> None:
    with pytest.raises(InputError, match="only 'rgb_array'"):
        MissionEnv(project, render_mode="human")
    with pytest.raises(CadenzaError, match="no such file"):
        MissionEnv(project / "nowhere")
    with pytest.raises(InputError, match="has not begun"):
        make().step([0, 0, 0])


PICTURES = """
import sys
from handlers.mission.gym.env import MissionEnv
from store.errors import MissingExtraError

try:
    env = MissionEnv(sys.argv[1], render_mode="rgb_array")
    pictures = []
    for seed in (0, 1):
        env.reset(seed=seed)
        pictures.append(env.render())
        env.step([env.actions.names.index("walk_forward"), 3, 1])
        pictures.append(env.render())
    env.close()
    env.close()
except MissingExtraError as missing:
    sys.exit(f"missing: {missing.message}")
assert {(p.shape, str(p.dtype)) for p in pictures} == {((480, 640, 3), "uint8")}
assert all((p != pictures[0]).any() for p in pictures[1:])
"""


def test_pictures_are_taken_where_there_is_opengl(project: Path) -> None:
    # OpenGL is chosen when MuJoCo is first imported: in a process of its own
    done = subprocess.run(
        [sys.executable, "-c", PICTURES, project],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.stderr.startswith("missing: "):
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr


def test_the_documented_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init_project(tmp_path / "rescue")
    monkeypatch.chdir(tmp_path)
    example, *_ = re.findall(r"```python\n(import gymnasium.*?)```", DOCS, re.DOTALL)
    exec(compile(example, "docs/gym.md", "exec"), {})
    assert capsys.readouterr().out.strip()


DOCS = (ROOT / "docs" / "gym.md").read_text()
