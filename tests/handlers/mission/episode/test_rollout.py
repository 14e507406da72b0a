"""Rollouts: many runs at once, the same numbers however they are stepped."""

import pytest

pytest.importorskip("mujoco")

from handlers.mission.episode.rollout import Plan, rollout
from handlers.mission.episode.sim import Variation
from handlers.mission.locomotion.skill import Call
from handlers.project.scene import Scene, Zone
from store.errors import InputError

HARD = Variation(push_n=(400.0, 400.0), push_every=(0.3, 0.4))


def test_outcomes_say_where_and_how_each_run_ended() -> None:
    # given a plan that ends in a zone
    zone = Zone(name="there", aabb=((-0.5, -0.2, 0.0), (-0.3, 0.2, 1.0)))
    plan = Plan(
        "go", (Call("walk_forward", distance_m=0.4),), scene=Scene(zones=(zone,)), zone="there"
    )
    # when it is run under three seeds
    outcomes = rollout([plan], [1, 2, 3])
    # then each says so
    assert [row.seed for row in outcomes] == [1, 2, 3]
    assert all(row.ok and row.in_zone and row.actions_done == 1 for row in outcomes)


def test_batched_and_looped_runs_are_the_same() -> None:
    pytest.importorskip("mujoco.batch")
    plans = [Plan("a", (Call("trot_forward", distance_m=0.4), Call("turn_left", rotation_rad=0.4)))]
    assert rollout(plans, [4, 5], batched=True) == rollout(plans, [4, 5], batched=False)


def test_falls_are_counted() -> None:
    plan = Plan("hard", (Call("walk_forward", distance_m=2.0),), variation=HARD)
    outcomes = rollout([plan], [1, 2])
    assert [row.falls for row in outcomes] == [1, 1]
    assert not any(row.ok for row in outcomes)


def test_the_trunk_on_the_ground_is_counted() -> None:
    (row,) = rollout([Plan("lie", (Call("lie_down", duration_s=1.0),))], [1])
    assert row.joint_saturation > 0


def test_workers_do_not_change_the_outcomes() -> None:
    plans = [Plan(name, (Call("walk_forward", distance_m=0.2),)) for name in ("a", "b")]
    assert rollout(plans, [1], workers=2) == rollout(plans, [1])


def test_unknown_actions_and_zones_are_named() -> None:
    with pytest.raises(InputError, match="moonwalk"):
        rollout([Plan("x", (Call("moonwalk"),))], [1])
    with pytest.raises(InputError, match="nowhere"):
        rollout([Plan("x", (), zone="nowhere")], [1])
