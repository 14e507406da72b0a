"""What a brain may send to the proxy, and what becomes of all else: real sockets, real bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("groq")
pytest.importorskip("openai")

import groq
import openai
from groq_stub import GroqStub, completion, error
from listening import KEY, TOKEN, Listening, request

from handlers.judge.proxy import exchange, server
from handlers.judge.proxy.exchange import Limits
from handlers.judge.proxy.request import MAX_BODY

HELLO = [{"role": "user", "content": "hello"}]
PLAIN = json.dumps({"model": "m", "messages": HELLO}).encode()
MANY = Limits(calls=50, daily_tokens=10**6)

Serve = Callable[..., Listening]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve(step, ...)`: a listener before a server that answers so."""
    with ExitStack() as stack:

        def begin(*script: Any, limits: Limits = MANY, keys: Any = None) -> Listening:
            steps = script[0] if script and callable(script[0]) else script or (completion("fine"),)
            stub = stack.enter_context(GroqStub(steps))
            return stack.enter_context(Listening(stub, tmp_path, limits, keys))

        yield begin


def asking(listening: Listening, **changes: Any) -> groq.Groq:
    return groq.Groq(
        api_key=f"gsk_{TOKEN}",
        base_url=f"http://127.0.0.1:{listening.port}",
        http_client=groq.DefaultHttpxClient(trust_env=False),
        **changes,
    )


def ask(client: Any, content: str = "hello", **more: Any) -> str | None:
    messages = [{"role": "user", "content": content}]
    with client:
        return (
            client.chat.completions.create(model="m", messages=messages, **more)
            .choices[0]
            .message.content
        )


def spent(listening: Listening) -> int:
    """Of today's tokens, as the ledger in the state directory has it."""
    content = json.loads((listening.state / "judge.json").read_text())
    assert set(content["in_flight"].values()) == {0}
    return int(content["taken"][datetime.now(UTC).date().isoformat()])


# -- what passes -----------------------------------------------------------------------------------


def test_a_question_goes_out_with_the_key_and_with_nothing_else_of_the_brains(serve: Serve) -> None:
    listening = serve()
    headers = {"x-secret": "of the brain", "cookie": "a=b", "groq-org": "x"}
    assert ask(asking(listening, default_headers=headers), temperature=0) == "fine"
    (seen,) = listening.stub.requests
    assert seen["path"] == "/openai/v1/chat/completions"
    assert seen["body"] == {"model": "m", "messages": HELLO, "temperature": 0}
    assert {name.lower() for name in seen["headers"]} == {
        "host", "authorization", "content-type", "content-length", "accept", "accept-encoding",
        "connection", "user-agent",
    }  # fmt: skip
    assert seen["headers"]["authorization"] == f"Bearer {KEY}"
    assert spent(listening) == listening.exchange.counts.tokens == 1000


def test_openais_sdk_asks_openai_with_its_own_key(serve: Serve) -> None:
    listening = serve(keys={"openai": "sk-real"})
    client = openai.OpenAI(
        api_key=f"sk-{TOKEN}",
        base_url=f"http://127.0.0.1:{listening.port}/v1",
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )
    assert ask(client) == "fine"
    (seen,) = listening.stub.requests
    assert (seen["path"], seen["headers"]["authorization"]) == (
        "/v1/chat/completions",
        "Bearer sk-real",
    )


def test_the_list_of_models_passes(serve: Serve) -> None:
    models = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1,
                                          "owned_by": "x"}]}  # fmt: skip
    listening = serve({"body": models})
    with asking(listening) as client:
        assert [model.id for model in client.models.list().data] == ["m"]
    assert listening.stub.requests[0]["path"] == "/openai/v1/models"


def test_the_same_question_is_asked_once_and_answered_alike(serve: Serve) -> None:
    # given a server that would answer anew each time
    listening = serve(completion("first"), completion("second"))

    # when it is asked eight times at once, in other words of the same JSON
    turned = json.dumps(dict(reversed(json.loads(PLAIN).items())), indent=1).encode()
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(listening.send, [request(PLAIN), request(turned)] * 4)]

    # then
    assert {json.loads(one.partition(b"\r\n\r\n")[2])["choices"][0]["message"]["content"]
            for one in answers} == {"first"}  # fmt: skip
    assert len(listening.stub.requests) == 1
    counts = listening.exchange.counts
    assert (counts.calls, counts.replayed, counts.replayed_drawn) == (1, 7, 7)
    assert spent(listening) == 1000
    assert ask(asking(listening), n=2, temperature=0) == "second"
    assert ask(asking(listening), n=2, temperature=0) == "second"
    assert (counts.replayed, counts.replayed_drawn) == (8, 7)


