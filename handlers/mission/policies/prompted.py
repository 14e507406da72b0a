"""The prompt-following policy: whatever a project's `decide` makes of the last observation.

It knows what a log record says and no more: not the map and not the zones. So what two prompts make
of a mission differs by what is written in them alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.protocol import Decision, View

REMEMBERED = 20
"""Observations, the last one included; a rule cannot ask for more ticks."""

TEACHERS = frozenset({"judgment", "reward", "signal_event"})
"""What a record says that no robot can observe: what would have been right."""

Decide = Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], Mapping[str, Any]]
"""(observation, those before it) -> {"action": name, parameter: number, ...}."""


class Prompted:
    """Give every record of the run to `note`: it is what the next decision is made from."""

    name = "prompt"

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self.begin(0)

    def begin(self, seed: int) -> None:
        self._seen: deque[Mapping[str, Any]] = deque(maxlen=REMEMBERED)

    def note(self, record: Mapping[str, Any]) -> None:
        """A record that was written: the last one is the observation to decide on."""
        self._seen.append({name: record[name] for name in record if name not in TEACHERS})

    def decide(self, view: View) -> Decision:
        *recent, last = self._seen or [{}]
        # A record is about the phase of its action; what is decided next is for the present one.
        now = {"phase": view.phase.name, "phase_tick": view.phase_tick, "target": view.target}
        action = self._decide({**last, **now}, recent)
        given = {key: value for key, value in action.items() if key != "action"}
        return Decision(Call.of(str(action["action"]), given), "as the prompt says")
