"""A cluster as it stands: its nodes, what is free, and why a job has to wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Node:
    """`address`: of the node; `resources`: what it has of CPU, GPU and memory (bytes)."""

    address: str
    resources: Mapping[str, float]


@dataclass(frozen=True)
class Standing:
    """`free`: what is free over all nodes. `trouble`: why it cannot be used; `fix`: what helps."""

    nodes: tuple[Node, ...] = ()
    free: Mapping[str, float] = field(default_factory=dict)
    trouble: str = ""
    fix: str = ""

    def as_json(self) -> dict[str, Any]:
        """As JSON has it; `from_json` takes it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> Standing:
        """Raises KeyError or TypeError for what `as_json` does not make."""
        nodes = tuple(Node(**node) for node in shape["nodes"])
        return cls(nodes, shape["free"], shape["trouble"], shape["fix"])

    def total(self, name: str) -> float:
        """What all nodes have of a resource."""
        return sum(node.resources.get(name, 0.0) for node in self.nodes)

    def fits(self, needs: Mapping[str, float]) -> bool:
        """Whether some node has so much at all, in use or not."""
        return any(
            all(node.resources.get(name, 0.0) >= value for name, value in needs.items())
            for node in self.nodes
        )

    def obstacle(self, needs: Mapping[str, float]) -> str:
        """Why work with these needs cannot begin now; "" when it can."""
        if self.trouble:
            return f"{self.trouble} ({self.fix})" if self.fix else self.trouble
        if not self.fits(needs):
            return f"no node has {amounts(needs)}: lower what jobs.ray asks for, or add a node"
        short = {name: value for name, value in needs.items() if self.free.get(name, 0.0) < value}
        if not short:
            return ""
        have = ", ".join(
            f"{amount(name, self.free.get(name, 0.0))} of {amount(name, self.total(name))}"
            for name in short
        )
        return f"waits for {amounts(short)}: {have} free"


def amounts(resources: Mapping[str, float]) -> str:
    """Resources in words: "1 GPU, 2.0 GiB memory"."""
    return ", ".join(f"{amount(name, value)} {name}" for name, value in resources.items())


def amount(name: str, value: float) -> str:
    """How much of a resource, in words; memory is in bytes."""
    return f"{value / 2**30:.1f} GiB" if name == "memory" else f"{value:g}"
