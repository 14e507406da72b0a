"""What pieces of goals mean: numbers copied, pieces deduced from longer goals, counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.lora.model.lexicon import Action, Entry, Lexicon, Slot, filled, learn, plan_of
from handlers.lora.model.text import read
from handlers.project.formats.examples import Step


def step(action: str, **parameters: float) -> Step:
    return Step(action, parameters)


def walk(distance: float = 1.0) -> Step:
    return step("walk_forward", distance_m=distance)


def meaning(lexicon: Lexicon, goal: str) -> list[dict[str, Any]] | None:
    text = read(goal)
    entry = lexicon.exact(text)
    return None if entry is None else filled(entry.plan, text)


# -- copying ---------------------------------------------------------------------------------------


def test_a_number_of_the_text_is_copied_and_another_kept() -> None:
    # given a distance that stands in the goal and a speed that does not
    plan = plan_of([step("walk_forward", distance_m=2.0, speed=1.5)], read("run 200 cm"))
    assert plan == (Action("walk_forward", (("distance_m", Slot(0)), ("speed", 1.5))),)
    # then another goal of these words brings its own distance
    assert filled(plan, read("run seven feet")) == [
        {"action": "walk_forward", "distance_m": pytest.approx(2.1336), "speed": 1.5}
    ]


def test_a_number_of_another_kind_or_size_is_not_copied() -> None:
    assert plan_of([walk(2.0)], read("wait 2 seconds"))[0].parameters == (("distance_m", 2.0),)
    assert plan_of([walk(2.0)], read("walk 3 m"))[0].parameters == (("distance_m", 2.0),)


def test_rounded_numbers_are_the_same_number() -> None:
    turn = [step("turn_left", rotation_rad=1.57)]
    assert plan_of(turn, read("turn 90 degrees"))[0].parameters == (("rotation_rad", Slot(0)),)


def test_each_number_is_copied_once_and_in_order() -> None:
    text = read("walk 2 m then walk 2 m then walk 3 m")
    plan = plan_of([walk(2.0), walk(2.0), walk(3.0)], text)
    assert [action.parameters[0][1] for action in plan] == [Slot(0), Slot(1), Slot(2)]
    again = filled(plan, read("walk 4 m then walk 5 m then walk 6 m"))
    assert [made["distance_m"] for made in again] == [4.0, 5.0, 6.0]


@settings(deadline=None)
@given(st.floats(0.01, 20), st.floats(0.01, 20))
def test_a_copied_number_is_the_number_that_is_said(taught: float, said: float) -> None:
    lexicon = learn([(f"walk {taught:f} meters", [walk(round(taught, 6))])])
    assert meaning(lexicon, f"walk {said:f} meters") == [
        {"action": "walk_forward", "distance_m": pytest.approx(said, abs=1e-6)}
    ]


# -- filled ----------------------------------------------------------------------------------------

SLOT = (Action("walk_forward", (("distance_m", Slot(0)),)),)


def test_a_slot_without_a_number_leaves_the_default() -> None:
    assert filled(SLOT, read("walk")) == [{"action": "walk_forward"}]


def test_a_number_that_was_a_habit_gives_way_to_one_that_is_said() -> None:
    habit = (Action("walk_forward", (("distance_m", 1.0),)), Action("sit"))
    assert filled(habit, read("walk and sit"))[0]["distance_m"] == 1.0
    assert filled(habit, read("walk 3 m and sit"))[0]["distance_m"] == 3.0
    assert filled(habit, read("walk and sit 3 s")) == filled(habit, read("walk and sit"))


def test_a_count_repeats_the_first_action() -> None:
    assert filled((Action("jump"), Action("sit")), read("jump 3 times and sit")) == [
        {"action": "jump", "repeat": 3.0},
        {"action": "sit"},
    ]


@pytest.mark.parametrize(
    "goal", ["pass between the two heaps", "pass three doors", "keep to the two"]
)
def test_a_count_of_things_repeats_none_of_several_actions(goal: str) -> None:
    plan = (Action("turn_left"), Action("walk_forward"))
    assert filled(plan, read(goal)) == [{"action": "turn_left"}, {"action": "walk_forward"}]


@pytest.mark.parametrize("number", ["11", "0", "2.5"])
def test_a_bare_number_that_is_no_count_repeats_nothing(number: str) -> None:
    turn = (Action("turn_left", (("rotation_rad", 1.5708),)),)
    assert filled(turn, read(f"turn left {number}")) == filled(turn, read("turn left"))


def test_the_plan_itself_is_left_as_it_is() -> None:
    filled(SLOT, read("walk 3 m"))[0]["distance_m"] = 99
    assert filled(SLOT, read("walk 3 m"))[0]["distance_m"] == 3.0
    assert filled((), read("walk 3 m")) == []


# -- deduced ---------------------------------------------------------------------------------------


def test_a_piece_is_deduced_where_the_rest_is_known() -> None:
    lexicon = learn([("walk 2 m", [walk(2.0)]), ("walk 1 m then curl up", [walk(), step("sit")])])
    assert meaning(lexicon, "curl up") == [{"action": "sit"}]
    entry = lexicon.exact(read("curl up"))
    assert entry is not None
    assert entry.deduced


def test_deducing_goes_on_from_what_was_deduced() -> None:
    lexicon = learn(
        [
            ("b and c", [step("jump"), step("stand")]),
            ("a and b", [step("sit"), step("jump")]),
            ("a", [step("sit")]),
        ]
    )
    assert meaning(lexicon, "c") == [{"action": "stand"}]


def test_the_order_of_after_is_found_by_what_fits() -> None:
    lexicon = learn([("sit", [step("sit")]), ("sit after hop 2 m", [walk(2.0), step("sit")])])
    assert meaning(lexicon, "hop 5 m") == [{"action": "walk_forward", "distance_m": 5.0}]


def test_nothing_is_deduced_where_the_known_part_does_not_fit() -> None:
    lexicon = learn([("sit", [step("sit")]), ("sit then frob", [step("jump"), step("stand")])])
    assert meaning(lexicon, "frob") is None
    # nor where nothing is left, nor from two that are unknown
    lexicon = learn([("sit", [step("sit")]), ("sit then frob", [step("sit")])])
    assert meaning(lexicon, "frob") is None
    lexicon = learn([("foo then bar", [step("sit")])])
    assert meaning(lexicon, "foo") is None


def test_pieces_are_aligned_with_steps_when_each_number_is_in_its_own() -> None:
    turn = step("turn_left", rotation_rad=1.5708)
    lexicon = learn([("hop 2 m and spin 90 degrees", [walk(2.0), turn])])
    assert meaning(lexicon, "hop 3 m") == [{"action": "walk_forward", "distance_m": 3.0}]
    assert meaning(lexicon, "spin 1 rad") == [{"action": "turn_left", "rotation_rad": 1.0}]


def test_pieces_are_not_aligned_when_a_number_stands_elsewhere() -> None:
    lexicon = learn([("hop 2 m and spin", [step("turn_left"), walk(2.0)])])
    assert meaning(lexicon, "hop 2 m") is None


# -- repeats ---------------------------------------------------------------------------------------


def test_a_count_in_the_examples_that_repeats_the_plan_is_learned() -> None:
    twice = [step("stand"), step("jump")] * 2
    lexicon = learn([("walk", [walk()]), ("walk then look twice", [walk(), *twice])])
    assert meaning(lexicon, "look") == [{"action": "stand"}, {"action": "jump"}]
    assert lexicon.repeats


def test_a_count_that_is_a_parameter_is_no_repetition() -> None:
    lexicon = learn([("jump", [step("jump")]), ("jump 3 times", [step("jump", repeat=3)])])
    assert not lexicon.repeats
    assert meaning(lexicon, "jump 5 times") == [{"action": "jump", "repeat": 5.0}]


def test_one_repetition_does_not_outvote_counts_that_are_parameters() -> None:
    counted = [(f"{word} 3 times", [step("jump", repeat=3)]) for word in ("jump", "hop", "leap")]
    twice = ("sit then look twice", [step("sit"), step("stand"), step("stand")])
    lexicon = learn([*counted, ("sit", [step("sit")]), twice])
    assert meaning(lexicon, "look") == [{"action": "stand"}]
    assert not lexicon.repeats


def test_a_repetition_that_differs_teaches_nothing() -> None:
    lexicon = learn([("frob twice", [step("sit"), step("jump")])])
    assert meaning(lexicon, "frob") is None
    assert not lexicon.repeats


def test_a_huge_count_is_no_reason_to_fail() -> None:
    lexicon = learn([(f"frob {'9' * 400} times", [step("sit")]), ("frob 1e12 times", [walk()])])
    assert lexicon.repeats is False


# -- entries ---------------------------------------------------------------------------------------


def test_what_is_taught_comes_before_what_is_deduced() -> None:
    # given a goal from which "rest" would be "jump", and "rest" itself taught as "sit"
    lexicon = learn(
        [
            ("walk", [walk()]),
            ("walk and rest", [walk(), step("jump")]),
            ("rest", [step("sit")]),
        ]
    )
    assert meaning(lexicon, "rest") == [{"action": "sit"}]


def test_conflicting_examples_are_both_kept_and_the_first_is_meant() -> None:
    lexicon = learn([("rest", [step("sit")]), ("rest", [step("stand")]), ("rest", [step("sit")])])
    assert [entry.plan[0].name for entry in lexicon.all()] == ["sit", "stand"]
    assert meaning(lexicon, "rest") == [{"action": "sit"}]


def test_a_count_that_is_a_word_of_the_goal_repeats_nothing() -> None:
    goal = "stop between the two heaps"
    entry = learn([(goal, [walk(1.0)])]).exact(read(goal))
    assert entry is not None
    assert filled(entry.plan, entry.text) == [{"action": "walk_forward", "distance_m": 1.0}]
    # one that is said of what is done does
    entry = learn([("jump 3 times", [step("jump", repeat=3)])]).exact(read("jump 5 times"))
    assert entry is not None
    assert filled(entry.plan, read("jump 5 times")) == [{"action": "jump", "repeat": 5.0}]


def test_an_entry_is_added_once() -> None:
    lexicon = Lexicon()
    entry = Entry(read("sit"), (Action("sit"),))
    assert lexicon.add(entry)
    assert not lexicon.add(entry)
    assert not lexicon.add(Entry(read("sit"), (Action("jump"),), deduced=True))
    assert lexicon.all() == [entry]


def test_no_examples_teach_nothing() -> None:
    assert learn([]).all() == []
    assert learn([]).exact(read("sit")) is None


WORDS = ["walk", "sit", "then", "after", "before", "2", "twice", "m", ","]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text() | st.lists(st.sampled_from(WORDS))
            .map(" ".join),
            st.lists(st.sampled_from([walk(2.0), step("sit"), step("jump", repeat=2)]), max_size=4),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_any_examples_can_be_learned_from(rows: list[tuple[str, list[Step]]]) -> None:
    lexicon = learn(rows)
    for goal, steps in rows:
        entry = lexicon.exact(read(goal))
        assert entry is not None
        assert not entry.deduced
        if not any(other != steps for words, other in rows if read(words).key == read(goal).key):
            assert [made["action"] for made in filled(entry.plan, entry.text)] == [
                s.action for s in steps
            ]
