"""What every event is made of."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """Base of everything stored: frozen, strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Fact):
    """Base of all events."""

    schema_version: ClassVar[int] = 1

    @classmethod
    def type_name(cls) -> str:
        return cls.__name__
