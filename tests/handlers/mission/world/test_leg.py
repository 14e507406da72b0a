"""Leg kinematics: angles and places are two ways to say one thing."""

import random

import pytest

from handlers.mission.world.leg import Leg
from handlers.mission.world.loads import balanced

RANGES = ((-0.863, 0.863), (-0.686, 4.501), (-2.818, -0.888))
RIGHT = Leg((0.19, -0.05, 0.0), -0.08, 0.213, 0.213, 0.022, RANGES)
UNEVEN = Leg(
    (-0.2, 0.05, 0.03), 0.11, 0.3, 0.34, 0.03, ((-0.8, 0.8), (-2.0, 2.0), (0.2, 2.7)), knee=1.0,
    rise=0.02,
)  # fmt: skip


def test_solving_for_a_reachable_place_puts_the_foot_there() -> None:
    # given places all over the workspace
    generator = random.Random(3)
    for _ in range(500):
        leg = generator.choice((RIGHT, UNEVEN))
        place = (
            generator.uniform(-0.12, 0.12),
            leg.offset + generator.uniform(-0.08, 0.08),
            generator.uniform(-0.7, -0.35) * leg.length,
        )
        # when the angles are found, then they lead back to the place
        assert leg.foot(*leg.solve(*place)) == pytest.approx(place, abs=1e-9)


def test_a_place_out_of_reach_gives_angles_within_the_joints_ranges() -> None:
    # given a place far below the longest leg, when it is solved for
    hip, thigh, calf = RIGHT.solve(0.0, -0.08, -2.0)
    # then the knee is as straight as it goes, and no further
    assert calf == pytest.approx(-0.888, abs=1e-3)
    assert -0.863 <= hip <= 0.863
    assert -0.686 <= thigh <= 4.501


@pytest.mark.parametrize("leg", [RIGHT, UNEVEN])
@pytest.mark.parametrize("up", [(0.0, 0.0, 1.0), (-0.2, 0.1, 0.97)])
def test_the_load_torque_is_the_work_of_moving_the_foot(
    leg: Leg, up: tuple[float, float, float]
) -> None:
    # given a standing leg
    place = (0.03, leg.offset + 0.01, -0.6 * leg.length)
    angles = leg.solve(*place)
    torques = leg.torques(angles, place, 50.0, up)
    # when one joint moves a little, then its torque is minus the force times the foot's way
    for joint in range(3):
        moved = list(angles)
        moved[joint] += 1e-6
        ways = zip(leg.foot(*moved), leg.foot(*angles), up, strict=True)
        rise = sum((to - at) * part for to, at, part in ways) / 1e-6
        assert torques[joint] == pytest.approx(-50.0 * rise, abs=1e-3)


def test_balanced_forces_add_up_and_do_not_tip() -> None:
    # given three feet around a centre that is nearer to two of them
    spots = [(0.2, -0.13), (0.18, 0.12), (-0.19, -0.12)]
    # when a weight and a moment are spread over them
    forces = balanced(spots, 115.0, 2.0, -1.0)
    # then the forces give exactly that weight and those moments
    assert sum(forces) == pytest.approx(115.0, rel=1e-3)
    assert sum(f * y for f, (_, y) in zip(forces, spots, strict=True)) == pytest.approx(
        2.0, abs=0.05
    )
    assert -sum(f * x for f, (x, _) in zip(forces, spots, strict=True)) == pytest.approx(
        -1.0, abs=0.05
    )
