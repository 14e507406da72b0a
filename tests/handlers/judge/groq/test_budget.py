"""The ledger: no two processes take the same tokens, and all of them know when to wait."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from asking import KEY, NOON, SCHEMA, YES, Time

from handlers.judge.groq.budget import FILE, LONGEST_WAIT_S, Ledger
from handlers.judge.groq.client import ask
from handlers.judge.groq.errors import JudgeFailure
from handlers.judge.groq.question import Ask

pytest.importorskip("groq")
QUESTION = Ask("Be brief.", "{}", SCHEMA, "m", 200, 20.0, 10_000, "k1")


@pytest.fixture
def time() -> Time:
    return Time()


def ledger(folder: Path, time: Time, limit: int = 10_000, recorded: int = 0) -> Ledger:
    return Ledger(folder, "api.groq.com m", limit=limit, recorded=recorded, wall=time.now)


def failed(question: Ask, time: Time, book: Ledger) -> JudgeFailure:
    with pytest.raises(JudgeFailure) as caught:
        ask(question, KEY, time.clock, book)
    return caught.value


# -- tokens ----------------------------------------------------------------------------------------


def _take(folder: Path) -> bool:
    return Ledger(folder, "x", limit=1000).take(300)


def test_many_processes_take_no_more_than_there_is(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        taken = pool.map(_take, [tmp_path] * 12)
    assert sum(taken) == 3


def test_what_is_taken_is_gone_until_it_is_given_back_or_the_day_ends(tmp_path, time) -> None:
    one, other = ledger(tmp_path, time, 4500), ledger(tmp_path, time, 4500)
    assert one.take(3662)
    assert not other.take(3662)
    assert other.left() == 838
    assert other.in_flight() == 3662
    one.settle(3662, 662)
    assert (other.left(), other.in_flight()) == (3838, 0)
    assert other.take(3662)
    time.at += 86400
    assert other.left() == 4500


@pytest.mark.parametrize("content", ["", "{", "[]", '{"taken": 3, "holds": 4}', "[" * 100_000])
def test_a_ledger_that_is_lost_begins_with_what_the_log_knows(content, tmp_path, time) -> None:
    (tmp_path / FILE).write_text(content)
    book = ledger(tmp_path, time, 1000, recorded=900)
    assert book.left() == 100
    assert book.hold() is None
    assert not book.take(101)
    assert book.take(100)


def test_an_answer_gives_back_what_it_did_not_cost(
    tmp_path, time, groq_stub: ModuleType, monkeypatch
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    with groq_stub.GroqStub([groq_stub.completion(YES, usage=usage)]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        book = ledger(tmp_path, time)
        assert ask(QUESTION, KEY, time.clock, book).total_tokens == 15
    assert book.left() == 10_000 - 15


def test_a_call_that_is_killed_keeps_what_it_took(tmp_path, time, monkeypatch) -> None:
    # given a call during which the process ends
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("handlers.judge.groq.client.post", dies)
    book = ledger(tmp_path, time)
    with pytest.raises(KeyboardInterrupt):
        ask(QUESTION, KEY, time.clock, book)
    assert book.left() == 10_000 - QUESTION.reserve()


def test_two_calls_at_once_do_not_both_go_out(
    tmp_path, time, groq_stub: ModuleType, monkeypatch
) -> None:
    # given tokens for one call, which another process has taken
    book = ledger(tmp_path, time, limit=QUESTION.reserve() + 100)
    assert ledger(tmp_path, time, limit=QUESTION.reserve() + 100).take(QUESTION.reserve())
    with groq_stub.GroqStub([groq_stub.completion(YES)]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        failure = failed(QUESTION, time, book)
    assert (failure.code, failure.calls, failure.tokens) == ("over_budget", 0, 0)
    assert failure.after_s == 300  # the other call may give back what it does not need
    assert "100 left" in failure.message
    assert stub.requests == []


def test_a_day_that_never_has_enough_is_not_waited_for(tmp_path, time) -> None:
    for limit, after in ((0, None), (QUESTION.reserve() - 1, None), (QUESTION.reserve(), 43200)):
        book = ledger(tmp_path, time, limit, recorded=1)
        failure = failed(QUESTION, time, book)
        assert (failure.code, failure.after_s) == ("over_budget", after)
        assert "judge.daily_tokens" in failure.hint


# -- patience --------------------------------------------------------------------------------------


def test_a_wait_that_the_server_named_holds_for_everybody(
    tmp_path, time, groq_stub: ModuleType, monkeypatch
) -> None:
    limited = groq_stub.error(429) | {"headers": {"retry-after": "900"}}
    with groq_stub.GroqStub([limited, groq_stub.completion(YES)]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        book = ledger(tmp_path, time)
        assert failed(QUESTION, time, book).after_s == 900

        # when somebody asks again, by hand too
        time.at += 300
        for by_hand in (True, False):
            failure = failed(replace(QUESTION, by_hand=by_hand), time, book)

            # then nothing is sent, and it says when it may be
            assert (failure.code, failure.after_s, failure.calls) == ("rate_limited", 600, 0)
            assert failure.message == "Groq answered 429: no"
            assert failure.hint == "it may be tried again at 2023-11-14 12:15:00 UTC"
        assert len(stub.requests) == 1

        # and after that it is
        time.at += 601
        assert ask(QUESTION, KEY, time.clock, book).reply == YES
        assert book.hold() is None


def test_a_server_that_does_not_answer_is_asked_less_and_less(
    tmp_path, time, groq_stub: ModuleType, monkeypatch
) -> None:
    with groq_stub.GroqStub([groq_stub.error(503)]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        book = ledger(tmp_path, time)
        waits = []
        for _ in range(6):
            waits.append(failed(QUESTION, time, book).after_s)
            time.at += waits[-1] + 1
        assert waits == [300, 600, 1200, 2400, LONGEST_WAIT_S, LONGEST_WAIT_S]

        # and who asks by hand need not wait for that
        failed(QUESTION, time, book)
        sent = len(stub.requests)
        assert failed(QUESTION, time, book).calls == 0
        assert failed(replace(QUESTION, by_hand=True), time, book).calls == 3
        assert len(stub.requests) == sent + 3


def test_a_limit_of_no_time_at_all_is_not_taken_at_its_word_for_ever(
    tmp_path, time, groq_stub: ModuleType, monkeypatch
) -> None:
    limited = groq_stub.error(429) | {"headers": {"retry-after": "0"}}
    with groq_stub.GroqStub([limited]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        assert failed(QUESTION, time, ledger(tmp_path, time)).after_s == 300


def test_another_server_and_another_model_are_not_waited_for(tmp_path, time) -> None:
    ledger(tmp_path, time).wait("rate_limited", "no", 900)
    other = Ledger(tmp_path, "api.groq.com other", limit=1, wall=time.now)
    assert other.hold() is None
    assert ledger(tmp_path, time).hold() is not None


@pytest.mark.parametrize("jump_s", [-3600.0, -NOON])
def test_a_clock_that_is_set_back_does_not_make_a_wait_longer(tmp_path, time, jump_s) -> None:
    ledger(tmp_path, time).wait("rate_limited", "no", 900)
    time.at += jump_s
    assert ledger(tmp_path, time).hold() is None
    # and a server that still does not want to be asked is left alone from now on
    ledger(tmp_path, time).wait("rate_limited", "no", 900)
    assert ledger(tmp_path, time).hold() is not None
    time.at += 900
    assert ledger(tmp_path, time).hold() is None


def test_a_clock_that_is_kept_in_step_ends_no_wait(tmp_path, time) -> None:
    ledger(tmp_path, time).wait("rate_limited", "no", 900)
    time.at -= 1.5
    assert ledger(tmp_path, time).hold() is not None
