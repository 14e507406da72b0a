"""A brain that is a language model, tried in the real simulator: by its SDK, through the proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("groq")
pytest.importorskip("mujoco")

from groq_stub import GroqStub, completion
from listening import KEY

from handlers.judge.gates.arena import Arena
from handlers.judge.gates.budget import next_budget
from handlers.judge.gates.simulation import Limits, Trial, trials
from handlers.judge.policy import choose_policy
from handlers.judge.prompt.code import project_code
from handlers.judge.prompt.rules.grammar import parse_all
from handlers.judge.prompt.source import PromptSource, edited, parse_prompt
from handlers.judge.proxy.client import Proxy
from handlers.project.library import library_for
from handlers.project.spec import parse_spec
from store.reads.improvements import TrialsRow

BRAIN = '''import {module}

SYSTEM_PROMPT = """Be good.
"""


def decide(observation, system_prompt):
    """Asks a model; whatever goes wrong, it stands."""
    asked = [{{"role": "system", "content": system_prompt}},
             {{"role": "user", "content": f"{{observation['phase']}} {{observation['tick']}}"}}]
    try:
        client = {module}.{client}(timeout=20)
        answer = client.chat.completions.create(model="m", messages=asked)
        return {{"action": "walk_forward", "distance_m": float(answer.choices[0].message.content)}}
    except {module}.APIStatusError:
        return "stand"
'''


def model(request: dict[str, Any]) -> Any:
    """One that takes long steps where the prompt speaks of falling, and short ones else."""
    prompt = request["body"]["messages"][0]["content"]
    return completion("1.0" if "fallen" in prompt else "0.3")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[GroqStub]:
    with GroqStub(model) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{stub.url}/v1")
        yield stub


def tried(folder: Path, calls: int, module: str = "groq", workers: int = 1, **more: Any) -> Trial:
    """A rule that makes this brain walk on, on a mission that short steps do not do in time."""
    zone = {"name": "ahead", "aabb": [[-4.0, -1.0, 0.0], [-1.15, 1.0, 1.0]]}
    phase = {"name": "go", "success_when": {"enter_zone": "ahead"}, "max_ticks": 3}
    made = {"name": "short", "scene": {"objects": [], "zones": [zone]}, "phases": [phase]}
    path = folder / "main.py"
    client = {"groq": "Groq", "openai": "OpenAI"}[module]
    path.write_text(BRAIN.format(module=module, client=client))
    source = parse_prompt(path.read_bytes(), path)
    choice = choose_policy(folder, source, project_code(folder, path, source).sha256)
    assert choice.providers == {module}
    keys = {"groq": KEY, "openai": None} | more.pop("keys", {})
    arena = Arena(
        parse_spec(json.dumps(made).encode(), "env.json"),
        library_for("go1", None),
        choice,
        workers=workers,
        models=Proxy(keys, calls, folder, 10**6),
    )
    rules = parse_all(["- when fallen: stand_up"])
    after: PromptSource = source.again(edited(source, rules))
    first = next_budget(TrialsRow(), 0, "a log and two prompts")
    return trials(arena, source, [after], first, Limits(60, search=0), **more)


def test_past_its_calls_a_trial_is_unverified_and_not_counted_against_the_prompt(
    stub: GroqStub, tmp_path: Path
) -> None:
    told: list[Any] = []
    trial = tried(tmp_path, 2, report=told.append)

    # then nothing is decided by what the brain did without its model, though it swallowed that
    assert (trial.gate.result, trial.verdict, trial.fact) == ("skipped", "unverified", None)
    assert trial.gate.detail == (
        "unverified: its 2 calls of a language model are used up (judge.trial_calls is the limit);"
        " after 0 pairs of the 8 that it takes at least"
    )
    assert len(stub.requests) == 2
    # and how many there may be was said before the first
    assert told[0]["model_calls_at_most"] == 2


@pytest.mark.long
def test_a_provider_without_a_key_is_said_and_not_asked(stub: GroqStub, tmp_path: Path) -> None:
    pytest.importorskip("openai")
    trial = tried(tmp_path, 200, "openai")
    assert trial.verdict == "unverified"
    assert "it asks OpenAI, for which there is no key (OPENAI_API_KEY, or" in trial.gate.detail
    assert stub.requests == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "keys", "workers"), [("groq", {}, 1), ("openai", {"openai": "sk-real"}, 2)]
)
def test_a_brain_that_is_a_language_model_is_tried_like_any_other(
    module: str, keys: dict[str, str], workers: int, stub: GroqStub, tmp_path: Path
) -> None:
    pytest.importorskip(module)
    trial = tried(tmp_path, 200, module, workers, keys=keys)
    assert (trial.gate.result, trial.verdict) == ("pass", "improved")
    # three questions under the old prompt, two under the new one; all else is asked again
    assert len(stub.requests) == 5
    assert trial.gate.detail.endswith(
        "; 5 calls of a language model, 5000 tokens, 35 more answered as before"
        " (35 of them at a temperature, which would draw anew)"
    )
    assert "8 pairs won, 0 lost" in trial.gate.detail
