"""What a plan must pass before it is served."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Gate:
    """`familiar`: the least familiarity that is not refused. `probe`: of familiarity, [2 width + 1]
    numbers, none with images. `curve`: confidences by score, of goals that were held back.
    """

    familiar: Annotated[float, Field(ge=-1, le=1)]
    probe: list[float]
    curve: list[tuple[float, float]]
