"""Whatever is written: every spelling of a number is that number, and no text takes long."""

from __future__ import annotations

from math import isclose, pi

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.goals.normal import normal_form
from handlers.goals.reading import LONGEST, MOST_STEPS, read_goal
from handlers.goals.words.vocabulary import PHRASES

SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen""".split()  # noqa: SIM905
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
UNITS = {
    "m": 1.0, "meters": 1.0, "metres": 1.0, "cm": 0.01, "centimetres": 0.01, "mm": 0.001,
    "dm": 0.1, "km": 1000.0, "in": 0.0254, "inches": 0.0254, '"': 0.0254, "ft": 0.3048,
    "feet": 0.3048, "'": 0.3048, "yd": 0.9144, "yards": 0.9144,
}  # fmt: skip


def spelled(number: int) -> str:
    """A number below 1000 in words."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return TENS[number // 10] + (f" {SMALL[number % 10]}" if number % 10 else "")
    rest = f" and {spelled(number % 100)}" if number % 100 else ""
    return f"{SMALL[number // 100]} hundred{rest}"


def distance(goal: str) -> float:
    """The distance of a goal's only step; one in doubt is no answer."""
    reading = read_goal(goal)
    (step,) = reading.steps
    assert reading.doubts == ()
    return step.parameters["distance_m"]


@settings(deadline=None)
@given(st.integers(1, 999))
def test_every_spelling_of_a_whole_number_is_that_number(number: int) -> None:
    words = spelled(number)
    ways = [str(number), f"{number}.0", f"{number},0", words, words.replace(" ", "-"),
            words.upper(), f"{number}e0"]  # fmt: skip
    for way in ways:
        assert isclose(distance(f"walk forward {way} mm"), number / 1000), way


@settings(deadline=None)
@given(st.integers(0, 19), st.integers(1, 9))
def test_every_spelling_of_a_decimal_is_that_number(whole: int, tenths: int) -> None:
    value = whole + tenths / 10
    ways = [f"{whole}.{tenths}", f"{whole},{tenths}", f"{whole} point {tenths}",
            f"{SMALL[whole]} point {SMALL[tenths]}", f"{whole} {tenths}/10"]  # fmt: skip
    for way in [ways[0], ways[1], ways[3], *(ways[4:] if whole else [])]:
        assert isclose(distance(f"walk {way} m"), value), way


@settings(deadline=None)
@given(st.floats(0.01, 19.9).map(lambda value: round(value, 2)), st.sampled_from(sorted(UNITS)))
def test_units_go_there_and_back(meters: float, unit: str) -> None:
    amount = f"{meters / UNITS[unit]:.9f}"
    for space in ("", " ") if unit not in "'\"" else ("",):
        assert isclose(distance(f"walk {amount}{space}{unit}"), meters, rel_tol=1e-5, abs_tol=1e-6)


@settings(deadline=None)
@given(st.integers(1, 359), st.sampled_from(["left", "right"]))
def test_angles_go_there_and_back(degrees: int, side: str) -> None:
    for angle in (f"{degrees}°", f"{degrees} deg", f"{degrees / 180}pi", f"{degrees}/180 pi"):
        reading = read_goal(f"turn {side} {angle}")
        (step,) = reading.steps
        assert (step.action, reading.doubts) == (f"turn_{side}", ())
        assert isclose(step.parameters["rotation_rad"], degrees * pi / 180, rel_tol=1e-9)


MORE = "1 2.5 1,5 1/2 -3 0 m cm ° deg s % x 3. pi 5' 6in 1:30 half dozen blork ( ) [ & / ~"
WORDS = [*sorted({" ".join(w) for known in PHRASES.values() for w, _ in known}), *MORE.split()]
GOALS = st.text() | st.lists(st.sampled_from(WORDS), max_size=16).map(" ".join)


@settings(deadline=None, max_examples=300)
@given(GOALS, st.booleans())
def test_any_text_is_read_and_every_word_stands_somewhere(goal: str, aimed: bool) -> None:
    reading = read_goal(goal, aimed=aimed)
    assert len(reading.steps) <= MOST_STEPS
    for step in reading.steps:
        assert goal[step.start : step.end] == step.words
        assert 0.1 <= step.parameters.get("speed", 1) <= 2.5
        assert 0 < step.parameters.get("distance_m", 1) <= 20
        assert 1 <= step.parameters.get("repeat", 1) <= 10
    for doubt in reading.doubts:
        assert 0 <= doubt.start <= doubt.end <= len(goal)
    assert reading.steps or reading.doubts or aimed


@settings(deadline=None, max_examples=300)
@given(GOALS)
def test_what_is_forbidden_is_never_done(goal: str) -> None:
    """Whatever stands after it in one clause."""
    clause = goal.translate(str.maketrans(",;.:!?\n–-|/()[]&+", " " * 17))
    forbidden = "do not jump"
    steps = read_goal(f"{forbidden}, sit. {clause}").steps
    assert all(step.start >= len(forbidden) for step in steps)
    assert "jump" not in [step.action for step in read_goal("do not jump").steps]


@settings(deadline=None, max_examples=300)
@given(GOALS)
def test_a_normal_form_is_its_own(goal: str) -> None:
    once = normal_form(goal)
    assert normal_form(once) == once


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Please walk forward 2 metres!", "walk ahead two meters"),
        ("could you turn clockwise 90°, then sit?", "turn right pi/2 and sit"),
        ("walk 150 cm", "walk 1,5 m"),
    ],
)
def test_goals_that_say_the_same_have_one_normal_form(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other)
    assert normal_form(one) != normal_form(f"{other} and jump")


@pytest.mark.parametrize(
    "piece",
    ["9", " ", "9.", " -", "half ", "hundred ", "walk ", "not ", "(", "x3 ", "1:", "1,", "and ",
     "blork ", "9/", "'", "ﷺ", "repeat ", "after ", "é"],
)  # fmt: skip
def test_a_long_goal_is_refused_in_words_and_one_just_short_enough_is_read(piece: str) -> None:
    long = "walk 9" + piece * 100_000
    reading = read_goal(long)
    assert reading.steps == ()
    assert "characters" in str(reading.doubts[0])
    short = read_goal(long[:LONGEST])
    assert len(short.steps) <= MOST_STEPS
    assert short.steps or short.doubts
