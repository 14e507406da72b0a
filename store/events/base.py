"""What every event is made of."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Fact(BaseModel):
    """Base of everything stored: frozen, strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Grown(Fact):
    """A fact with fields that it did not have at first (LATER). They have defaults, and are written
    only where they say something else: what was stored before is written as it was."""

    LATER: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        written: dict[str, object] = write(self)
        fields = type(self).model_fields
        for name in self.LATER:
            if getattr(self, name) == fields[name].default:
                written.pop(name, None)
        return written


class Event(Fact):
    """Base of all events."""

    schema_version: ClassVar[int] = 1

    @classmethod
    def type_name(cls) -> str:
        return cls.__name__
