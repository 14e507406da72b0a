"""What a gate says of a rewrite. Only the simulation's gate may ever say that it is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from store.events.prompt import GateFact

Result = Literal["pass", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A named gate: `numbers` are what `detail` says, for programs."""

    name: str
    result: Result
    detail: str
    numbers: Mapping[str, float] = field(default_factory=dict)

    def fact(self) -> GateFact:
        return GateFact(
            name=self.name, result=self.result, detail=self.detail, numbers=dict(self.numbers)
        )
