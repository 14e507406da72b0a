"""A project that nothing helps is not searched anew on equal evidence, with a model or without."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import runlogs
from groq_stub import GroqStub
from houses import Home
from judging import drop
from modelbrain import Model, candidate

pytest.importorskip("groq")
pytest.importorskip("mujoco")

from handlers.jobs import JobContext
from handlers.judge.job import judge
from handlers.judge.settings import JudgeSettings
from handlers.settings import Settings
from store.events.envelope import NewEvent, project_stream
from store.events.prompt import PromptKept, RunsJudged
from store.opening import open_writer

ZONE = {"name": "beyond", "aabb": [[-9.0, -1.0, 0.0], [-8.0, 1.0, 1.0]]}
MISSION: dict[str, Any] = {
    "name": "beyond",
    "scene": {"objects": [], "zones": [ZONE]},
    "phases": [{"name": "go", "success_when": {"enter_zone": "beyond"}, "max_ticks": 2}],
}
"""Two ticks for eight metres: no prompt does it."""
SHORT = {
    "phase": "go",
    "conditions": [{"is": "not seeing {name}", "name": "none", "n": 0, "for_ticks": 1}],
    "action": "turn_left",
    "parameters": [],
}


def log(number: int) -> bytes:
    """Steps that come nearer, and time that runs out."""
    lines = []
    for tick in range(6):
        record = runlogs.record(tick, phase="go", action="walk_forward" if tick else None)
        record |= {"action_params": {"distance_m": 0.3}, "judgment": None, "motion": {}}
        record["obs"] |= {"pos_x": -0.3 * tick - number * 1e-3, "pos_y": 0.0}
        record |= {"terminated": tick == 5, "truncated": tick == 5}
        lines.append(json.dumps(record).encode() + b"\n")
    return b"".join(lines)


class Nights:
    """A project's nights: runs that fail, and a judging of them."""

    def __init__(self, home: Home, model: Model | None, url: str) -> None:
        self.home, self.model, self.url = home, model, url
        self.project = home.project("beyond")
        (self.project / "env.json").write_text(json.dumps(MISSION))
        self.runs = 0

    def runs_fail(self, count: int) -> None:
        (self.project / ".cadenza-env").mkdir(exist_ok=True)
        for _ in range(count):
            self.runs += 1
            drop(self.project, f"r{self.runs}", log(self.runs))
        self.home.once()

    def judge(self, **changes: Any) -> tuple[RunsJudged, PromptKept]:
        settings = Settings(JudgeSettings(**{"search": 4, **changes}))
        key = "gsk_k" if self.model is not None else None
        task = JobContext({}, self.project, self.home.state, lambda _: None, settings, key)
        events = judge(task).events
        writer = open_writer(self.home.state)
        stream = project_stream(str(self.project))
        writer.run(lambda step: step.append(*(NewEvent(stream, event) for event in events)))
        writer.close()
        judged, kept = events[0], events[-1]
        assert isinstance(judged, RunsJudged)
        assert isinstance(kept, PromptKept)
        return judged, kept


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Nights]]:
    home = Home(tmp_path / "house", tmp_path)
    open_writer(home.state).close()
    model = Model(lambda shown: [candidate(shown, rules=[SHORT])])
    with GroqStub(model) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        yield lambda with_key: Nights(home, model if with_key else None, stub.url)


@pytest.mark.parametrize("with_key", [True, False])
def test_a_hopeless_project_is_searched_once_and_then_when_there_is_news(
    nights: Callable[..., Nights], with_key: bool
) -> None:
    # given a night in which nothing helped
    project = nights(with_key)
    project.runs_fail(3)
    judged, kept = project.judge()
    assert kept.code in ("no_better", "no_verified_findings")
    assert judged.rejected is not None
    asked = len(project.model.asked) if project.model else 0
    assert asked == (1 if with_key else 0)

    # when more of the same comes, nothing is asked or driven, and it says what would change that
    project.runs_fail(2)
    judged, kept = project.judge()
    assert kept.code == "rejected_before"
    assert kept.reason.startswith("nothing is tried: every remedy for this prompt was rejected")
    assert "on equal evidence (too_slow@go); what would change that: another" in kept.reason
    assert kept.reason.endswith("or 2 further runs that show too_slow@go")
    assert (judged.rejected, judged.usage) == (None, None)

    # then as many further runs as it takes are news, and so is another way to search, or prompt
    project.runs_fail(2)
    judged, kept = project.judge()
    if project.model is not None:
        assert kept.code in ("no_better", "no_verified_findings")
        assert len(project.model.asked) == asked + 1
        assert project.judge()[1].code == "rejected_before"
    else:
        assert kept.code == "same_question"  # code thinks of nothing else
    assert project.judge(search=5)[1].code in ("no_better", "no_verified_findings")
    main = project.project / "main.py"
    main.write_text(main.read_text().replace("- when fallen", "- when stuck: sit\n- when fallen"))
    assert project.judge(search=5)[1].code in ("no_better", "no_verified_findings")
