"""What every event is made of: frozen structs, written as JSON objects of their fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, dataclass_transform

import msgspec
from msgspec import field

F = TypeVar("F", bound="Fact")

Count = Annotated[int, msgspec.Meta(ge=0)]
Ordinal = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""Counted from 1; SQLite holds it."""

if TYPE_CHECKING:
    # To a type checker a fact is a frozen dataclass with fields by name alone: it does not see
    # what a struct inherits of settings.
    @dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
    class _Struct: ...

else:

    class _FactType(msgspec.StructMeta):
        """Makes the classes of facts, all with the same settings.

        msgspec leaves out either every field that is at its default or none, and never one whose
        default it has to call for: where a class has LATER, the others are made such.
        """

        def __new__(mcls, name, bases, namespace):
            own = namespace.get("LATER", frozenset())
            later = own.union(*(getattr(base, "LATER", ()) for base in bases))
            if later:
                for base in bases:
                    if getattr(base, "__struct_defaults__", ()) and not base.LATER:
                        raise TypeError(f"{name}: what {base.__name__} has would be left out too")
                namespace = _with_defaults(dict(namespace), later)
            return super().__new__(
                mcls,
                name,
                bases,
                namespace,
                frozen=True,
                kw_only=True,
                forbid_unknown_fields=True,
                gc=False,  # made of JSON's values: nothing in it can lead back to it
                omit_defaults=bool(later),
            )

    def _with_defaults(namespace, later):
        """A class's namespace with its defaults written as `_FactType` says."""
        known = {}
        for name in namespace.get("__annotations__", {}):
            value = namespace.get(name, msgspec.NODEFAULT)
            if value is msgspec.NODEFAULT or name == "LATER":
                continue
            if name not in later:
                make = value.default_factory if isinstance(value, _FIELD) else lambda v=value: v
                namespace[name] = field(default_factory=lambda make=make: make())
            elif isinstance(value, str) and value:
                known[name] = value
        if known:
            # A default is known by being the same object, which an equal text need not be.
            def settle(self):
                for name, value in known.items():
                    if getattr(self, name) == value:
                        msgspec.structs.force_setattr(self, name, value)

            namespace["__post_init__"] = settle
        return namespace

    _FIELD = type(field(default=0))

    class _Struct(msgspec.Struct, metaclass=_FactType):
        pass


class Fact(_Struct):
    """Base of everything stored: frozen, strict about names and types when it is read.

    That a program makes none of other types is left to the type checker, and the log reads what is
    appended before it stores it. LATER: fields that a class did not have at first. They have
    defaults, and are written only where they say something else: what was stored before is written
    as it was.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def of_json(cls: type[F], data: str | bytes) -> F:
        """The fact of a JSON object. Raises ValueError, which says where it does not fit."""
        fact: F = decoder(cls).decode(data)  # type: ignore[arg-type]
        return fact

    @classmethod
    def of_shape(cls: type[F], shape: Mapping[str, Any]) -> F:
        """The fact of fields as `json.loads` gives them. Raises ValueError."""
        return msgspec.convert(shape, cls)

    def as_json(self) -> bytes:
        """What is stored. Raises TypeError or ValueError for values that JSON cannot hold."""
        return ENCODER.encode(self)

    def as_shape(self, without: Collection[str] = ()) -> dict[str, Any]:
        """The same as dicts, lists and plain values, `without` some of its fields."""
        shape: dict[str, Any] = msgspec.json.decode(self.as_json())
        return {name: value for name, value in shape.items() if name not in without}

    def values(self) -> dict[str, Any]:
        """Its fields, by name, for another fact that has them too."""
        return {name: getattr(self, name) for name in self.fields()}

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """The names of its fields, in the order in which they are written."""
        names: tuple[str, ...] = cls.__struct_fields__  # type: ignore[attr-defined]
        return names

    def changed(self: F, **fields: Any) -> F:
        """The same with some fields at other values."""
        return msgspec.structs.replace(self, **fields)  # type: ignore[type-var]


class Event(Fact):
    """Base of all events."""

    schema_version: ClassVar[int] = 1

    @classmethod
    def type_name(cls) -> str:
        return cls.__name__


@cache
def decoder(cls: Any) -> msgspec.json.Decoder[Any]:
    """What reads facts of a class. Made when first asked for: of some 90 few are used."""
    return msgspec.json.Decoder(cls)


def _plain(value: object) -> object:
    """numpy's floats, which are Python's besides, and whatever else is a number with more to it."""
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


ENCODER = msgspec.json.Encoder(enc_hook=_plain)
