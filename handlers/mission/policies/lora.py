"""The learned policy: asks the project's deployed adapter what the phase's goal means.

The adapter decodes a goal into a plan once per phase; the plan is then carried out step by step,
and again from its start when the phase is not over. This module knows where a deployed adapter
lies and the shape of its answer; loading and running one is the adapters' own business, handed in
as `decode`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.protocol import Decision, View
from handlers.project.paths import ADAPTERS_DIR
from store.errors import InputError, ProjectError

Decode = Callable[[str], Sequence[Mapping[str, Any]]]
"""A goal -> [{"action": name, parameter: value, ...}, ...]."""

DEPLOYED = f"{ADAPTERS_DIR}/deployed"


def deployed_adapter(project: Path) -> Path:
    """The folder of the project's deployed adapter.

    Raises ProjectError, which says how to train one, when there is none.
    """
    folder = project / DEPLOYED
    if not folder.is_dir():
        raise ProjectError(
            f"{project}: no adapter is deployed, so there is no learned policy yet",
            hint=f"cadenza env lora finetune {project} --gate trains one and deploys it when it "
            "passes; until then use --policy scripted",
        )
    return folder.resolve()


class Lora:
    """Carries out what the adapter makes of each phase's goal."""

    name = "lora"

    def __init__(self, decode: Decode) -> None:
        self.decode = decode
        self.begin(0)

    def begin(self, seed: int) -> None:
        self.phase = -1
        self.plan: list[Call] = []
        self.step = 0

    def decide(self, view: View) -> Decision:
        if view.phase_idx != self.phase:
            self.phase, self.step = view.phase_idx, 0
            self.plan = self._decoded(view)
        if not view.upright:
            return Decision(Call("stand_up"), "not on its feet: stand up first")
        if not self.plan:
            return Decision(Call("stand"), "the adapter gives no plan for this goal")
        call = self.plan[self.step % len(self.plan)]
        self.step += 1
        return Decision(call, f"step {(self.step - 1) % len(self.plan) + 1} of the decoded plan")

    def _decoded(self, view: View) -> list[Call]:
        calls = []
        for action in self.decode(view.phase.goal_prompt):
            problems = view.library.validate(action)
            if problems:
                raise InputError(f"the adapter's plan for {view.phase.name!r}: {problems[0]}")
            params = {k: v for k, v in action.items() if k != "action" and not k.startswith("_")}
            calls.append(Call.of(str(action["action"]), params))
        return calls
