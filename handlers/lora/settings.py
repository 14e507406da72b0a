"""What can be set of the adapters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from handlers.settings import DAY, Mark, Section


class LoraSettings(Section):
    """The LoRA action head: when it is trained, and what it must reach to be deployed."""

    retrain: Annotated[bool, Mark.PROJECT_LOWERS] = Field(
        True, description="train anew when examples arrive or change"
    )
    debounce: Annotated[float, Mark.PROJECT_RAISES] = Field(
        5.0, ge=0, le=DAY, description="seconds without a new example before training begins"
    )
    max_wait: float = Field(
        300.0, ge=0, le=DAY, description="seconds after which it begins all the same"
    )
    encoder: Literal["auto", "minilm", "light"] = Field(
        "auto", description='text encoder; "auto": all-MiniLM-L6-v2 where installed, else the light'
    )
    threads: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        1, ge=1, le=64, description="threads to train with; the weights depend on it"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description='where an encoder computes; "auto": CUDA where there is one'
    )
    targets: Annotated[tuple[str, ...], Mark.PROJECT_SETS] = Field(
        (),
        strict=False,
        description="layers of a project's own encoder for LoRA; empty: those it names, or all",
        examples=[["query", "value"]],
    )
    fidelity: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.8, ge=0, le=1, description="share of the exam's sealed goals that must surely be right"
    )
    coverage: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.8, ge=0, le=1, description="share of goals that must get a plan"
    )
    stability: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.8, ge=0, le=1, description="share of plans that must stay the same, worded a little else"
    )
    falls: Annotated[float, Mark.PROJECT_LOWERS] = Field(
        0.05,
        ge=0,
        le=1,
        description="share of simulated runs that may fall, lie or touch people",
    )
    mission: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.8, ge=0, le=1, description="share of simulated missions that must surely succeed"
    )

    def thresholds(self) -> dict[str, float]:
        """What an adapter must reach: a scorecard depends on these alone of all settings."""
        return {
            "fidelity": self.fidelity,
            "falls": self.falls,
            "mission": self.mission,
            "coverage": self.coverage,
            "stability": self.stability,
        }
