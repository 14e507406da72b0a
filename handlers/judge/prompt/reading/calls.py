"""What a call comes to, of the functions and methods that prompts are made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.judge.prompt.reading import methods
from handlers.judge.prompt.reading.modules import Module, Scope
from handlers.judge.prompt.reading.paths import Handle, Loaded, Place
from handlers.judge.prompt.reading.templates import formatted, substituted
from handlers.judge.prompt.writing.text import LONGEST, Text, joined

Value = object
"""Text, Place, Handle, Loaded, Named, a number, a list or dict of values; UNKNOWN."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is known only when the code runs."""

    why: str = "computed when it runs"


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Named:
    """Something outside the project, by its whole name: `textwrap.dedent`."""

    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a value, not called yet."""

    of: Value
    name: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A module of the project."""

    module: Module


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the project."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Template:
    """A string.Template."""

    text: Text


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call is given. `named` is None where `**` passes what is not known."""

    args: Sequence[Value]
    named: Mapping[str, Value] | None

    def get(self, at: int, name: str = "", default: Value = None) -> Value:
        if at < len(self.args):
            return self.args[at]
        return (self.named or {}).get(name, default)

    def text(self, at: int, name: str = "") -> Text | None:
        """An argument that is text."""
        value = self.get(at, name)
        return value if isinstance(value, Text) else None

    def plain(self, at: int, name: str = "") -> str | None:
        """An argument that is text, and known."""
        value = self.text(at, name)
        return value.value if value is not None and value.is_exact else None


def called(function: Value, given: Arguments, source: str) -> Value:
    """What a call comes to. `source`: how it is written, to show a text that is not known."""
    match function:
        case Method(of=Text() as text, name=name):
            return _of_text(text, name, given, source)
        case Method(of=Template(text), name="substitute" | "safe_substitute"):
            named = given.get(0) if given.args else given.named
            return substituted(text, named if isinstance(named, Mapping) else None)
        case Method(of=Place() as place, name=name):
            return _of_path(place, name, given)
        case Method(of=Handle() as handle, name=name):
            return UNKNOWN if given.args else _of_handle(handle, name)
        case Method(of=dict() as values, name="get"):
            key = given.plain(0)
            return values.get(key, given.get(1)) if key in values else UNKNOWN
        case Method(of=Loaded() as loaded, name="get"):
            key = given.plain(0)
            return UNKNOWN if key is None else below(loaded, key)
        case Named(name=name):
            return _function(name, given, source)
    return UNKNOWN


def below(loaded: Loaded, key: str | int) -> Loaded:
    """What lies under a key of what was parsed."""
    return Loaded(loaded.format, loaded.handle, (*loaded.keys, key))


def _of_text(text: Text, name: str, given: Arguments, source: str) -> Value:
    match name:
        case "strip" | "lstrip" | "rstrip":
            characters = given.plain(0)
            if given.args and characters is None:
                return Text.hole(source)
            sides = {"left": name != "rstrip", "right": name != "lstrip"}
            return methods.stripped(text, characters, **sides)
        case "format":
            return formatted(text, given.args, given.named)
        case "format_map":
            values = given.get(0)
            return formatted(text, (), values if isinstance(values, Mapping) else None)
        case "replace":
            old, new = given.text(0), given.text(1)
            if old is None or new is None or len(given.args) != 2:
                return Text.hole(source)
            replaced = methods.replaced(text, old, new)
            return replaced if replaced is not None else Text.hole(source)
        case "removeprefix" | "removesuffix":
            affix = given.text(0)
            if affix is None:
                return Text.hole(source)
            made = methods.without_affix(text, affix, at_end=name == "removesuffix")
            return made if made is not None else Text.hole(source)
        case "join":
            items = given.get(0)
            if isinstance(items, list) and all(isinstance(item, Text) for item in items):
                return joined(items, text.unwritten())  # it stands there once, and here often
            return Text.hole(source)
        case "split" | "splitlines" if text.is_exact and not given.named:
            arguments = [given.plain(at) for at in range(len(given.args))]
            if None not in arguments:
                return [Text.fixed(part) for part in getattr(text.value, name)(*arguments)]
    if name in methods.COMPUTED and text.is_exact and not given.args:
        return Text.fixed(getattr(text.value, name)())
    return Text.hole(source) if name in methods.TEXTUAL else UNKNOWN


def _of_path(place: Place, name: str, given: Arguments) -> Value:
    match name:
        case "resolve" | "absolute" | "expanduser" | "__fspath__" | "as_posix":
            return place
        case "joinpath":
            parts = [given.plain(at) for at in range(len(given.args))]
            for part in parts:
                if part is None:
                    return UNKNOWN
                place = place / part
            return place
        case "with_name":
            part = given.plain(0)
            return UNKNOWN if part is None else place.parent / part
        case "read_text":
            encoding = _encoding(given, 0)
            return UNKNOWN if encoding is None else Read(Handle(place, encoding))
        case "read_bytes":
            return Read(Handle(place, "utf-8", is_binary=True))
        case "open":
            return _opened(place, given, 0)
    return UNKNOWN


def _opened(place: Place, given: Arguments, mode_at: int) -> Value:
    mode = given.plain(mode_at, "mode") or "r"
    encoding = _encoding(given, mode_at + 2)
    if mode not in ("r", "rt", "rb") or "newline" in (given.named or {}) or encoding is None:
        return UNKNOWN
    return Handle(place, encoding, is_binary="b" in mode)


def _encoding(given: Arguments, at: int) -> str | None:
    """UTF-8 where none is said; None for one that cannot be known."""
    return "utf-8" if given.get(at, "encoding") is None else given.plain(at, "encoding")


@dataclass(frozen=True, slots=True)
class Read:
    """All that a file holds, not looked at yet: as text, or to be parsed."""

    handle: Handle


def _of_handle(handle: Handle, name: str) -> Value:
    return Read(handle) if name == "read" else UNKNOWN


def as_place(value: Value) -> Place | None:
    """A path from what code passes as one."""
    if isinstance(value, Text) and value.is_exact:
        return Place(value.value)
    return value if isinstance(value, Place) else None


def _function(name: str, given: Arguments, source: str) -> Value:
    first = given.get(0)
    match name:
        case "textwrap.dedent" | "inspect.cleandoc" if isinstance(first, Text):
            made = methods.dedented if name == "textwrap.dedent" else methods.cleaned
            return made(first)
        case "str" if isinstance(first, Text) and len(given.args) == 1:
            return first
        case "str" | "textwrap.dedent" | "inspect.cleandoc" | "textwrap.fill" | "textwrap.indent":
            return Text.hole(source)
        case "string.Template" if isinstance(first, Text):
            return Template(first)
        case "dict" if not given.args and given.named is not None:
            return dict(given.named)
        case "list" | "tuple" if isinstance(first, list):
            return first
        case "open" | "io.open" | "codecs.open":
            place = as_place(first)
            return UNKNOWN if place is None else _opened(place, given, 1)
    if name.startswith("os.environ") or name == "os.getenv":
        return Unknown("taken from the environment")
    return _path_function(name, given) or _parser(name, given)


def _path_function(name: str, given: Arguments) -> Value:
    place = as_place(given.get(0))
    match name:
        case "pathlib.Path.cwd" | "os.getcwd":
            return Place(".")
        case "pathlib.Path" | "pathlib.PurePath" | "os.path.join" if place is not None:
            for at in range(1, len(given.args)):
                part = given.plain(at)
                if part is None:
                    return UNKNOWN
                place = place / part
            return place
        case "os.path.dirname":
            return place.parent if place is not None else UNKNOWN
        case "os.path.abspath" | "os.path.realpath" | "os.fspath" | "os.path.normpath":
            return place if place is not None else UNKNOWN
    return None


_PARSERS = {
    "json.load": "json", "json.loads": "json", "tomllib.load": "toml", "tomllib.loads": "toml",
    "tomli.load": "toml", "tomli.loads": "toml", "yaml.safe_load": "yaml", "yaml.load": "yaml",
    "yaml.full_load": "yaml",
}  # fmt: skip


def _parser(name: str, given: Arguments) -> Value:
    match name in _PARSERS, given.get(0):
        case True, Handle() as handle if not name.endswith("loads"):
            return Loaded(_PARSERS[name], handle)
        case True, Read(handle):
            return Loaded(_PARSERS[name], handle)
    return UNKNOWN


def too_long(text: Text) -> bool:
    """Whether a text is longer than any prompt."""
    return len(text.value) > LONGEST
