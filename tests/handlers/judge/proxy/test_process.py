"""The proxy's own process: what it shows of the key, and what becomes of a call that is cut off."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("groq")

from groq_stub import GroqStub, completion
from listening import KEY

from handlers.judge.brain import BrokenPolicy
from handlers.judge.policy import Choice, open_policy
from handlers.judge.prompt.source import parse_prompt
from handlers.judge.proxy.client import Proxy, ProxyLost

BRAIN = """SYSTEM_PROMPT = "Be good."


def decide(observation, system_prompt):
    import groq
    asked = [{"role": "system", "content": system_prompt},
             {"role": "user", "content": observation["phase"]}]
    answer = groq.Groq().chat.completions.create(model="m", messages=asked, temperature=0)
    return {"action": answer.choices[0].message.content}
"""
SLOW = completion("sit") | {"drip": 0.004}
"""Its body takes more than a second: time to kill somebody."""


@pytest.fixture
def brain(tmp_path: Path) -> Callable[[Proxy], Any]:
    """Opens a brain that asks Groq by the real SDK, as its author would write it."""
    path = tmp_path / "main.py"
    path.write_text(BRAIN)
    source = parse_prompt(path.read_bytes(), path)
    choice = Choice("decide", providers=frozenset({"groq"}))
    return lambda proxy: open_policy(choice, source, source.value, proxy.environ)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[GroqStub]:
    with GroqStub([SLOW, completion("stand")]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        yield stub


def in_flight(state: Path) -> int:
    return sum(json.loads((state / "judge.json").read_text())["in_flight"].values())


def decide_meanwhile(policy: Any) -> tuple[threading.Thread, list[BaseException]]:
    raised: list[BaseException] = []

    def decide() -> None:
        try:
            policy.decide({"phase": "go"}, [])
        except BrokenPolicy as error:
            raised.append(error)

    thread = threading.Thread(target=decide)
    thread.start()
    return thread, raised


def test_a_brain_that_is_killed_amid_a_call_leaves_an_answer_that_is_paid_for(
    stub: GroqStub, brain: Callable[[Proxy], Any], tmp_path: Path, eventually: Callable[..., object]
) -> None:
    with Proxy({"groq": KEY}, 9, tmp_path, 10**6) as proxy:
        # the key is in no argument, no environment, and in no line of what the proxy is for others
        process = psutil.Process(proxy._process.pid)  # type: ignore[union-attr]
        assert KEY not in f"{process.cmdline()} {process.environ()} {proxy!r} {proxy.environ}"

        # given a brain whose question is on its way
        policy = brain(proxy)
        thread, raised = decide_meanwhile(policy)
        eventually(lambda: stub.requests, "it has asked", 20)

        # when it is killed
        os.kill(policy._child.pid, signal.SIGKILL)
        thread.join()
        assert "was ended by signal 9" in str(raised[0])

        # then the call is paid for and its answer there for the next that asks
        eventually(lambda: in_flight(tmp_path) == 0, "it is settled", 20)
        again = brain(proxy)
        assert again.decide({"phase": "go"}, []) == {"action": "sit"}
        assert (proxy.asked().calls, proxy.asked().tokens) == (1, 1000)
        again.close()
        policy.close()


def test_a_proxy_that_is_killed_amid_a_call_is_missed_and_keeps_the_tokens_taken(
    stub: GroqStub, brain: Callable[[Proxy], Any], tmp_path: Path, eventually: Callable[..., object]
) -> None:
    with Proxy({"groq": KEY}, 9, tmp_path, 10**6) as proxy:
        policy = brain(proxy)
        thread, raised = decide_meanwhile(policy)
        eventually(lambda: stub.requests, "it has asked", 20)
        os.kill(proxy._process.pid, signal.SIGKILL)  # type: ignore[union-attr]
        thread.join()
        policy.close()
        assert "raised APIConnectionError" in str(raised[0])
        with pytest.raises(ProxyLost, match="was ended by signal 9"):
            proxy.asked()
    assert in_flight(tmp_path) > 4000


NOSY = '''SYSTEM_PROMPT = "Be good."

import os


def texts(pid):
    """What this process may read of another one."""
    for name in ("cmdline", "environ", "status", "maps", "mem", "fd"):
        path = f"/proc/{pid}/{name}"
        try:
            if name == "fd":
                yield name, "".join(os.readlink(f"{path}/{one}") for one in os.listdir(path))
            else:
                with open(path, "rb") as stream:
                    yield name, stream.read(1 << 16).decode("latin-1")
        except OSError:
            continue


def decide(observation, system_prompt):
    found = {pid: dict(texts(pid)) for pid in observation["pids"]}
    return {"action": "sit", "found": found, "environ": dict(os.environ)}
'''


def test_a_brain_that_looks_around_finds_the_key_nowhere(stub: GroqStub, tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text(NOSY)
    source = parse_prompt(path.read_bytes(), path)
    with Proxy({"groq": KEY}, 9, tmp_path, 10**6) as proxy:
        pids = [os.getpid(), proxy._process.pid]  # type: ignore[union-attr]
        policy = open_policy(Choice("decide"), source, source.value, proxy.environ)
        answer = policy.decide({"pids": pids}, [])
        policy.close()
    assert KEY not in json.dumps(answer)
    assert answer["environ"]["GROQ_API_KEY"] == proxy.environ["GROQ_API_KEY"]
    ours, proxys = answer["found"][str(pids[0])], answer["found"][str(pids[1])]
    if "environ" in ours:
        pytest.skip("this kernel has no Landlock")
    assert {*ours, *proxys} <= {"cmdline", "status"}


def test_it_ends_with_who_started_it(stub: GroqStub, tmp_path: Path) -> None:
    with Proxy({"groq": KEY}, 9, tmp_path, 10**6) as proxy:
        pid = proxy._process.pid  # type: ignore[union-attr]
    assert not psutil.pid_exists(pid)
