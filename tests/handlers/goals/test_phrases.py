"""What people say, and what it means: every line of the tables beside this file."""

from __future__ import annotations

from math import isclose, radians
from pathlib import Path

import pytest

from handlers.goals.reading import Reading, asks_to_report, read_goal

UNITS = {
    "m": ("distance_m", 1.0),
    "rad": ("rotation_rad", 1.0),
    "deg": ("rotation_rad", radians(1)),
    "s": ("duration_s", 1.0),
    "n": ("repeat", 1.0),
    "speed": ("speed", 1.0),
}
Steps = list[tuple[str, dict[str, float]]]


TABLES = (
    "phrases.txt",
    "heldout.txt",
    "second_reader.txt",
    "third_reader.txt",
    "fourth_reader.txt",
)


def lines(name: str) -> list[str]:
    """The lines of a table beside this file; `\\n` in one is a line end of the goal."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def expected(line: str) -> tuple[str, Steps | None, str]:
    """The goal of a line, its steps (None: whatever is chosen), and whether it is in doubt."""
    goal, steps, *doubt = f" {line} ".split(" | ")
    wanted = {"*": None, "-": []}.get(steps.strip(), ...)
    if wanted is ...:
        wanted = [step(part) for part in steps.split(";")]
    return goal.strip().replace("\\n", "\n"), wanted, "".join(doubt).strip()


def step(text: str) -> tuple[str, dict[str, float]]:
    action, *given = text.split()
    pairs = [word.split("=") for word in given]
    return action, {UNITS[unit][0]: float(value) * UNITS[unit][1] for unit, value in pairs}


def is_same(reading: Reading, steps: Steps) -> bool:
    return len(reading.steps) == len(steps) and all(
        made.action == action
        and made.parameters.keys() == given.keys()
        and all(isclose(made.parameters[name], given[name], rel_tol=1e-5) for name in given)
        for made, (action, given) in zip(reading.steps, steps, strict=True)
    )


@pytest.mark.parametrize("line", [line for name in TABLES for line in lines(name)])
def test_a_goal_is_read_as_it_is_meant_or_said_to_be_in_doubt(line: str) -> None:
    goal, steps, doubt = expected(line)
    reading = read_goal(goal)
    if doubt == "??" and reading.doubtful:
        return
    assert reading.doubtful == (doubt == "?"), [str(doubt) for doubt in reading.doubts]
    assert steps is None or is_same(reading, steps), reading.steps


def test_there_are_fifteen_hundred_of_them() -> None:
    assert len({line for name in TABLES for line in lines(name)}) >= 1500


def test_a_doubt_names_the_words_and_their_place() -> None:
    goal = "please wlak forward 2 m, and do not sit"
    unknown, negated = read_goal(goal).doubts
    assert (unknown.kind, unknown.words) == ("unknown", "wlak")
    assert goal[unknown.start : unknown.end] == "wlak"
    assert "did you mean 'walk'?" in str(unknown)
    assert (negated.kind, negated.words) == ("negated", "do not sit")


def test_a_step_knows_the_words_it_was_read_from() -> None:
    goal = "first walk 1,5 m, then turn left"
    assert [goal[step.start : step.end] for step in read_goal(goal).steps] == [
        "first walk 1,5 m",
        "turn left",
    ]


@pytest.mark.parametrize(
    ("goal", "actions"),
    [
        ("walk up to the edge of the rubble and stay on your feet", ["walk_forward"]),
        ("find the survivor", []),
        ("radio the survivor position", []),
        ("turn right until the ball is there", ["turn_right"]),
        ("over to the far corner", []),
    ],
)
def test_a_phase_tells_where_to_and_what_for(goal: str, actions: list[str]) -> None:
    reading = read_goal(goal, aimed=True)
    assert ([step.action for step in reading.steps], reading.doubts) == (actions, ())
    assert read_goal(goal).doubtful, "nobody tells it here"


@pytest.mark.parametrize(
    ("goal", "asked"),
    [
        ("walk up to the person and report them", True),
        ("go there, then radio the position", True),
        ("notify the base", True),
        ("walk up to the person, but do not report", False),
        ("walk on without reporting", False),
        ("report if you are hurt", False),
        ("walk up to the person", False),
    ],
)
def test_a_report_is_asked_for_where_it_is_to_be_done(goal: str, asked: bool) -> None:
    assert asks_to_report(goal) is asked


def test_an_action_that_the_robot_lacks_is_said() -> None:
    reading = read_goal("walk 1 m, then wave", actions=["walk_forward"])
    assert [step.action for step in reading.steps] == ["walk_forward"]
    assert [(doubt.kind, doubt.words) for doubt in reading.doubts] == [("action", "wave")]