def test_what_the_server_has_against_a_request_is_the_brains_to_know(serve: Serve) -> None:
    listening = serve(error(400, "no such parameter"), completion("fine"))
    for _ in range(2):
        with pytest.raises(groq.BadRequestError, match="no such parameter"):
            ask(asking(listening), "hm")
    assert (listening.ended, len(listening.stub.requests)) == ("", 1)
    assert ask(asking(listening)) == "fine"


# -- what does not ---------------------------------------------------------------------------------

DEEP = b'{"model": "m", "messages": ' + b"[" * 100_000
HALF = b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}'
CHUNKED = ("transfer-encoding: chunked",)
HUGE = b"%x\r\n" % (MAX_BODY + 1) + b"x" * (MAX_BODY + 1) + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "ends"),
    [
        (request(PLAIN, token=None), 401, ""),
        (request(PLAIN, token="gsk_other"), 401, ""),
        (request(PLAIN, token=""), 401, ""),
        (request(PLAIN, token=KEY), 401, ""),
        (request(PLAIN, "/openai/v1/embeddings"), 404, "POST /openai/v1/embeddings does not pass"),
        (request(PLAIN, "/openai/v1/files"), 404, "does not pass"),
        (request(PLAIN, "/openai/v1/chat/completions?key=1"), 404, "does not pass"),
        (request(PLAIN, "/openai/v1/../../etc/passwd"), 404, "does not pass"),
        (request(b"", "/openai/v1/models/../keys", "GET"), 404, "does not pass"),
        (request(b"", "http://example.org/openai/v1/models", "GET"), 404, "does not pass"),
        (request(PLAIN, "/openai/v1/models"), 404, "does not pass"),
        (request(b"", method="DELETE"), 404, "does not pass"),
        (request(b"", "example.org:443", "CONNECT"), 404, "does not pass"),
        (request(b"", headers=("content-length: 99999999999",)), 413, "1 MiB at most"),
        (request(HUGE, headers=CHUNKED), 413, "1 MiB at most"),
        (request(b'{"model": "m", "stream": true}'), 400, "ask without stream=True"),
        (request(b"not json"), 400, "the request is no JSON"),
        (request(DEEP), 400, "the request is no JSON"),
        (request(b"[]"), 400, "no object that names a model"),
        (request(b'{"model": 3}'), 400, "no object that names a model"),
        (request(PLAIN, headers=("x: " + "y" * 40_000,)), 431, ""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9 + b"\r\n\r\n", 400, ""),
        (request(PLAIN, headers=("content-length: 5", "content-length: 6")), 400, ""),
        (b"GET\r\n\r\n", 400, ""),
        (b"", 0, ""),
        (request(PLAIN)[:-5], 0, ""),
    ],
)  # fmt: skip
def test_what_does_not_pass_reaches_no_server_and_gets_one_clear_line(
    sent: bytes, status: int, ends: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "READ_S", 0.3)
    listening = serve()
    answer = listening.send(sent)
    if status:
        head, _, body = answer.partition(b"\r\n\r\n")
        # of what is too long the rest may still be on its way when it closes
        assert head.startswith(f"HTTP/1.1 {status} ".encode()) or (not head and status == 413)
        assert not head or "cadenzad: " in json.loads(body)["error"]["message"]
    else:
        assert answer == b""
    assert KEY.encode() not in answer
    assert listening.stub.requests == []
    assert ends in listening.ended if ends else listening.ended == ""
    if not ends:  # and it goes on for whoever may ask
        assert ask(asking(listening)) == "fine"


def test_half_a_character_is_a_question_like_any_other(serve: Serve) -> None:
    assert serve().send(request(HALF)).startswith(b"HTTP/1.1 200 ")


def test_a_second_request_in_the_same_connection_is_not_read(serve: Serve) -> None:
    listening = serve()
    answer = listening.send(request(PLAIN) + request(PLAIN.replace(b"hello", b"more")))
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert len(listening.stub.requests) == 1


def test_idle_connections_keep_nobody_out_for_long(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., object]
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 5)
    monkeypatch.setattr(server, "READ_S", 0.5)
    listening = serve()
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(listening.connect())
        eventually(lambda: b" 200 " in listening.send(request(PLAIN)), "it is answered", 10)
    assert listening.ended == ""


