"""The fast path makes the records a plain loop makes, and refuses what the exact one refuses."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.export.exact import COPIED
from handlers.export.records import Recipe, RecordMaker
from handlers.export.tally import Dropped, Tally, Why
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE

NUMBERS = {
    "body_height": 0,
    "roll_deg": 0,
    "pitch_deg": 0,
    "feet_grounded": 0,
    "nearest_m": -1,
    "pos_x": 0,
    "pos_y": 0,
}
TEMPLATES = (
    DEFAULT_PROMPT_TEMPLATE,
    "{goal_prompt}",
    "{pos_x} {pos_x:.3f} 100% {{}} {phase_name!r:>30} {mission_name}/{n_phases}",
    "{feet_grounded:d} {roll_deg:,.1f} {goal_prompt}",
    "{pos_x} {nearest_m!r:>8}",
)
FALLBACK = "[MISSION: {0}] [PHASE: {1}] [GOAL: {2}] [ACTION]"


def plain_record(tick: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """What one would write first: the definition the fast path is held against."""
    obs = tick.get("obs") or {}
    values = {
        key: default if obs.get(key) is None else obs[key] for key, default in NUMBERS.items()
    }
    index, phase, goal = (tick.get(key) for key in ("phase_idx", "phase", "goal_prompt"))
    scene = (recipe.mission, phase or "", goal or "")
    try:
        prompt = recipe.template.format(
            mission_name=recipe.mission,
            n_phases=recipe.n_phases,
            phase_idx=(index or 0) + 1,
            phase_name=scene[1],
            goal_prompt=scene[2],
            **values,
        )
    except (ValueError, TypeError, OverflowError):
        prompt = FALLBACK.format(*scene)
    record = {"prompt": prompt, **{key: tick.get(key) for key in COPIED}}
    return record if record["reward"] is None else {**record, "reward": float(record["reward"])}


def make(recipe: Recipe, data: bytes, *, exactly: bool = False) -> tuple[list[Any], Tally]:
    """The records of complete lines and what was counted; `exactly`: without the fast path."""
    maker = RecordMaker(recipe)
    if exactly:
        read = maker._reader.read

        def doubt_all(data: bytes) -> Any:
            block = read(data)
            block.doubts.update(range(len(block.lines)))
            return block

        maker._reader.read = doubt_all  # type: ignore[method-assign]
    return [json.loads(line) for line in maker.block(data).splitlines()], maker.tally


# -- any valid tick --------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
floats = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.one_of(floats, st.integers(-(2**70), 2**70), st.integers(10**300, 10**310))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
observations = st.fixed_dictionaries(
    {}, optional={**{key: st.one_of(numbers, st.none(), values) for key in NUMBERS}, "yaw": values}
)
regular = {
    "tick": st.integers(),
    "phase": texts,
    "phase_idx": st.integers(-3, 50),
    "goal_prompt": texts,
    "action": texts,
    "obs": observations,
}
others = {
    "action_params": st.one_of(st.none(), st.dictionaries(texts, values, max_size=3), values),
    "reward": st.one_of(numbers.filter(lambda x: abs(x) < 1e308), st.none()),
    "motion": values,
    "mission_success": st.one_of(st.booleans(), st.none()),
    "judgment": values,
    "prompt": values,
    "visible_tags": values,
    "goal": texts,
}
ragged = {key: st.one_of(value, st.none()) for key, value in regular.items() if key != "action"}
ticks = st.one_of(
    st.fixed_dictionaries(regular, optional=others),
    st.fixed_dictionaries(regular, optional=others),
    st.fixed_dictionaries({"action": texts}, optional={**ragged, **others}),
)


def spell(tick: dict[str, Any], rng: random.Random) -> bytes:
    """A tick as some logger might write it: any key order, spacing, escaping."""
    keys = list(tick)
    if rng.random() < 0.3:
        rng.shuffle(keys)
    spacing = rng.choice([(", ", ": "), (",", ":"), (" ,\t", " : ")])
    return json.dumps(
        {key: tick[key] for key in keys}, ensure_ascii=rng.random() < 0.5, separators=spacing
    ).encode()


@settings(deadline=None, max_examples=150)
@given(
    st.lists(ticks, min_size=1, max_size=4),
    st.randoms(use_true_random=False),
    st.sampled_from(TEMPLATES),
)
def test_any_valid_log_gives_what_a_plain_loop_gives(
    log: list[dict[str, Any]], rng: random.Random, template: str
) -> None:
    # given a log of valid ticks, spelt in any way
    recipe = Recipe(mission="m {x} % \u00b0", n_phases=3, template=template)
    ending = rng.choice([b"\n", b"\r\n", b" \n"])
    data = b"".join(spell(tick, rng) + ending for tick in log)
    # when it is exported
    records, tally = make(recipe, data)
    # then each record is the plain loop's, keys in the same order
    expected = [plain_record(json.loads(line), recipe) for line in data.split(b"\n") if line]
    assert records == expected
    assert [list(record) for record in records] == [list(record) for record in expected]
    assert tally.written == tally.read == len(log)


NASTY = [
    *(b"1e999", b"-1E+400", b"1e+16", b"1e0000000005", b"12345678901234567890e300", b"0e999"),
    *(
        b"9" * 400,
        b"9" * 400 + b".0",
        b"9" * 4300,
        b"9" * 4301,
        b"-" + b"9" * 5000,
        b"9" * 250 + b"e99",
    ),
    *(b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"[1]", b"{}", b'"text"', b"3", b"3.0"),
    *(
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\\ud83d\\ude00"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\x00"',
    ),
    *(b"01", b"1.", b"+1", b"tru", b'"\\q"', b"{", b"[1,]", b"", b'{"a":1e999}', b"[[[1e400]]]"),
    *(b'"1e999"', b'"a1e999"', b'"\t"', b"-0", b"-0.0", b"1e-999", b'{"a":1,"a":2}'),
]


@settings(deadline=None, max_examples=300)
@given(st.data(), st.sampled_from(TEMPLATES), st.booleans(), st.sampled_from([None, 0.0]))
def test_the_fast_and_the_exact_reading_agree_on_any_line(
    data: st.DataObject, template: str, failures: bool, minimum: float | None
) -> None:
    # given ticks in which any value may be replaced by something nasty, or any byte by another
    recipe = Recipe("m", 3, template, include_failures=failures, min_reward=minimum)
    lines = []
    for _ in range(data.draw(st.integers(1, 3))):
        tick = data.draw(ticks)
        tick |= data.draw(
            st.fixed_dictionaries(
                {}, optional={"phase_failed": values, "terminated": st.booleans()}
            )
        )
        key = data.draw(st.sampled_from([*tick, "obs", "judgment", "reward"]))
        inner = data.draw(st.booleans())
        tick[key] = {"pos_x": "\u2620"} if inner else "\u2620"
        line = json.dumps(tick).encode()
        line = line.replace(b'"\\u2620"', data.draw(st.sampled_from(NASTY)), 1)
        if data.draw(st.integers(0, 3)) == 0:
            at = data.draw(st.integers(0, len(line)))
            line = line[:at] + data.draw(st.binary(max_size=2)) + line[at + 1 :]
        lines.append(line.replace(b"\n", b" ") + b"\n")
    # when both readings are asked
    fast, exact = (make(recipe, b"".join(lines), exactly=exactly) for exactly in (False, True))
    # then they give the same records, counts and reasons
    assert fast == exact
    assert all(json.loads(json.dumps(r, allow_nan=False)) == r for r in fast[0])


# -- guards, one by one ----------------------------------------------------------------------------

HUGE = b"9" * 5000


@pytest.mark.parametrize(
    ("key", "value", "why", "reason"),
    [
        ("judgment", b'{"a":{"b":[1e999]}}', Why.NOT_FINITE, "judgment holds 1e999"),
        ("motion", b'{"a":1E+999}', Why.NOT_FINITE, "motion holds 1E+999"),
        ("obs", b'{"pos_x":-1e400}', Why.NOT_FINITE, "obs holds -1e400"),
        ("obs", b'{"other":1e400}', Why.NOT_FINITE, "obs holds 1e400"),
        (
            "action_params",
            b'{"a":' + b"9" * 309 + b".0}",
            Why.NOT_FINITE,
            "action_params holds 9999",
        ),
        ("motion", b'{"a":' + b"9" * 215 + b"e99}", Why.NOT_FINITE, "motion holds 9999"),
        ("reward", b"1e999", Why.NOT_FINITE, "reward holds 1e999"),
        ("reward", b"NaN", Why.NOT_FINITE, "NaN is not a JSON number"),
        ("judgment", b'{"a":Infinity}', Why.NOT_FINITE, "Infinity is not"),
        ("visible_tags", b'{"a":-Infinity}', Why.NOT_FINITE, "-Infinity is not"),
        (
            "judgment",
            b'{"a":' + HUGE + b"}",
            Why.LONG_NUMBER,
            "judgment holds an integer of 5,000 digits",
        ),
        ("tick", b"-" + HUGE, Why.LONG_NUMBER, "tick holds an integer of 5,000 digits"),
        ("judgment", b'{"a":"\\ud800"}', Why.SURROGATE, "lone surrogate"),
        ("judgment", b'{"\\udfff":1}', Why.SURROGATE, "lone surrogate"),
        ("goal_prompt", b'"\\ud83d"', Why.SURROGATE, "lone surrogate"),
        ("signal_phrase", b'"\\ud83d"', Why.SURROGATE, "lone surrogate"),
        ("judgment", b'{"a":"\xff"}', Why.NOT_UTF8, "not UTF-8 text at byte"),
        ("judgment", b'{"a":"\xed\xa0\x80"}', Why.NOT_UTF8, "not UTF-8 text at byte"),
        ("signal_phrase", b'"\xc0\xaf"', Why.NOT_UTF8, "not UTF-8 text at byte"),
        ("judgment", b"[" * 100_000 + b"]" * 100_000, Why.TOO_DEEP, "nested too deeply"),
        ("visible_tags", b"[" * 100_000 + b"]" * 100_000, Why.TOO_DEEP, "nested too deeply"),
        ("judgment", b'{"a":01}', Why.NOT_JSON, "not JSON at column"),
        ("judgment", b'{"a":"\x00"}', Why.NOT_JSON, "zero bytes"),
        ("reward", b'"0.5"', Why.WRONG_TYPE, "reward is a string, not a number"),
        ("reward", b"true", Why.WRONG_TYPE, "reward is a boolean, not a number"),
        ("obs", b"[1, 2]", Why.WRONG_TYPE, "obs is a list, not an object"),
        ("tick", b"3.0", Why.WRONG_TYPE, "tick is a number, not an integer"),
        ("phase", b"7", Why.WRONG_TYPE, "phase is an integer, not a string"),
        ("mission_success", b'"no"', Why.WRONG_TYPE, "mission_success is a string, not a boolean"),
        ("action", b"null", Why.NO_ACTION, "no action"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_its_neighbours_are_kept(
    make_tick: Callable[..., dict[str, Any]], key: str, value: bytes, why: Why, reason: str
) -> None:
    # given a log whose second line holds something no training record may hold
    good = json.dumps(make_tick()).encode()
    bad = json.dumps(make_tick(**{key: "\u2620"})).encode().replace(b'"\\u2620"', value)
    # when it is exported
    records, tally = make(
        Recipe("m", 2, DEFAULT_PROMPT_TEMPLATE), b"\n".join([good, bad, good, b""])
    )
    # then that line is counted, numbered and explained, and the others are records
    assert len(records) == tally.written == 2
    assert tally.rejected_by == {why: 1}
    assert tally.lines == {why: [2]}
    assert tally.samples[0].line == 2
    assert reason in tally.samples[0].reason


@pytest.mark.parametrize(
    ("line", "why", "reason"),
    [
        (b"[1]", Why.NOT_OBJECT, "the line is a list, not an object"),
        (b"null", Why.NOT_OBJECT, "the line is null, not an object"),
        (b"12", Why.NOT_OBJECT, "the line is an integer, not an object"),
        (b"1e999", Why.NOT_OBJECT, "the line is a number, not an object"),
        (b"{}", Why.NO_ACTION, "no action"),
        (b'{"tick": 4, "ph', Why.NOT_JSON, "not JSON at column"),
        (
            b'{"ts": 1.5, "event": "execute_start", "tick": 0, "action": "sit"}',
            Why.ORCHESTRATOR,
            "orch",
        ),
    ],
)
def test_a_line_that_is_no_tick_is_refused(line: bytes, why: Why, reason: str) -> None:
    records, tally = make(Recipe("m", 2, "{goal_prompt}"), line + b"\n")
    assert records == []
    assert tally.rejected_by == {why: 1}
    assert reason in tally.samples[0].reason


def test_keys_nobody_knows_are_left_out(make_tick: Callable[..., dict[str, Any]]) -> None:
    # given a tick of our own superset, and one that shares keys with other kinds of file
    ticks = [make_tick(seed=7, finite=True), make_tick(ts=1.5, event="tick", phase=None, prompt=1)]
    records, tally = make(
        Recipe("m", 2, "{mission_name}"), b"".join(json.dumps(t).encode() + b"\n" for t in ticks)
    )
    assert tally.written == 2
    assert [record["prompt"] for record in records] == ["m", "m"]
    assert [list(record) for record in records] == [["prompt", *COPIED]] * 2


@pytest.mark.parametrize("join", [b"", b" "])
def test_two_records_on_a_line_or_one_on_two_are_refused(
    make_tick: Callable[..., dict[str, Any]], join: bytes
) -> None:
    # given as many newlines as records, but not where they belong
    one = json.dumps(make_tick()).encode()
    split = one.replace(b'"obs":', b'"obs":\n')
    records, tally = make(Recipe("m", 2, "{goal_prompt}"), one + join + one + b"\n" + split + b"\n")
    # then no line is taken for something it is not
    assert records == []
    assert tally.rejected_by == {Why.NOT_JSON: 3}


def test_huge_but_holdable_numbers_are_kept_to_the_digit(
    make_tick: Callable[..., dict[str, Any]],
) -> None:
    # given integers and floats near what can be held
    tick = make_tick(
        tick=10**4299,
        reward=10**30,
        judgment={"a": 10**4299, "b": 1.7976931348623157e308, "c": 1e16},
    )
    # when they are exported
    records, _ = make(Recipe("m", 2, "{goal_prompt}"), json.dumps(tick).encode() + b"\n")
    # then nothing of them is lost but digits that no float has, of the reward
    assert records[0]["tick"] == 10**4299
    assert records[0]["reward"] == float(10**30)
    assert records[0]["judgment"] == tick["judgment"]


def test_copied_values_keep_their_bytes(make_tick: Callable[..., dict[str, Any]]) -> None:
    # given a value that no JSON writer would spell like that
    line = json.dumps(make_tick(motion="\u2620")).encode()
    odd = b'{ "a":1.50,\t"\\u0062" : 1E-2 }'
    data = RecordMaker(Recipe("m", 2, "")).block(line.replace(b'"\\u2620"', odd) + b"\n")
    # then it is copied, not rewritten
    assert odd in data


# -- tolerance, filters, prompts -------------------------------------------------------------------


def test_missing_keys_are_null_in_the_record_and_defaults_in_the_prompt() -> None:
    # given a tick that says next to nothing
    records, _ = make(Recipe("demo", 2, DEFAULT_PROMPT_TEMPLATE), b'{"action": "sit"}\n')
    # then what is unknown is null, and only the prompt has a number for it
    assert records == [
        {
            "prompt": "[MISSION: demo] [PHASE 1/2: ]\n[GOAL: ]\n[OBS] body_height=0.00m "
            "roll=+0\u00b0 pitch=+0\u00b0 feet_grounded=0 nearest_obstacle=-1.00m "
            "pos=(+0.00,+0.00)\n[ACTION]",
            "action": "sit",
            "action_params": None,
            "reward": None,
            "phase": None,
            "phase_idx": None,
            "tick": None,
            "obs": None,
            "motion": None,
            "mission_success": None,
            "judgment": None,
        }
    ]


def test_bom_crlf_and_blank_lines_are_no_obstacle(make_tick: Callable[..., dict[str, Any]]) -> None:
    line = json.dumps(make_tick(), ensure_ascii=False).encode()
    data = b"\xef\xbb\xbf" + line + b"\r\n\r\n \t\n\n" + line + b"\r\n\xef\xbb\xbf\n"
    records, tally = make(Recipe("m", 2, "{goal_prompt}"), data)
    assert records == [plain_record(make_tick(), Recipe("m", 2, "{goal_prompt}"))] * 2
    assert (tally.read, tally.written, tally.blank, tally.rejected) == (6, 2, 4, 0)


def test_a_reset_observation_is_skipped(make_tick: Callable[..., dict[str, Any]]) -> None:
    # given tick 0 without an action, with a null one, and with one
    lines = [make_tick(tick=0, action=...), make_tick(tick=0, action=None), make_tick(tick=0)]
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    records, tally = make(Recipe("m", 2, "{goal_prompt}"), data)
    # then only the last one is a record, and nothing counts as rejected
    assert [record["tick"] for record in records] == [0]
    assert (tally.skipped, tally.rejected) == (2, 0)


def test_what_closes_a_run_that_was_cut_off_is_no_record(
    make_tick: Callable[..., dict[str, Any]],
) -> None:
    # given runs that were stopped in an action, and one that ran out of time
    ends = ["interrupted", "error: decide raised KeyError", "timeout in phase 'go'", None]
    ticks = [make_tick(tick=n, end_reason=end) for n, end in enumerate(ends, 1)]
    for separators in ((",", ":"), (", ", " :\t")):
        lines = [json.dumps(tick, separators=separators).encode() + b"\n" for tick in ticks]
        for exactly in (False, True):
            records, tally = make(Recipe("m", 2, "{goal_prompt}"), b"".join(lines), exactly=exactly)
            # then the record that names an action which was not carried out is left out
            assert [record["tick"] for record in records] == [3, 4]
            assert (tally.skipped, tally.rejected) == (2, 0)


FILTERED = [
    ({"phase_failed": True}, Dropped.PHASE_FAILED),
    ({"terminated": True}, Dropped.TERMINATED),
    ({"terminated": True, "mission_success": None}, Dropped.TERMINATED),
    ({"terminated": True, "mission_success": True}, None),
    ({"truncated": True}, None),
    ({"phase_failed": ..., "terminated": ...}, None),
    ({"phase_failed": None}, None),
    ({"reward": -0.2}, Dropped.LOW_REWARD),
    ({"reward": -0.1}, None),
    ({"reward": -1}, Dropped.LOW_REWARD),
    ({"reward": None}, Dropped.NO_REWARD),
    ({"reward": ...}, Dropped.NO_REWARD),
]


@pytest.mark.parametrize(("changes", "dropped"), FILTERED)
@pytest.mark.parametrize("exactly", [False, True])
def test_filters_drop_failures_and_low_rewards(
    make_tick: Callable[..., dict[str, Any]],
    changes: dict[str, Any],
    dropped: Dropped | None,
    exactly: bool,
) -> None:
    # given a tick, when failures are unwanted and a reward of -0.1 is the least
    line = json.dumps(make_tick(**changes)).encode() + b"\n"
    recipe = Recipe("m", 2, "{goal_prompt}", include_failures=False, min_reward=-0.1)
    records, tally = make(recipe, line, exactly=exactly)
    # then it is dropped for its reason, or kept with just the keys of a record
    assert tally.filtered_by == ({dropped: 1} if dropped else {})
    assert [list(record) for record in records] == ([] if dropped else [["prompt", *COPIED]])
    # and without filters it is always kept
    assert len(make(Recipe("m", 2, ""), line, exactly=exactly)[0]) == 1


@pytest.mark.parametrize("template", ["{body_height:.2f} {pos_x}", "{body_height:.2f} {pos_x:,}"])
def test_a_record_that_does_not_suit_the_template_falls_back_alone(
    make_tick: Callable[..., dict[str, Any]], template: str
) -> None:
    # given a sound template, and a tick whose value is of a type it cannot take
    ticks = [make_tick(), make_tick(obs={"body_height": "low", "pos_x": 1}), make_tick()]
    data = b"".join(json.dumps(tick).encode() + b"\n" for tick in ticks)
    records, tally = make(Recipe("demo", 2, template), data)
    # then that record alone has the plain prompt, and it is counted
    assert [record["prompt"] for record in records] == [
        "0.28 -0.9516",
        "[MISSION: demo] [PHASE: approach] [GOAL: walk to the edge] [ACTION]",
        "0.28 -0.9516",
    ]
    assert tally.plain_prompts == 1


def test_a_goal_that_always_changes_does_not_fill_the_memory(
    make_tick: Callable[..., dict[str, Any]],
) -> None:
    # given goals of 64 KiB, each of them new
    maker = RecordMaker(Recipe("m", 2, DEFAULT_PROMPT_TEMPLATE))
    for number in range(200):
        goal = f"{number}" * 20_000
        record = json.loads(maker.block(json.dumps(make_tick(goal_prompt=goal)).encode() + b"\n"))
        assert f"[GOAL: {goal}]" in record["prompt"]
    # then what is remembered of them stays small
    assert sum(map(len, maker._prompts._bound.values())) <= 4 * 1024 * 1024


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_carriage_return_between_tokens_does_not_split_a_record(end) -> None:
    maker = RecordMaker(Recipe("m", 1, DEFAULT_PROMPT_TEMPLATE))
    tick = (
        b'{"tick": 1, "phase": "p", "phase_idx": 0, "goal_prompt": "g", "action": "sit",'
        b' "obs": {"pos_x":\r 1}, "motion": {\r}}'
    )
    made = maker.block(tick + b"\n") if end else maker.last_line(tick)
    (line,) = made.splitlines()
    assert json.loads(line)["obs"] == {"pos_x": 1}
