"""What of the author's own words a model is shown: the mission's goals and the prompt.

`judge.share = "prompt"` shows them, scrubbed of secrets and with the prompt's lines numbered, so
that an answer can say which it bears upon; "numbers" shows names and numbers alone. Without
detect-secrets to scrub them they are not shown either, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from handlers.judge.evidence.pack import tokens_of
from handlers.judge.prompt.block import without_block
from handlers.judge.question.secrets import is_installed, scrubbed
from handlers.project.spec import ProjectSpec

Share = Literal["prompt", "numbers"]
MISSING = "numbers: detect-secrets is not installed (pip install 'cadenzad[judge]')"


@dataclass(frozen=True, slots=True)
class Shared:
    """The author's part of a question. `lines`: of the prompt; `said`: what was shared, for people.

    `content` is JSON: the mission and the prompt.
    """

    content: Mapping[str, Any]
    lines: int
    said: str

    def with_room(self, said: str, open_lines: Mapping[int, tuple[int, int]]) -> Shared:
        """With what free text may be written. `open_lines`: of each open paragraph, by number."""
        opened = [{"number": n, "lines": [*lines]} for n, lines in open_lines.items()]
        content = {**self.content, **({"open": opened} if opened else {})}
        return replace(self, content=content, said=f"{self.said}; {said}")

    @property
    def text(self) -> str:
        return json.dumps(self.content, separators=(",", ":"), ensure_ascii=False)

    @property
    def tokens(self) -> int:
        return tokens_of(self.text)


def shared_of(
    spec: ProjectSpec,
    prompt: str,
    share: Share,
    max_tokens: int,
) -> Shared:
    """The author's part in at most `max_tokens`, as far as the prompt's length goes.

    Of a prompt that is longer the last lines are left out, and how many is said in it.
    """
    words = share == "prompt" and is_installed()
    said = share if words or share == "numbers" else MISSING
    content: dict[str, Any] = {"mission": _mission(spec, words)}
    lines = scrubbed(without_block(prompt).split("\n")) if words else []
    shown: list[str] = []
    for number, line in enumerate(lines, 1):
        shown.append(f"{number}: {line}")
        content["prompt"] = shown
        if tokens_of(json.dumps(content, ensure_ascii=False)) > max_tokens:
            shown.pop()
            shown.append(f"[{len(lines) - number + 1} further lines are left out]")
            said += f", {number - 1} of {len(lines)} lines: judge.max_tokens"
            break
    return Shared(content, len(lines), said)


def _mission(spec: ProjectSpec, words: bool) -> dict[str, Any]:
    """What has to be achieved. Predicates are names and numbers; goals are prose."""
    phases = []
    for phase in spec.phases:
        item: dict[str, Any] = {
            "name": phase.name,
            "success_when": phase.success_when.model_dump(exclude_defaults=True),
            "fail_when": phase.fail_when.model_dump(exclude_defaults=True),
            "max_ticks": phase.max_ticks,
        }
        if words:
            item["goal"] = scrubbed([phase.goal_prompt])[0]
        phases.append(item)
    tags = sorted({item.tag for item in spec.scene.objects if item.tag})
    return {"robot": spec.robot, "phases": phases, "tags": tags, "signals": list(spec.signals)}