# -- what a server may do --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "says", "sent"),
    [
        (error(401, f"Invalid API Key {KEY}"), "Groq answered 401: Invalid API Key [key]", 1),
        (error(403), "Groq answered 403: no", 1),
        ({"status": 307, "headers": {"location": "http://127.0.0.1:1/"}},
         "Groq answered 307, a redirect, which is not followed", 1),
        (error(500, "down"), "Groq answered 500: down", 3),
        (error(429, "slow", **{}), "Groq answered 429: slow", 1),
        ({"status": 200, "body": "<html>", "type": "text/html"}, "answered 200 with no JSON", 1),
        ({"status": 200, "body": "x" * 300, "headers": {"content-encoding": "gzip"}},
         "a compression that was not asked for", 1),
        ({"status": 200, "body": "x" * 5_000_000}, "longer than 4 MiB", 1),
        ({"close": True}, "the connection to Groq failed", 1),
        ({"body": "x" * 200, "drip": 0.05}, "Groq did not answer within 0 s", 1),
    ],
)  # fmt: skip
def test_what_is_no_answer_ends_it_with_the_reason_and_never_with_the_key(
    step: Any, says: str, sent: int, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "drip" in step:
        monkeypatch.setattr(exchange, "SECONDS", 0.4)
    listening = serve(step, completion("fine"))
    listening.stub.script[1:] = [step] * 5
    with pytest.raises(groq.PermissionDeniedError) as caught:
        ask(asking(listening))
    assert f"cadenzad: {listening.ended}" in str(caught.value)
    assert says in listening.ended
    assert KEY not in str(caught.value)
    assert len(listening.stub.requests) == sent  # the SDK does not repeat it either
    with pytest.raises(groq.PermissionDeniedError):
        ask(asking(listening), "something else")
    assert len(listening.stub.requests) == sent


def test_a_server_that_asks_for_little_patience_gets_it(serve: Serve) -> None:
    listening = serve(error(429) | {"headers": {"retry-after": "7"}}, completion("fine"))
    assert ask(asking(listening)) == "fine"
    assert listening.slept == [7.0]
    assert listening.exchange.counts.calls == 2


def test_one_that_asks_for_much_is_left_alone_by_everybody(serve: Serve) -> None:
    busy = error(429, "tomorrow") | {"headers": {"retry-after": "5000"}}
    with pytest.raises(groq.PermissionDeniedError):
        ask(asking(serve(busy)))
    (hold,) = json.loads((serve(busy).state / "judge.json").read_text())["holds"].values()
    assert (hold["said"], hold["told"]) == ("Groq answered 429: tomorrow", True)


# -- what it may cost ------------------------------------------------------------------------------


def test_past_its_calls_nothing_goes_out(serve: Serve) -> None:
    listening = serve(limits=Limits(calls=2, daily_tokens=10**6))
    for content in ("a", "b", "a", "b"):
        assert ask(asking(listening), content) == "fine"
    for content in ("c", "a"):
        with pytest.raises(groq.PermissionDeniedError) as caught:
            ask(asking(listening), content)
        assert "cadenzad: its 2 calls of a language model are used up (judge.trial_calls" in str(
            caught.value
        )
    assert len(listening.stub.requests) == 2


def test_past_the_days_tokens_nothing_goes_out(serve: Serve) -> None:
    listening = serve(limits=Limits(calls=9, daily_tokens=1500, recorded=200))
    assert ask(asking(listening), max_completion_tokens=100) == "fine"
    with pytest.raises(groq.PermissionDeniedError, match="today's tokens do not suffice: up to"):
        ask(asking(listening), "more", max_completion_tokens=400)
    assert "300 left (judge.daily_tokens is the limit)" in listening.ended
    assert spent(listening) == 1200
    assert len(listening.stub.requests) == 1


def test_what_costs_nobody_knows_what_costs_what_was_taken_for_it(serve: Serve) -> None:
    listening = serve(completion("fine", usage=None), completion("many"))
    assert ask(asking(listening), max_tokens=300) == "fine"
    assert 300 < spent(listening) < 400
    ask(asking(listening), max_tokens=300, n=3)
    assert listening.exchange.counts.calls == 2


def test_a_provider_without_a_key_is_named(serve: Serve) -> None:
    listening = serve(keys={})
    with pytest.raises(groq.PermissionDeniedError):
        ask(asking(listening))
    assert listening.ended == (
        "it asks Groq, for which there is no key (GROQ_API_KEY, or the credential groq_api_key)"
    )
