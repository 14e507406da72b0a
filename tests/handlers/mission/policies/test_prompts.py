"""Goals in words as action calls."""

from math import pi, radians

import pytest

from handlers.goals.reading import read_goal
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.prompts import calls_of


@pytest.mark.parametrize(
    ("goal", "calls"),
    [
        ("walk forward 1.5 meters", [Call("walk_forward", distance_m=1.5)]),
        ("turn left 30 degrees", [Call("turn_left", rotation_rad=round(radians(30), 6))]),
        (
            "turn left then walk forward 0.6 meters",
            [Call("turn_left"), Call("walk_forward", distance_m=0.6)],
        ),
        ("walk backward 0.5 meters", [Call("walk_backward", distance_m=0.5)]),
        ("trot forward 1 m, then sit", [Call("trot_forward", distance_m=1.0), Call("sit")]),
        ("crawl half a meter", [Call("crawl_forward", distance_m=0.5)]),
        ("turn around", [Call("turn_left", rotation_rad=round(pi, 6))]),
        ("side step right 30 cm", [Call("side_step_right", distance_m=0.3)]),
        ("wait 2 seconds", [Call("stand", duration_s=2.0)]),
        ("jump twice", [Call("jump", repeat=2)]),
        ("stand up", [Call("stand_up")]),
        (
            "back out of the debris and walk forward into the exit corridor without scraping",
            [Call("walk_backward"), Call("walk_forward")],
        ),
        ("look around for the survivor marker", []),
        ("radio the survivor position", []),
        ("", []),
    ],
)
def test_a_goal_becomes_calls(goal: str, calls: list[Call]) -> None:
    assert calls_of(read_goal(goal)) == calls
