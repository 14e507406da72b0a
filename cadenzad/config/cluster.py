"""[jobs.ray]: where the cluster is, which jobs are done on it, and what each takes of a node."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from handlers.settings import Mark, Section


class Resources(Section):
    """What a kind of work takes of a node; Ray places it where so much is free."""

    num_cpus: float = Field(1.0, ge=0, le=1024, description="processors of a node that it takes")
    num_gpus: float = Field(0.0, ge=0, le=64, description="GPUs of a node that it takes")
    memory: int = Field(
        0, ge=0, le=1 << 50, description="bytes of memory; with more it is ended; 0: not counted"
    )

    def options(self) -> dict[str, float]:
        """As ray's `options` have them."""
        given: dict[str, float] = {"num_cpus": self.num_cpus, "num_gpus": self.num_gpus}
        return given | {"memory": self.memory}

    def needs(self) -> dict[str, float]:
        """As ray's `cluster_resources` have them; what is 0 is left out."""
        names = {"CPU": self.num_cpus, "GPU": self.num_gpus, "memory": float(self.memory)}
        return {name: value for name, value in names.items() if value}


class RaySettings(Section):
    """The Ray cluster that jobs are done on where `jobs.executor` is "ray"."""

    address: Annotated[str, Mark.RESTART] = Field(
        "auto",
        min_length=1,
        description='host:port of the head node; "auto": the cluster that this machine belongs to',
    )
    kinds: tuple[Literal["retrain", "score", "judge", "export"], ...] = Field(
        ("retrain", "score", "judge"),
        strict=False,
        description="what uses it; of a judging the simulated missions, the rest stays here; "
        "export: the logs of `cadenza env finetune --all`",
    )
    retrain: Resources = Resources()
    score: Resources = Resources()
    rollout: Resources = Resources()
    export: Resources = Resources()

    def parts(self, kind: str) -> Resources:
        """What a part of such work takes."""
        return self.export if kind == "export" else self.rollout
