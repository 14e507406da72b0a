"""A brain that is a language model itself: its runs fail, and it is judged as any other is.

The real daemon, SDK, proxy and simulator; one scripted server is asked by the judge and, through
the proxy, by the robot's own `decide`. That a real model would propose as much is not shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from judging import KEY, ask_stub
from modelbrain import OPEN, Model, candidate, write_project

pytest.importorskip("groq")
pytest.importorskip("mujoco")

SETTINGS = """\
[judge]
debounce = 3600
max_wait = 3600
search = 0
trial_calls = 60
text = "{text}"
[lora]
retrain = false
"""
STRIDE = {
    "phase": "go",
    "conditions": [{"is": "after {n} ticks in phase", "name": "none", "n": 0, "for_ticks": 1}],
    "action": "walk_forward",
    "parameters": [{"name": "distance_m", "value": 1.0}],
}
SENTENCE = "Take long steps until you are in the zone."
REWRITTEN = "Take long steps, and look where you go."


@pytest.fixture
def driven(house, stubs) -> Iterator[Callable[..., tuple[Path, Model]]]:
    """A project whose runs failed under its model, and a model that answers the judge."""
    with ExitStack() as stack:

        def start(answers: Callable[[Mapping[str, Any]], Any], text: str) -> tuple[Path, Model]:
            model = Model(answers)
            ask_stub(house, stack.enter_context(stubs.GroqStub(model)))
            house.environ["USER"] = "somebody"
            house.configure(improve=SETTINGS.format(text=text))
            project = write_project(house.workspace / "stride")
            house.once()
            house.run("cadenzactl", "trust", "stride")
            run = ("run", project, "--headless", "--policy", "prompt", "--episodes", "3")
            told = house.run("cadenza", "env", *run, check=False)
            assert told.returncode == 1
            assert "0 of 3" in told.stdout, told.stderr
            return project, model

        yield start


def everything(house) -> bytes:
    return b"".join(path.read_bytes() for path in house.root.rglob("*") if path.is_file())


def train(house, *, check: bool = True) -> Any:
    return house.run("cadenza", "env", "train", "stride", check=check)


@pytest.mark.parametrize("text", [pytest.param("rules", marks=pytest.mark.long), "free"])
def test_a_model_is_tried_through_the_proxy_and_its_prompt_is_written(
    house, driven, text: str
) -> None:
    # given
    free = {"sentences": [SENTENCE], "paragraphs": [{"number": 1, "text": REWRITTEN}]}
    wanted = free if text == "free" else {"rules": [STRIDE]}
    project, model = driven(lambda shown: [candidate(shown, **wanted)], text)
    before = (project / "main.py").read_bytes()
    told: list[dict[str, Any]] = []
    model.at_trial = lambda: told.append(announced(house))
    house.start()

    # when
    done = train(house)

    # then the cause was named, and what a trial may ask was said before it asked
    assert model.asked[0]["evidence"]["findings"][0]["mode_id"].endswith("@go")
    assert told[0]["model_calls_at_most"] == 60
    (tried,) = house.events("PromptTried")
    assert tried["data"]["verdict"] == "improved"
    assert "calls of a language model" in tried["data"]["reason"]
    assert model.decided <= 60

    # and the prompt is written, every other byte as it was
    after = (project / "main.py").read_text()
    (written,) = house.events("PromptRewritten")
    lines = [rule["line"] for rule in written["data"]["rules"]]
    if text == "free":
        assert lines == [f"* {SENTENCE}", f'~ "{REWRITTEN}"']
        assert f"* {SENTENCE}\n" in after
        assert after.count(REWRITTEN) == 1
        assert model.asked[0]["project"]["open"] == [{"number": 1, "lines": [3, 3]}]
        for line in (f"-{OPEN}", f"+{REWRITTEN}", f"+* {SENTENCE}"):
            assert line in done.stdout
    else:
        assert len(lines) == 1
        assert "do walk_forward with distance_m=1." in after
        assert OPEN in after
    # status and why tell it; the key is nowhere
    assert house.project_status("stride")["prompt"]["improved"] is True
    why = house.run("cadenzactl", "why", "stride").stdout
    assert all(line in why for line in lines)
    assert KEY.encode() not in everything(house)

    # and to take it back restores the bytes
    house.run("cadenzactl", "prompt", "stride", "rollback")
    assert (project / "main.py").read_bytes() == before


def announced(house) -> dict[str, Any]:
    """What the running job says of itself, once it has said it."""
    from store.reads.live import job_key
    from store.reads.state import State
    from store.schema import connect_reader

    until = time.monotonic() + 10
    while time.monotonic() < until:
        with closing(connect_reader(house.state)) as reader:
            state = State(reader)
            for job in state.jobs(str(house.workspace / "stride"), "running"):
                values = state.progress(job_key(job.id)) or {}
                if "model_calls_at_most" in values:
                    return values
        time.sleep(0.05)
    return {}
