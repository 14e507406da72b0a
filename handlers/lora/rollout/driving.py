"""A decoder as the policy that drives, in `env run --policy lora` and in the scorecard's runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.lora.model.interface import Decoder
from handlers.lora.model.rows import reading
from handlers.mission.policies.lora import Lora
from handlers.project.formats.examples import Step
from handlers.project.spec import ProjectSpec

Plans = Mapping[str, tuple[Step, ...]]
"""Goal -> the steps that the adapter makes of it; none for one that it refuses."""


def plan_of(decoder: Decoder, goal: str) -> tuple[Step, ...]:
    """What the adapter makes of a phase's goal; no steps for one that is refused or has no words.

    Raises InputError for a goal that this adapter cannot be asked: one that looks needs a picture.
    """
    return decoder.decode(goal).actions if reading(goal) else ()


def phase_plans(decoder: Decoder, spec: ProjectSpec) -> Plans:
    """The plans of a mission's phases, by their goals. Raises as `plan_of`."""
    goals = dict.fromkeys(phase.goal_prompt for phase in spec.phases)
    return {goal: plan_of(decoder, goal) for goal in goals}


def policy_of(decoder: Decoder) -> Lora:
    """The policy that asks the adapter at the beginning of each phase."""

    def decode(goal: str) -> Sequence[Mapping[str, Any]]:
        return [step.as_json() for step in plan_of(decoder, goal)]

    return Lora(decode)


def policy_under(plans: Plans) -> Lora:
    """The same policy, with what the adapter answered before."""
    return Lora(lambda goal: [step.as_json() for step in plans[goal]])
