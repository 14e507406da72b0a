"""Prompts and completions: what a model is shown, and what it is to say.

A completion is a space and one JSON object, `{"action": NAME, PARAMETERS ...}`, as examples write
actions; parameters that change nothing (speed 1, a distance of 0) are left out, so that the same
action reads the same whoever wrote it down.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any

from handlers.dataset.wire import Observed, Params, Record
from handlers.export.template import (
    FALLBACK,
    OBS_DEFAULTS,
    RENDER_ERRORS,
    Renderer,
    Value,
    compile_template,
)
from handlers.project.library import PARAMETERS

_NEUTRAL = tuple(parameter.neutral for parameter in PARAMETERS.values())
_NAMES = tuple(PARAMETERS)
_amounts: Callable[[Params], tuple[float | None, ...]] = attrgetter(*_NAMES)
_seen: Callable[[Observed], tuple[Value, ...]] = attrgetter(*OBS_DEFAULTS)


def completion(action: str, params: Params) -> str:
    """What a model is to say for an action."""
    return _completion(action, _amounts(params))


@lru_cache(maxsize=8192)
def _completion(action: str, amounts: tuple[float | None, ...]) -> str:
    said: dict[str, Any] = {"action": action}
    for name, value, neutral in zip(_NAMES, amounts, _NEUTRAL, strict=True):
        if value is not None and value != neutral:
            said[name] = int(value) if PARAMETERS[name].whole and value % 1 == 0 else value
    return " " + json.dumps(said, ensure_ascii=False)


class Prompter:
    """Renders a mission's prompts: the phase of an action, and the observation before it.

    `plain`: how many prompts are the fallback, because a value did not suit the template.
    """

    def __init__(self, template: str, mission: str, n_phases: int) -> None:
        self._mission, self._n_phases = mission, n_phases
        self._renderer: Renderer = compile_template(template)
        self.problem = self._renderer.problem
        self.plain = 0
        numbers = self._renderer.numbers
        self._bind = lru_cache(maxsize=256)(self._bound)
        self._pick: Callable[[Observed], Any] | None = None
        if numbers is not None and len(numbers) > 1:
            self._pick = attrgetter(*numbers)

    def prompt(self, record: Record, seen: Observed) -> str:
        """The prompt of the action of a record; `seen`: what was observed before it."""
        scene = (record.phase_idx or 0, record.phase or "", record.goal_prompt or "")
        if self._pick is not None and None not in (values := self._pick(seen)):
            try:
                text: str = self._bind(*scene) % values
                return text
            except RENDER_ERRORS:
                pass
        return self._exact(scene, seen)

    def _exact(self, scene: tuple[int, str, str], seen: Observed) -> str:
        values: dict[str, Value] = {**self._scene(*scene), **OBS_DEFAULTS}
        known = zip(OBS_DEFAULTS, _seen(seen), strict=True)
        values.update((name, value) for name, value in known if value is not None)
        try:
            return self._renderer.render(values)
        except RENDER_ERRORS:
            self.plain += 1
            return compile_template(FALLBACK).render(values)

    def _bound(self, phase_idx: int, phase: str, goal: str) -> str:
        return self._renderer.bind(self._scene(phase_idx, phase, goal))

    def _scene(self, phase_idx: int, phase: str, goal: str) -> dict[str, Value]:
        return {
            "mission_name": self._mission,
            "n_phases": self._n_phases,
            "phase_idx": phase_idx + 1,
            "phase_name": phase,
            "goal_prompt": goal,
        }
