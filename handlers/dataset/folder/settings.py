"""What can be set of exports and of the dataset."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from handlers.settings import DAY, Mark, Section

Format = Literal["jsonl", "dataset"]


class ExportSettings(Section):
    """What is made of run logs as they arrive."""

    formats: Annotated[tuple[Format, ...], Mark.PROJECT_SETS] = Field(
        ("jsonl",),
        strict=False,
        description='"jsonl": a file of records for each run; "dataset": one folder of Parquet',
    )
    keys: Annotated[Literal["reference", "extended"], Mark.PROJECT_SETS] = Field(
        "reference",
        description='what a record of "jsonl" holds; "extended": also goal_prompt, terminated, '
        "truncated, run_id, episode_step; a run's next export is made so",
    )
    twins: Annotated[bool, Mark.PROJECT_SETS] = Field(
        False, description="whether runs of the same steps, copies of a log say, all count"
    )
    debounce: Annotated[float, Mark.PROJECT_RAISES] = Field(
        2.0, ge=0, le=DAY, description="seconds without a new run before the dataset is brought up"
    )
    max_wait: float = Field(
        60.0, ge=0, le=DAY, description="seconds after which it is brought up all the same"
    )
    salt: Annotated[str, Mark.PROJECT_SETS] = Field(
        "cadenza", max_length=100, description="what the hash that splits runs begins with"
    )
    test: Annotated[float, Mark.PROJECT_SETS] = Field(
        0.1, ge=0, le=1, description="share of runs that are held out for tests"
    )
