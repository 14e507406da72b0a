"""The whole failure table, with the real SDK against a scripted server on loopback."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from types import ModuleType

import pytest
from asking import KEY, SCHEMA, YES, Time

from handlers.judge.groq.client import ask, usable_key
from handlers.judge.groq.errors import JudgeFailure
from handlers.judge.groq.question import Ask
from handlers.judge.groq.wire import base_url

pytest.importorskip("groq")
QUESTION = Ask(
    system="Be brief.",
    user='{"data": 1}',
    schema=SCHEMA,
    model="openai/gpt-oss-120b",
    max_completion_tokens=200,
    deadline_s=20.0,
    tokens_left=100_000,
    idempotency_key="k1",
    smaller=lambda: '{"data": 0}',
)


@pytest.fixture
def time() -> Time:
    return Time()


def put(stub, time: Time, monkeypatch, **changes):
    monkeypatch.setenv("GROQ_BASE_URL", stub.url)
    return ask(replace(QUESTION, **changes), KEY, time.clock)


def test_a_good_answer_and_what_was_sent(groq_stub: ModuleType, time, monkeypatch) -> None:
    with groq_stub.GroqStub([groq_stub.completion(YES)]) as stub:
        # when
        answer = put(stub, time, monkeypatch)
        # then
        assert answer.reply == YES
        assert (answer.total_tokens, answer.calls) == (1000, 1)
        (request,) = stub.requests
        assert request["path"] == "/openai/v1/chat/completions"
        assert request["headers"]["Idempotency-Key"] == "k1"
        assert request["headers"]["Authorization"] == f"Bearer {KEY}"
        form = request["body"]["response_format"]["json_schema"]
        assert form["strict"] is True
        assert form["schema"] == SCHEMA
        assert KEY not in json.dumps(request["body"])


@pytest.mark.parametrize(
    ("step", "code", "comes_back", "calls"),
    [
        (("error", 401), "unauthorized", None, 1),
        (("error", 402), "payment_required", None, 1),
        (("error", 403), "forbidden", None, 1),
        (("error", 404), "no_such_model", None, 1),
        (("error", 408), "unavailable", 300.0, 3),
        (("error", 413), "too_long", None, 2),
        (("error", 422), "bad_request", None, 1),
        (("error", 498), "unavailable", 300.0, 3),
        (("error", 500), "unavailable", 300.0, 3),
        (("error", 503), "unavailable", 300.0, 3),
        (("completion", "not json"), "not_json", None, 1),
        (("completion", ""), "empty", None, 1),
        (("completion", {"word": "maybe"}), "shape", None, 1),
        (("completion", {"word": "yes", "more": 1}), "shape", None, 1),
        (("completion", {}), "shape", None, 1),
        (("completion", [1]), "shape", None, 1),
    ],
)
def test_a_failure_is_typed_and_says_when_to_come_back(
    step, code, comes_back, calls, groq_stub: ModuleType, time, monkeypatch
) -> None:
    make, argument = step
    with groq_stub.GroqStub([getattr(groq_stub, make)(argument)]) as stub:
        with pytest.raises(JudgeFailure) as caught:
            put(stub, time, monkeypatch)
        assert (caught.value.code, caught.value.after_s) == (code, comes_back)
        assert len(stub.requests) == calls
        assert KEY not in f"{caught.value.message}{caught.value.hint}{caught.value!r}"
        assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"status": 200, "body": "<html>busy</html>", "type": "text/html"}, "not_json"),
        ({"status": 200, "body": "{"}, "not_json"),
        ({"status": 200, "body": "{}"}, "no_choice"),
        ({"status": 200, "body": {"choices": None}}, "no_choice"),
        ({"status": 200, "body": {"choices": []}}, "no_choice"),
        ({"status": 200, "body": {"choices": [{"message": None}]}}, "empty"),
        (
            {"status": 307, "body": "", "headers": {"location": "http://127.0.0.1:9/x"}},
            "redirected",
        ),
        ({"close": True}, "unreachable"),
    ],
)
def test_what_is_no_answer_at_all(step, code, groq_stub: ModuleType, time, monkeypatch) -> None:
    with groq_stub.GroqStub([step]) as stub, pytest.raises(JudgeFailure) as caught:
        put(stub, time, monkeypatch)
    assert caught.value.code == code


def test_an_answer_cut_off_or_without_usage_is_not_used(
    groq_stub: ModuleType, time, monkeypatch
) -> None:
    for step, code, cost in (
        (groq_stub.completion(YES, finish="length"), "truncated", 1000),
        (groq_stub.completion(YES, usage=None), "no_usage", QUESTION.reserve()),
    ):
        with groq_stub.GroqStub([step]) as stub, pytest.raises(JudgeFailure) as caught:
            put(stub, time, monkeypatch)
        assert (caught.value.code, caught.value.tokens) == (code, cost)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 2**70},
        {"prompt_tokens": 2**70, "completion_tokens": 100, "total_tokens": 1000},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 900, "completion_tokens": 101, "total_tokens": 1000},
        {"prompt_tokens": -1, "completion_tokens": 101, "total_tokens": 1000},
        {"prompt_tokens": 900.0, "completion_tokens": 100, "total_tokens": 1000},
        {"prompt_tokens": True, "completion_tokens": 100, "total_tokens": 1000},
        {"total_tokens": 1000},
        [],
    ],
)
def test_usage_that_no_call_can_have_is_none(
    usage, groq_stub: ModuleType, time, monkeypatch
) -> None:
    step = groq_stub.completion(YES, usage=usage)
    with groq_stub.GroqStub([step]) as stub, pytest.raises(JudgeFailure) as caught:
        put(stub, time, monkeypatch)
    assert (caught.value.code, caught.value.tokens) == ("no_usage", QUESTION.reserve())


DEEP = "[" * 200_000


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"status": 200, "body": DEEP}, "not_json"),
        ("content", "not_json"),
        ({"status": 400, "body": DEEP}, "bad_request"),
        ("generation", "shape"),
        ({"status": 200, "body": {"model": ["x"]}}, "no_choice"),
    ],
)
def test_brackets_without_end_are_one_line(
    step, code, groq_stub: ModuleType, time, monkeypatch
) -> None:
    if step == "content":
        step = groq_stub.completion(DEEP)
    elif step == "generation":
        step = groq_stub.error(400, code="json_validate_failed", failed_generation=DEEP)
    with groq_stub.GroqStub([step]) as stub, pytest.raises(JudgeFailure) as caught:
        put(stub, time, monkeypatch)
    assert caught.value.code == code
    assert len(caught.value.message) < 300


def test_a_failure_knows_what_was_sent_and_what_to_do(
    groq_stub: ModuleType, time, monkeypatch
) -> None:
    # given a request that is refused, one that is tried three times, one that is cut off
    cases = [
        (groq_stub.error(400), 1, "openai/gpt-oss-120b"),
        (groq_stub.error(503), 3, ""),
        (groq_stub.completion(YES, finish="length"), 1, "ask for more"),
    ]
    for step, calls, hint in cases:
        with groq_stub.GroqStub([step]) as stub, pytest.raises(JudgeFailure) as caught:
            put(stub, time, monkeypatch, longer="ask for more")
        assert caught.value.calls == calls
        assert hint in caught.value.hint


def test_a_models_name_is_one_line(groq_stub: ModuleType, time, monkeypatch) -> None:
    odd = groq_stub.completion(YES, model="a\nb\ud800" + "x" * 500)
    with groq_stub.GroqStub([odd]) as stub:
        answer = put(stub, time, monkeypatch)
    assert answer.model.startswith("a\\nb\\ud800x")
    assert len(answer.model) == 100


def test_a_server_that_is_down_for_a_moment(groq_stub: ModuleType, time, monkeypatch) -> None:
    steps = [groq_stub.error(503), groq_stub.error(500), groq_stub.completion(YES)]
    with groq_stub.GroqStub(steps) as stub:
        answer = put(stub, time, monkeypatch)
    assert (answer.reply, answer.calls, time.slept) == (YES, 3, [1.0, 2.0])


def test_a_short_retry_after_is_waited_for(groq_stub: ModuleType, time, monkeypatch) -> None:
    limited = groq_stub.error(429) | {"headers": {"retry-after": "7"}}
    with groq_stub.GroqStub([limited, groq_stub.completion(YES)]) as stub:
        assert put(stub, time, monkeypatch).reply == YES
    assert time.slept == [7.0]


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("3600", 3600.0),
        ("Tue, 14 Nov 2023 12:10:00 GMT", 600.0),
        ("soon", 60.0),
        ("nan", 60.0),
        ("inf", 60.0),
        ("1e308", 86400.0),
        ("-1", None),
        ("7m12s", 432.0),
        ("1h2m3.5s", 3723.5),
    ],
)
def test_a_long_retry_after_is_for_later(
    header, after, groq_stub: ModuleType, time, monkeypatch
) -> None:
    limited = groq_stub.error(429) | {"headers": {"retry-after": header}}
    with groq_stub.GroqStub([limited]) as stub, pytest.raises(JudgeFailure) as caught:
        put(stub, time, monkeypatch)
    assert caught.value.code == "rate_limited"
    assert caught.value.after_s == (0.0 if after is None else after)
    assert time.slept == ([] if after else [0.0, 0.0])


@pytest.mark.parametrize(
    ("message", "after"),
    [
        ("Rate limit reached. Please try again in 7m12s. Need more?", 432.0),
        ("Please try again in 61.5s.", 61.5),
        ("Please try again in 1h0m0.5s.", 3600.5),
        ("Please try again in a while.", 60.0),
    ],
)
def test_without_a_header_the_message_says_when(
    message, after, groq_stub: ModuleType, time, monkeypatch
) -> None:
    limited = groq_stub.error(429, message, "rate_limit_exceeded")
    with groq_stub.GroqStub([limited]) as stub, pytest.raises(JudgeFailure) as caught:
        put(stub, time, monkeypatch)
    assert (caught.value.code, caught.value.after_s) == ("rate_limited", after)


def test_a_model_that_was_shut_off_says_which_to_take(
    groq_stub: ModuleType, time, monkeypatch
) -> None:
    gone = groq_stub.error(400, "The model has been decommissioned", "model_decommissioned")
    with groq_stub.GroqStub([gone]) as stub, pytest.raises(JudgeFailure) as caught:
        put(stub, time, monkeypatch, model="llama-3.3-70b-versatile")
    assert caught.value.code == "model_decommissioned"
    assert "openai/gpt-oss-120b (judge.model is llama-3.3-70b-versatile)" in caught.value.hint
    assert len(stub.requests) == 1


def test_an_answer_that_is_cut_off_is_asked_for_once_more_and_smaller(
    groq_stub: ModuleType, time, monkeypatch
) -> None:
    # given a server that first cuts the answer off
    brief = replace(QUESTION, system="Be briefer.", max_completion_tokens=400)
    steps = [groq_stub.completion(YES, finish="length"), groq_stub.completion(YES)]
    with groq_stub.GroqStub(steps) as stub:
        answer = put(stub, time, monkeypatch, briefer=lambda: brief)

    # then less was asked for, with more room, and both calls are paid for
    first, second = (request["body"] for request in stub.requests)
    assert (answer.reply, answer.calls, answer.total_tokens) == (YES, 2, 2000)
    assert first["messages"][0]["content"] == "Be brief."
    assert second["messages"][0]["content"] == "Be briefer."
    assert second["max_completion_tokens"] == 400
    assert first["reasoning_effort"] == "low"

    # and what is cut off again is not asked for a third time
    with (
        groq_stub.GroqStub(steps[:1]) as stub,
        pytest.raises(JudgeFailure, match="cut off"),
    ):
        put(stub, time, monkeypatch, briefer=lambda: brief)
    assert len(stub.requests) == 2


def test_evidence_that_is_too_long_is_halved_once(groq_stub: ModuleType, time, monkeypatch) -> None:
    with groq_stub.GroqStub([groq_stub.error(413), groq_stub.completion(YES)]) as stub:
        assert put(stub, time, monkeypatch).reply == YES
        users = [request["body"]["messages"][1]["content"] for request in stub.requests]
    assert users == ['{"data": 1}', '{"data": 0}']


def test_a_generation_the_server_disliked_is_looked_at_here(
    groq_stub: ModuleType, time, monkeypatch
) -> None:
    good = groq_stub.error(400, code="json_validate_failed", failed_generation=json.dumps(YES))
    bad = groq_stub.error(400, code="json_validate_failed", failed_generation="{")
    with groq_stub.GroqStub([good]) as stub:
        answer = put(stub, time, monkeypatch)
        assert answer.reply == YES
        assert answer.total_tokens == QUESTION.reserve()
    with groq_stub.GroqStub([bad, groq_stub.completion(YES)]) as stub:
        assert put(stub, time, monkeypatch).calls == 2
    with groq_stub.GroqStub([bad]) as stub, pytest.raises(JudgeFailure) as caught:
        put(stub, time, monkeypatch)
    assert caught.value.code == "shape"


def test_a_server_that_drips_is_given_up(groq_stub: ModuleType, monkeypatch) -> None:
    # given a byte every 50 ms: no read ever times out
    slow = groq_stub.completion(YES) | {"drip": 0.05}
    with groq_stub.GroqStub([slow]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        with pytest.raises(JudgeFailure) as caught:
            ask(replace(QUESTION, deadline_s=0.4), KEY)
    assert (caught.value.code, caught.value.after_s) == ("timeout", 300.0)


def test_nothing_is_sent_without_budget(groq_stub: ModuleType, time, monkeypatch) -> None:
    with groq_stub.GroqStub([groq_stub.completion(YES)]) as stub:
        with pytest.raises(JudgeFailure) as caught:
            put(stub, time, monkeypatch, tokens_left=QUESTION.reserve() - 1)
        assert stub.requests == []
    # the budget comes back at midnight UTC
    assert caught.value.code == "over_budget"
    assert caught.value.after_s == 86400 / 2


@pytest.mark.parametrize("text", [None, "", "  ", "gsk_a\n", "gsk a", "gsk_ä", "gsk_\x00"])
def test_what_is_no_key_is_told_without_showing_it(text) -> None:
    with pytest.raises(JudgeFailure) as caught:
        usable_key(text)
    assert caught.value.code in ("no_key", "bad_key")
    assert caught.value.hint
    assert not (text and text.strip() and text in str(caught.value))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://api.example.com", "is not https"),
        ("ftp://127.0.0.1", "is not https"),
        ("https://api.example.com/openai/v1", "has a path"),
        ("https://api.example.com?key=gsk_secret99", "has a path"),
        ("http://u:gsk_secret99@api.example.com", "http://api.example.com is not https"),
        ("https://u:gsk_secret99@api.example.com", "a user name or a password"),
        ("https://gsk_secret99@api.example.com:8443/v1", "api.example.com:8443 comes with a user"),
        ("http://u:gsk_secret99@[::1", "is no URL"),
        ("https://api.example.com:gsk_secret99", "is no URL"),
        ("https://", "has no host"),
    ],
)
def test_a_base_url_that_would_not_work(text, says) -> None:
    with pytest.raises(JudgeFailure, match=says) as caught:
        base_url({"GROQ_BASE_URL": text})
    assert "secret99" not in f"{caught.value.message} {caught.value.hint}"


def test_a_base_url_that_works() -> None:
    assert base_url({}) is None
    assert base_url({"GROQ_BASE_URL": "https://api.example.com/"}) == "https://api.example.com"


@pytest.mark.live
@pytest.mark.skipif(not os.environ.get("GROQ_API_KEY"), reason="needs GROQ_API_KEY")
def test_the_real_groq_answers(record_property) -> None:
    from datetime import UTC, datetime

    question = replace(QUESTION, system="Answer with the word yes.", deadline_s=60)
    answer = ask(question, os.environ["GROQ_API_KEY"].strip())
    record_property("date", datetime.now(UTC).isoformat())
    record_property("model", answer.model)
    print(f"live: {datetime.now(UTC):%Y-%m-%d} {answer.model} {answer.total_tokens} tokens")
    assert answer.reply["word"] in ("yes", "no")
