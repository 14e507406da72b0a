"""Goals as words, quantities and pieces: every way people write a number, and every order."""

from __future__ import annotations

from math import isfinite, pi
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.lora.model.pieces import joined, orders
from handlers.lora.model.text import Text, read


def amounts(goal: str) -> list[tuple[str, Any]]:
    return [(quantity.kind, pytest.approx(quantity.value)) for quantity in read(goal).quantities]


def ways(goal: str) -> list[list[str]]:
    return [[piece.key for piece in way] for way in orders(read(goal))]


# -- quantities ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "kind", "value"),
    [
        # digits
        ("walk 2 meters", "m", 2.0),
        ("walk .5 m", "m", 0.5),
        ("walk 0.75metres", "m", 0.75),
        ("walk 1,5 m", "m", 1.5),
        ("walk 1,000 cm", "m", 10.0),
        ("walk 1e1 meters", "m", 10.0),
        ("walk １ m", "m", 1.0),
        ("walk ٣ meters", "m", 3.0),
        # words
        ("walk a meter", "m", 1.0),
        ("walk one meter", "m", 1.0),
        ("walk nineteen cm", "m", 0.19),
        ("walk twenty-five centimeters", "m", 0.25),
        ("walk one hundred twenty cm", "m", 1.2),
        ("walk two hundred and fifty cm", "m", 2.5),
        ("walk a hundred cm", "m", 1.0),
        ("walk one thousand five hundred cm", "m", 15.0),
        ("walk one point five m", "m", 1.5),
        ("walk one point two five m", "m", 1.25),
        ("walk one point zero five m", "m", 1.05),
        ("walk one point twenty five m", "m", 1.25),
        ("walk point five m", "m", 0.5),
        ("a couple of meters ahead", "m", 2.0),
        ("walk 2 more meters", "m", 2.0),
        # fractions
        ("walk half a meter", "m", 0.5),
        ("walk half of a meter", "m", 0.5),
        ("walk a half meter", "m", 0.5),
        ("walk a quarter of a meter", "m", 0.25),
        ("walk three-quarters of a meter", "m", 0.75),
        ("walk two thirds of a meter", "m", 2 / 3),
        ("walk two and a half meters", "m", 2.5),
        ("walk three and a quarter meters", "m", 3.25),
        ("walk 1 and a half meters", "m", 1.5),
        ("walk 1/2 meter", "m", 0.5),
        ("walk 1 1/2 meters", "m", 1.5),
        ("walk ½ meter", "m", 0.5),
        ("walk 3½ meters", "m", 3.5),
        # units
        ("walk 30 cm", "m", 0.3),
        ("walk 500 mm", "m", 0.5),
        ("walk 0.01 km", "m", 10.0),
        ("walk 3ft", "m", 0.9144),
        ("walk one foot", "m", 0.3048),
        ("walk 10 inches", "m", 0.254),
        ("walk 2 yards", "m", 1.8288),
        ("turn 90 degrees", "rad", pi / 2),
        ("turn 90°", "rad", pi / 2),
        ("turn ninety deg", "rad", pi / 2),
        ("turn 1.57 rad", "rad", 1.57),
        ("turn a radian", "rad", 1.0),
        ("wait 3s", "s", 3.0),
        ("wait half a second", "s", 0.5),
        ("wait a minute", "s", 60.0),
        ("wait 2 mins", "s", 120.0),
        ("wait 500 ms", "s", 0.5),
        # counts and speeds
        ("sit three times", "n", 3.0),
        ("sit one more time", "n", 1.0),
        ("sit twice", "n", 2.0),
        ("sit 3x", "n", 3.0),
        ("go to 5", "n", 5.0),
        ("go at half speed", "speed", 0.5),
        ("go at 1.5 times speed", "speed", 1.5),
        ("go at 1.5x speed", "speed", 1.5),
        ("go at 50% speed", "speed", 0.5),
        ("go at 50 percent", "speed", 0.5),
    ],
)
def test_a_quantity_is_read_in_si_units(goal: str, kind: str, value: float) -> None:
    text = read(goal)
    assert amounts(goal) == [(kind, value)]
    assert [word for word in text.words if word.startswith("#")] == [f"#{kind}"]


def test_a_number_that_names_something_counts_nothing() -> None:
    named = read("pass heap two, then gate number 3")
    assert named.quantities == ()
    assert named.words == ("pass", "heap", "2", ",", "then", "gate", "number", "3")
    assert read("pass heap 2, then gate number three") == named
    # and after a verb or a way it does, and so it does with its own word
    assert amounts("jump 3") == amounts("pass heap two three times") == [("n", 3.0)]


@pytest.mark.parametrize(
    "goal",
    ["", "  ", "...", "?!", "\0", "one", "a", "half", "half of the way", "a quarter", "point",
     "one by one", "\u202e", "-"],
)  # fmt: skip
def test_no_quantity_is_read_out_of_mere_words(goal: str) -> None:
    assert read(goal).quantities == ()


def test_numbers_beside_each_other_stay_apart() -> None:
    assert amounts("two three") == [("n", 2.0), ("n", 3.0)]
    assert amounts("10, 20") == [("n", 10.0), ("n", 20.0)]
    assert amounts("1,2,3") == [("n", 1.0), ("n", 2.0), ("n", 3.0)]
    assert amounts("two and three meters") == [("m", 2.0), ("m", 3.0)]  # a list


@pytest.mark.parametrize(
    "goal",
    ["walk 1e9999 meters", f"walk {'9' * 999} meters", f"walk {'hundred ' * 500} meters",
     f"walk {'9' * 999}/{'9' * 999} meters", f"walk 1/{'0' * 99}1 meters"],
)  # fmt: skip
def test_an_absurd_number_is_still_a_finite_one(goal: str) -> None:
    (quantity,) = read(goal).quantities
    assert quantity.kind == "m"
    assert isfinite(quantity.value)


