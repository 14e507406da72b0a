"""Prompts and completions: what a model is shown, and what it is to say.

A completion is a space and one JSON object, `{"action": NAME, PARAMETERS ...}`, as examples write
actions; parameters that change nothing (speed 1, a distance of 0) are left out, so that the same
action reads the same whoever wrote it down.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from operator import attrgetter, mod
from typing import Any

import pyarrow as pa

from handlers.dataset.reading import Steps
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
_scene: Callable[[Record], tuple[int | None, str | None, str | None]] = attrgetter(
    "phase_idx", "phase", "goal_prompt"
)

MEMORY = 16_384
"""Texts that are remembered at most: what changes with every step must not fill the memory."""


class _Memo(dict[Any, Any]):
    """Remembers what `make(*key)` returned; forgets everything when that grows too much."""

    def __init__(self, make: Callable[..., Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: tuple[Any, ...]) -> Any:
        if len(self) >= MEMORY:
            self.clear()
        value = self[key] = self._make(*key)
        return value


def completions(actions: Sequence[str | None], params: Sequence[Params]) -> list[str | None]:
    """What a model is to say for each action; None for none."""
    return list(map(_completions.__getitem__, zip(actions, params, strict=True)))


def _completion(action: str | None, params: Params) -> str | None:
    if action is None:
        return None
    said: dict[str, Any] = {"action": action}
    for name, value, neutral in zip(_NAMES, _amounts(params), _NEUTRAL, strict=True):
        if value is not None and value != neutral:
            # Spelled alike where they are alike: what is remembered stands for both zeros.
            said[name] = int(value) if PARAMETERS[name].whole and value % 1 == 0 else value + 0.0
    return " " + json.dumps(said, ensure_ascii=False)


_completions = _Memo(_completion)


class Prompter:
    """Renders a mission's prompts: the phase of an action, and the observation before it.

    `plain`: how many prompts are the fallback, because a value did not suit the template.
    """

    def __init__(self, template: str, mission: str, n_phases: int) -> None:
        self._mission, self._n_phases = mission, n_phases
        self._renderer: Renderer = compile_template(template)
        self.problem = self._renderer.problem
        self.plain = 0
        self._bound = _Memo(self._bind)

    def prompts(self, steps: Steps) -> pa.StringArray:
        """The prompt of each step; null where nobody knows what was seen before it."""
        scenes = list(map(_scene, steps.chunk.records))
        try:
            texts = self._filled(scenes, steps)
        except RENDER_ERRORS:
            texts = None
        unknown = steps.before < 0
        if texts is None:
            seen = steps.chunk.part("obs")
            texts = [
                None if at < 0 else self._exact(scenes[row], seen[at])
                for row, at in zip(steps.rows.tolist(), steps.before.tolist(), strict=True)
            ]
        return pa.array(texts, pa.string(), mask=unknown)

    def _filled(self, scenes: Sequence[Any], steps: Steps) -> list[str | None] | None:
        """The prompts by a `%` format for each scene, in loops in C; None where some number that
        the template shows is unknown, or the template has no such format.

        Where `before` is -1 it is the prompt of some other observation. Raises RENDER_ERRORS.
        """
        chunk, numbers = steps.chunk, self._renderer.numbers
        if not numbers or any(chunk.reals("obs", name).null_count for name in numbers):
            return None
        # Not as columns: an int is spelled as one.
        shown = list(zip(*(chunk.of_part("obs", name) for name in numbers), strict=True))
        formats = map(self._bound.__getitem__, map(scenes.__getitem__, steps.rows.tolist()))
        return list(map(mod, formats, map(shown.__getitem__, steps.before.tolist())))

    def _exact(self, scene: tuple[int | None, str | None, str | None], seen: Observed) -> str:
        values: dict[str, Value] = {**self._scene(*scene), **OBS_DEFAULTS}
        known = zip(OBS_DEFAULTS, _seen(seen), strict=True)
        values.update((name, value) for name, value in known if value is not None)
        try:
            return self._renderer.render(values)
        except RENDER_ERRORS:
            self.plain += 1
            return compile_template(FALLBACK).render(values)

    def _bind(self, phase_idx: int | None, phase: str | None, goal: str | None) -> str:
        return self._renderer.bind(self._scene(phase_idx, phase, goal))

    def _scene(
        self, phase_idx: int | None, phase: str | None, goal: str | None
    ) -> dict[str, Value]:
        return {
            "mission_name": self._mission,
            "n_phases": self._n_phases,
            "phase_idx": (phase_idx or 0) + 1,
            "phase_name": phase or "",
            "goal_prompt": goal or "",
        }
