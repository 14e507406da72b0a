"""What a project says of recordings that are taken in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from handlers.settings import Mark, Refusal, Section
from store.errors import ConfigError


class TakeInSettings(Section):
    """Recordings of other tools (MCAP, LeRobot, Minari) as runs: which value is which field."""

    fields: Annotated[tuple[str, ...], Mark.PROJECT_SETS] = Field(
        (),
        strict=False,
        description='"FIELD = SOURCE": a tick\'s field and where it is, "obs.pos_x = '
        '/odom:pose.pose.position.x" or "obs.pos_x = observation.state[0]"; empty: as '
        "`cadenza env finetune` writes such files",
        examples=[["action = /cmd:action"]],
    )
    alignment: Annotated[Literal["before", "after"], Mark.PROJECT_SETS] = Field(
        "before", description="whether a recorded observation is of before or after its action"
    )
    rate: Annotated[float, Mark.PROJECT_SETS] = Field(
        0.0,
        ge=0,
        le=1000,
        description="ticks a second that messages are put on; 0: one for each message of the "
        "action's topic",
    )

    @field_validator("fields")
    @classmethod
    def _can_be_read(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        if fields:
            from handlers.takein.mapping import parse_fields  # most configurations have none

            try:
                parse_fields(fields, "fields")
            except ConfigError as error:
                raise Refusal(error.message.removeprefix("fields: "), hint=error.hint) from None
        return fields
