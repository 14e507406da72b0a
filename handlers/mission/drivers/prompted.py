"""The prompt-following policy: the rules of a prompt's managed block, and nothing else.

It knows what a log record says and no more: not the map, not the goal's words, not the zones. Where
no rule holds it takes one fixed short step forward. So what two prompts make of a mission differs
by their rules alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handlers.mission.drivers.protocol import Decision, View
from handlers.mission.skill import Call

OTHERWISE = Call("walk_forward", distance_m=0.3)
REMEMBERED = 20

Decide = Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], Mapping[str, Any] | None]
"""(observation, those before it) -> {"action": name, parameter: number, ...}; None: no rule."""


class Prompted:
    """Give every record of the run to `note`: it is what the next decision is made from."""

    name = "prompted"

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self.begin(0)

    def begin(self, seed: int) -> None:
        self._seen: deque[Mapping[str, Any]] = deque(maxlen=REMEMBERED)

    def note(self, record: Mapping[str, Any]) -> None:
        """A record that was written: the last one is the observation to decide on."""
        self._seen.append(record)

    def decide(self, view: View) -> Decision:
        if not self._seen:
            return Decision(OTHERWISE)
        *recent, last = self._seen
        # A record names the phase of its action; what is decided next is for the present one.
        action = self._decide({**last, "phase": view.phase.name}, recent)
        if action is None:
            return Decision(OTHERWISE, "no rule holds")
        given = {key: value for key, value in action.items() if key != "action"}
        return Decision(Call.of(str(action["action"]), given), "a rule of the prompt")
