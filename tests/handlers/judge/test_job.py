"""The job's own arithmetic, and a call that is not made; its whole way is in tests/flow."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import runlogs
from judging import NOTHING, remedy, stuck_log
from pydantic import ValidationError

from handlers.jobs import JobContext
from handlers.judge.job import judge
from handlers.judge.remedies.proposing import completion_of
from handlers.judge.settings import JudgeSettings
from handlers.project.formats.runs import run_logs
from handlers.settings import Settings
from store.events.prompt import CandidatesWeighed, PromptKept, PromptProposed, RunsJudged
from store.opening import open_writer

pytest.importorskip("groq")


def test_an_answer_has_room_and_gets_more_where_there_is_more() -> None:
    assert [completion_of(n) for n in (3000, 7000, 14_000)] == [2000, 2000, 4000]
    least, most = 3000, 120_000
    for tokens in range(least, most + 1, 500):
        assert JudgeSettings(max_tokens=tokens).max_tokens - completion_of(tokens) >= 1000
    for tokens in (least - 1, most + 1):
        with pytest.raises(ValidationError):
            JudgeSettings(max_tokens=tokens)


def test_a_prompt_that_cannot_be_edited_gets_its_block_to_paste(
    tmp_path: Path, groq_stub: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    sample = files("handlers.project") / "sample" / "mission"
    project = tmp_path / "rescue"
    (project / ".cadenza-env").mkdir(parents=True)
    (project / "env.json").write_bytes((sample / "env.json").read_bytes())
    (project / "main.py").write_text("SYSTEM_PROMPT = load()\n")
    log = project / ".cadenza-env" / "r1.log.jsonl"
    log.write_bytes(stuck_log(runlogs))
    state = tmp_path / "state"
    state.mkdir()
    open_writer(state).close()

    # when
    with groq_stub.GroqStub([groq_stub.completion(remedy("r1"))]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        settings = Settings(JudgeSettings(seeds=0))
        result = judge(JobContext({}, project, state, lambda _: None, settings, "gsk_k"))

    # then
    _, kept = result.events
    assert isinstance(kept, PromptKept)
    assert kept.code == "refused_source"
    assert "main.py:1: SYSTEM_PROMPT is the result of a call" in kept.reason
    assert "- when in enter_debris and stuck for 2 ticks: walk_backward" in kept.paste


def test_no_call_is_made_when_no_failure_mode_fits(
    tmp_path: Path, groq_stub: ModuleType, monkeypatch
) -> None:
    # given a mission whose phase has a name that leaves no room for anything else
    sample = files("handlers.project") / "sample" / "mission"
    spec: dict[str, Any] = json.loads((sample / "env.json").read_text())
    spec["phases"][0]["name"] = "x" * 2900
    project = tmp_path / "rescue"
    (project / ".cadenza-env").mkdir(parents=True)
    (project / "env.json").write_text(json.dumps(spec))
    (project / "main.py").write_text('SYSTEM_PROMPT = "Be good."\n')
    facts = {"phase": "x" * 2900, "action": "walk_forward", "motion": {"label": "stuck"}}
    ticks = [json.dumps({"tick": number, **facts}) for number in range(1, 6)]
    (project / ".cadenza-env" / "r1.log.jsonl").write_text("\n".join(ticks) + "\n")
    assert len(run_logs(project)) == 1
    state = tmp_path / "state"
    state.mkdir()
    open_writer(state).close()
    settings = Settings(JudgeSettings(max_tokens=3000, seeds=0))

    # when
    with groq_stub.GroqStub([groq_stub.completion(NOTHING)]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        context = JobContext({}, project, state, lambda _: None, settings, "gsk_k")
        result = judge(context)

    # then
    assert stub.requests == []
    judged, kept = result.events
    assert isinstance(judged, RunsJudged)
    assert [finding.kind for finding in judged.findings] == ["stuck"]
    assert isinstance(kept, PromptKept)
    assert kept.code == "no_room"


SECRET = "sk-live-4eC39HqLyjWDarjtT1zdp7dc"
NAME = "hf_abcdEFGHijklMNOPqrstUVWXyz01234567"


def test_neither_a_prompts_secret_nor_a_name_that_looks_like_one_is_sent(
    tmp_path: Path, groq_stub: ModuleType, monkeypatch
) -> None:
    """A phase is called like a key; the prompt holds one; the answer says its alias."""
    pytest.importorskip("detect_secrets")
    sample = files("handlers.project") / "sample" / "mission"
    spec: dict[str, Any] = json.loads((sample / "env.json").read_text())
    spec["phases"][1]["name"] = NAME
    project = tmp_path / "rescue"
    (project / ".cadenza-env").mkdir(parents=True)
    (project / "env.json").write_text(json.dumps(spec))
    prompt = f"Be good.\nThe radio's token is {SECRET}\nNever touch the person."
    (project / "main.py").write_text(f"SYSTEM_PROMPT = {prompt!r}\n")
    log = project / ".cadenza-env" / "r1.log.jsonl"
    log.write_bytes(stuck_log(runlogs).replace(b"enter_debris", NAME.encode()))
    state = tmp_path / "state"
    state.mkdir()
    open_writer(state).close()
    answer = remedy("r1", mode_id="stuck@name1", rule={"phase": "name1"}, touches=[3])

    # when
    with groq_stub.GroqStub([groq_stub.completion(answer)]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        settings = Settings(JudgeSettings(seeds=0, unverified="propose"))
        result = judge(JobContext({}, project, state, lambda _: None, settings, "gsk_k"))

    # then what was sent has the author's words and not the secret
    (request,) = stub.requests
    sent = json.dumps(request["body"])
    assert SECRET not in sent
    assert NAME not in sent
    assert "Never touch the person." in sent
    assert "left out: this line holds what looks like a secret" in sent

    # and the rule that came back has the phase's own name
    (proposed,) = [event for event in result.events if isinstance(event, PromptProposed)]
    assert [rule.line for rule in proposed.rules] == [
        f"- when in {NAME} and stuck for 2 ticks: walk_backward distance_m=0.4"
    ]
    (weighed,) = [event for event in result.events if isinstance(event, CandidatesWeighed)]
    (chosen,) = [item for item in weighed.candidates if item.fate == "chosen"]
    assert (chosen.by, chosen.touches) == ("model", (3,))
    (judged,) = [event for event in result.events if isinstance(event, RunsJudged)]
    assert judged.shared == "prompt"
