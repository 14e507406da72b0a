"""The prompts of a block of records at once, as JSON text.

What a phase fixes is rendered and escaped once and remembered; per record only the observation's
numbers are spelled. Why the result is the same: see template.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter, itemgetter, mod
from typing import Any

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import asdict, astuple

from handlers.export.blocks import Block, decode_each
from handlers.export.template import (
    FALLBACK,
    OBS_DEFAULTS,
    RENDER_ERRORS,
    Renderer,
    Value,
    compile_template,
)

MEMORY = 4 * 1024 * 1024
"""Bytes of text remembered: a goal that changes every tick must not fill the memory."""


_SCENE = attrgetter("phase_idx", "phase", "goal_prompt")

_encode = msgspec.json.encode


class Memo(dict[Any, bytes]):
    """Remembers what `make(*key)` returned; forgets everything when that grows too much."""

    def __init__(self, make: Callable[..., bytes]) -> None:
        super().__init__()
        self._make = make
        self._size = 0

    def __missing__(self, key: tuple[object, ...]) -> bytes:
        value = self._make(*key)
        self._size += len(value)
        if self._size > MEMORY:
            self.clear()
            self._size = len(value)
        self[key] = value
        return value


@lru_cache(maxsize=32)
def _seen(keys: tuple[str, ...], kind: Any) -> type[msgspec.Struct]:
    """An observation as far as a template looks at it."""
    return msgspec.defstruct("Seen", [(key, kind, OBS_DEFAULTS[key]) for key in keys], gc=False)


class Prompts:
    """Renders the prompts of one mission."""

    def __init__(self, renderer: Renderer, mission: str, n_phases: int) -> None:
        self._renderer = renderer
        self._plain = compile_template(FALLBACK)
        self._mission = mission
        self._n_phases = n_phases
        self._bound = Memo(self._bind)
        numbers = renderer.numbers
        kind: Any
        if numbers is None:
            keys, kind, self.fill = tuple(OBS_DEFAULTS), Any, self._fill_formatted
        else:
            keys, kind, self.fill = tuple(dict.fromkeys(numbers)), int | float, self._fill_bound
            self._arguments = _arguments(keys, numbers)
        seen = _seen(keys, kind)
        self._see = msgspec.json.Decoder(seen).decode
        self._nothing = seen()

    def prompt(self, record: Mapping[str, Any]) -> tuple[str, bool]:
        """The prompt of one record, and whether it is the fallback for want of a better one."""
        obs = record.get("obs") or {}
        seen = {key: obs.get(key) for key in OBS_DEFAULTS}
        index, name, goal = (record.get(key) for key in ("phase_idx", "phase", "goal_prompt"))
        values: dict[str, Value] = {
            **self._scene(0 if index is None else index, name or "", goal or ""),
            **{key: OBS_DEFAULTS[key] if value is None else value for key, value in seen.items()},
        }
        try:
            return self._renderer.render(values), False
        except RENDER_ERRORS:
            return self._plain.render(values), True

    def _fill_bound(self, block: Block) -> None:
        """Set the prompt of each record; those that need the exact reading join the doubts."""
        scenes = list(map(_SCENE, block.records))
        numbers = list(map(self._arguments, self._seen(block)))
        try:  # loops in C
            prompts = list(map(mod, map(self._bound.__getitem__, scenes), numbers))
        except RENDER_ERRORS:
            prompts = [
                self._one(at, scene, numbers[at], block.doubts) for at, scene in enumerate(scenes)
            ]
        for record, prompt in zip(block.records, map(Raw, prompts), strict=True):
            record.prompt = prompt
            record.goal_prompt = UNSET

    def _one(
        self, at: int, scene: tuple[object, ...], numbers: tuple[Any, ...], doubts: set[int]
    ) -> bytes:
        try:
            return self._bound[scene] % numbers
        except RENDER_ERRORS:
            doubts.add(at)
            return b"null"

    def _fill_formatted(self, block: Block) -> None:
        """The same for a template that only `str.format` renders."""
        for at, (record, seen) in enumerate(zip(block.records, self._seen(block), strict=True)):
            values = asdict(seen)
            values.update(self._scene(record.phase_idx, record.phase, str(record.goal_prompt)))
            try:
                if None in values.values():
                    block.doubts.add(at)
                record.prompt = Raw(_encode(self._renderer.render(values)))
                record.goal_prompt = UNSET
            except RENDER_ERRORS:
                block.doubts.add(at)

    def _seen(self, block: Block) -> list[Any]:
        """What the template shows of each observation."""
        return decode_each(self._see, [r.obs for r in block.records], self._nothing, block.doubts)

    def _bind(self, phase_idx: int, phase: str, goal: str) -> bytes:
        return _encode(self._renderer.bind(self._scene(phase_idx, phase, goal)))

    def _scene(self, phase_idx: int, phase: str, goal: str) -> dict[str, Value]:
        return {
            "mission_name": self._mission,
            "n_phases": self._n_phases,
            "phase_idx": phase_idx + 1,
            "phase_name": phase,
            "goal_prompt": goal,
        }


def _arguments(keys: tuple[str, ...], wanted: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """From an observation with `keys` to the tuple of its `wanted` values."""
    if keys == wanted:
        return astuple
    pick = itemgetter(*map(keys.index, wanted))
    return lambda seen: pick(astuple(seen))