def test_letters_of_any_language_are_words() -> None:
    assert read("Geh VORWÄRTS").words == ("geh", "vorwärts")
    assert read("иди вперёд").words == ("иди", "вперёд")
    assert read("don’t sit").words == ("don't", "sit")


def test_what_is_said_does_not_tell_one_number_from_another() -> None:
    assert read("walk 2 meters").spoken == read("walk seven feet").spoken == "walk some meters"
    assert read("sit twice").spoken == "sit several"


def test_a_piece_without_its_count_keeps_the_other_numbers() -> None:
    plain = read("walk 2 meters at half speed 3 times").without("n")
    assert plain.key == "walk #m at #speed"
    assert [quantity.kind for quantity in plain.quantities] == ["m", "speed"]
    assert read("sit").without("n") == read("sit")


# -- pieces ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "goal",
    [
        "walk 2 m and sit",
        "walk 2 m then sit",
        "walk 2 m, sit",
        "walk 2 m; and then sit",
        "walk 2 m. Sit!",
        "first walk 2 m, and finally sit.",
        "please walk 2 m, followed by sit",
        "walk 2 m, next you also sit",
    ],
)
def test_connectives_cut_and_fillers_go(goal: str) -> None:
    assert ways(goal) == [["walk #m", "sit"]]


def test_a_decimal_point_does_not_cut() -> None:
    assert ways("walk 1.5 m.") == [["walk #m"]]


@pytest.mark.parametrize(
    "goal",
    [
        "sit after you walk 2 m",
        "sit after you've walk 2 m",
        "after walk 2 m, sit",
        "after you walk 2 m, sit",
        "walk 2 m before you sit",
        "before you sit, walk 2 m",
        "before sit, walk 2 m",
    ],
)
def test_what_is_to_be_done_first_comes_first(goal: str) -> None:
    assert ["walk #m", "sit"] in ways(goal)
    assert ["sit", "walk #m"] not in ways(goal)


def test_after_turns_round_more_than_two_pieces() -> None:
    assert ["walk #m", "turn left", "sit"] in ways("sit after you walk 2 m and turn left")


@pytest.mark.parametrize(
    ("goal", "pieces"),
    [
        ("go and sit", ["sit"]),
        ("walk 2 m, then go and sit", ["walk #m", "sit"]),
        ("walk next to me", ["walk next to me"]),
        ("take the next turn", ["take the next turn"]),
        ("walk 2 m, speed 0.5, then sit", ["walk #m #speed", "sit"]),
        ("pass the gap, carefully, then sit", ["pass the gap carefully", "sit"]),
        ("walk 2 m next sit", ["walk #m", "sit"]),
        ("sit, and once you are done with it, turn left", ["sit", "turn left"]),
    ],
)
def test_what_only_leads_over_or_names_a_thing_is_no_piece(goal: str, pieces: list[str]) -> None:
    assert ways(goal)[0] == pieces


@pytest.mark.parametrize("goal", ["once you are through the door, sit", "once you've sat, walk"])
def test_once_says_what_comes_first(goal: str) -> None:
    first, second = goal.removeprefix("once you are ").removeprefix("once you've ").split(", ")
    assert [first, second] in ways(goal)


def test_a_goal_of_many_turns_is_not_tried_in_every_order() -> None:
    assert len(orders(read("sit after walk before " * 100))) < 20


def test_numbers_go_with_their_pieces_when_they_are_turned_round() -> None:
    way = orders(read("wait 3 s after you walk 2 m"))[-1]
    assert [[q.value for q in piece.quantities] for piece in way] == [[2.0], [3.0]]


@pytest.mark.parametrize("goal", ["after", "before", "after,", "before, ", "and then", ", ,", ""])
def test_nothing_but_connectives_gives_no_piece_that_is_empty(goal: str) -> None:
    assert all(piece.words for way in orders(read(goal)) for piece in way)


def test_joined_pieces_read_as_one() -> None:
    assert joined(orders(read("walk 2 m then sit"))[0]).key == "walk #m and sit"
    assert joined([]) == Text((), ())


# -- properties ------------------------------------------------------------------------------------

WORDS = (
    "a an and after before half quarter quarters thirds point hundred thousand one five twenty zero"
    " 2 2.5 .5 1/2 0 , . ; meters cm ° % x speed times twice couple of more walk sit you then éé"
)
GOALS = st.text() | st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join)


@settings(deadline=None)
@given(GOALS)
def test_any_text_is_read_and_keeps_its_books(goal: str) -> None:
    text = read(goal)
    kinds = [word[1:] for word in text.words if word.startswith("#")]
    assert kinds == [quantity.kind for quantity in text.quantities]
    assert all(isfinite(quantity.value) and quantity.value >= 0 for quantity in text.quantities)


@settings(deadline=None)
@given(GOALS)
def test_pieces_keep_every_quantity(goal: str) -> None:
    text = read(goal)
    for way in orders(text):
        assert sorted(joined(way).quantities) == sorted(text.quantities)
        for piece in way:
            marks = sum(word.startswith("#") for word in piece.words)
            assert marks == len(piece.quantities)


@settings(deadline=None)
@given(GOALS)
def test_reading_does_not_depend_on_case_or_space(goal: str) -> None:
    plain = goal.encode("ascii", "ignore").decode()
    assert read(f"  {plain.upper()}\n") == read(plain.lower())


@settings(deadline=None)
@given(st.integers(0, 999_999))
def test_a_whole_number_in_digits_is_that_number(number: int) -> None:
    assert amounts(f"walk {number} meters") == [("m", number)]
    assert amounts(f"walk {number:,} meters") == [("m", number)]
