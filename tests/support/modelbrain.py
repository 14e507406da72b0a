"""A project whose brain is a language model, and one scripted server for it and for the judge.

The mission is done by who takes long steps. The model takes them where its prompt says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groq_stub import completion

MISSION = {
    "name": "stride",
    "robot": "go1",
    "scene": {
        "objects": [],
        "zones": [{"name": "ahead", "aabb": [[-4.0, -1.0, 0.0], [-1.15, 1.0, 1.0]]}],
    },
    "phases": [
        {
            "name": "go",
            "goal_prompt": "walk to the zone ahead",
            "success_when": {"enter_zone": "ahead"},
            "max_ticks": 3,
        }
    ],
}
OPEN = "Take short steps."
PROMPT = f"""You drive a robot, one action a tick.
[cadenzad open]
{OPEN}
[end of cadenzad open]
Never walk backward: there is a stair behind you.
"""
BRAIN = '''import groq

SYSTEM_PROMPT = """{prompt}"""


def decide(observation, system_prompt):
    asked = [
        {{"role": "system", "content": system_prompt}},
        {{"role": "user", "content": f"{{observation['phase']}} {{observation['tick']}}"}},
    ]
    answer = groq.Groq(timeout=20).chat.completions.create(
        model="m", messages=asked, temperature=0
    )
    return {{"action": "walk_forward", "distance_m": float(answer.choices[0].message.content)}}
'''
LONG = ("long steps", "distance_m=1")
"""Words of a prompt that make the model take such."""


def write_project(path: Path, prompt: str = PROMPT) -> Path:
    (path / ".cadenza-env").mkdir(parents=True, exist_ok=True)
    (path / "env.json").write_text(json.dumps(MISSION))
    (path / "main.py").write_text(BRAIN.format(prompt=prompt))
    return path


def evidence_in(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the judge showed: {"project": ..., "evidence": ...}."""
    _, data, _ = request["body"]["messages"][1]["content"].split("\n")
    shown: dict[str, Any] = json.loads(data)
    return shown


def candidate(shown: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """One for the first finding that was shown; without rules it is of free text."""
    finding = shown["evidence"]["findings"][0]
    made = {"mode_id": finding["mode_id"], "cites": finding["cites"][:1]}
    made |= {"rules": [], "why": "", "touches": [], "contradicts": []}
    if "rules" not in changes:
        made |= {"sentences": [], "paragraphs": []}
    return made | changes


@dataclass
class Model:
    """A script for GroqStub. `answers`: makes candidates from what the judge showed.

    `at_trial` is called once, when a brain asks for the first time after the judge did.
    """

    answers: Callable[[Mapping[str, Any]], list[dict[str, Any]]]
    at_trial: Callable[[], None] = lambda: None
    asked: list[dict[str, Any]] = field(default_factory=list)
    decided: int = 0

    def __call__(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if "response_format" in request["body"]:
            shown = evidence_in(request)
            self.asked.append(shown)
            return completion({"candidates": self.answers(shown), "remark": ""})
        if self.asked and not self.decided:
            self.at_trial()
        self.decided += bool(self.asked)
        prompt = request["body"]["messages"][0]["content"]
        return completion("1.0" if any(word in prompt.lower() for word in LONG) else "0.3")
