"""Strings in JSON, TOML and YAML: where each character of one is written, found by its keys."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.judge.prompt.writing.documents import Document
from handlers.judge.prompt.writing.errors import RefusedSource
from handlers.judge.prompt.writing.strings import Character
from handlers.judge.prompt.writing.text import LONGEST, Ink, Margin, Text, of_characters

Keys = tuple[str | int, ...]
_JSON_SPACE = re.compile(r"[ \t\r\n]*")
_JSON_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u.{4}|.)")
_TOML_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_TOML_ESCAPE = re.compile(r"\\(?:u.{4}|U.{8}|[ \t]*(?:\r?\n)[ \t\r\n]*|.)", re.DOTALL)
_BLOCK_HEADER = re.compile(r"\|(?:[+-]?[1-9]?|[1-9][+-])[ \t]*(?:#[^\r\n]*)?(\r\n|\r|\n)")
_scan = json.decoder.scanstring  # type: ignore[attr-defined]  # gives where a string ends
MARK = "cadenzad-looks-for-this-string"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A string in double quotes of JSON, or of YAML or TOML, which know its escapes."""

    document: Document

    def written(self, text: str) -> str | None:
        made = json.dumps(text, ensure_ascii=not self.document.can_encode(text))
        return made[1:-1]


@dataclass(frozen=True, slots=True)
class Lines:
    """Text as it is: a whole file, a block of YAML, a string of several lines of TOML."""

    document: Document
    escapes: bool = False
    forbidden: str = ""

    def written(self, text: str) -> str | None:
        if self.forbidden and self.forbidden in text:
            return None
        if self.escapes:
            text = text.replace("\\", "\\\\").replace('"', '\\"')
        if not self.document.can_encode(text):
            return None
        return text.replace("\n", self.document.newline)


def whole(document: Document) -> Text:
    """All of a text file, with its line ends as text mode reads them."""
    _expect_fit(document)
    found = [
        ("\n" if match[0] in ("\r\n", "\r") else match[0], match.start(), match.end())
        for match in re.finditer(r"\r\n|.", document.text, re.DOTALL)
    ]
    return of_characters(found, Ink(Lines(document)), empty=0)


def _expect_fit(document: Document) -> None:
    if len(document.text) > LONGEST:
        raise RefusedSource(f"{document.path}: is longer than any prompt ({LONGEST} characters)")


# -- JSON ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JsonString:
    """A string of a JSON file, its quotes at `begin` and before `end`."""

    value: str
    begin: int
    end: int


def json_positions(text: str) -> Any:
    """JSON with each string of it as a JsonString. Raises ValueError when it is none."""
    json.loads(text)
    value, _ = _json_value(text, _space(text, 0))
    return value


def _space(text: str, index: int) -> int:
    match = _JSON_SPACE.match(text, index)
    assert match is not None
    return match.end()


def _json_value(text: str, index: int) -> tuple[Any, int]:
    """A value of valid JSON, and where it ends."""
    opening = text[index]
    if opening == '"':
        value, end = _scan(text, index + 1, False)
        return JsonString(value, index, end), end
    if opening not in "{[":
        return json.JSONDecoder().raw_decode(text, index)
    made: dict[str, Any] = {}
    items: list[Any] = []
    index = _space(text, index + 1)
    while text[index] not in "}]":
        if opening == "{":
            key, index = _scan(text, index + 1, False)
            index = _space(text, _space(text, index) + 1)
            made[key], index = _json_value(text, index)
        else:
            item, index = _json_value(text, index)
            items.append(item)
        index = _space(text, index)
        if text[index] == ",":
            index = _space(text, index + 1)
    return (made if opening == "{" else items), index + 1


def json_characters(text: str, string: JsonString) -> list[Character]:
    """The characters of a JSON string, where they are written."""
    found: list[Character] = []
    index = string.begin + 1
    while index < string.end - 1:
        match = _JSON_ESCAPE.match(text, index)
        if match is None:
            found.append((text[index], index, index + 1))
            index += 1
        else:
            found.append((json.loads(f'"{match[0]}"', strict=False), index, match.end()))
            index = match.end()
    return found


# -- by keys ---------------------------------------------------------------------------------------


def json_text(document: Document, keys: Keys) -> Text:
    """A string of a JSON file. Raises RefusedSource when there is none of these keys."""
    try:
        found = _at(json_positions(document.text), keys)
    except (ValueError, RecursionError) as error:
        raise RefusedSource(f"{document.path}: is not JSON: {error}") from None
    if not isinstance(found, JsonString):
        raise _no_string(document, keys, found)
    characters = json_characters(document.text, found)
    return of_characters(characters, Ink(Quoted(document)), empty=found.begin + 1)


def toml_text(document: Document, keys: Keys) -> Text:
    """A string of a TOML file: the token with which the value under the keys changes."""
    try:
        value = _at(tomllib.loads(document.text), keys)
    except (ValueError, RecursionError) as error:
        raise RefusedSource(f"{document.path}: is not TOML: {error}") from None
    if not isinstance(value, str):
        raise _no_string(document, keys, value)
    for match in _TOML_STRING.finditer(document.text):
        if not _says(match[0], value):
            continue
        tried = f'{document.text[: match.start()]}"{MARK}"{document.text[match.end() :]}'
        try:
            changed = _at(tomllib.loads(tried), keys) == MARK
        except ValueError:
            continue
        if changed:
            return _toml_token(document, match, value)
    return Text.fixed(value)


def _says(token: str, value: str) -> bool:
    try:
        return bool(tomllib.loads(f"x = {token}")["x"] == value)
    except ValueError:
        return False


def _toml_token(document: Document, match: re.Match[str], value: str) -> Text:
    token = match[0]
    quotes = 3 if token[:3] in ('"""', "'''") else 1
    begin, end = match.start() + quotes, match.end() - quotes
    if quotes == 3 and (first := re.match(r"\r?\n", document.text[begin:end])):
        begin += first.end()
    basic = token[0] == '"'
    found: list[Character] = []
    while begin < end:
        escape = _TOML_ESCAPE.match(document.text, begin, end) if basic else None
        if escape is not None:
            made = tomllib.loads(f'x = """{escape[0]}"""')["x"] if escape[0][-1] != "\n" else ""
            made = "" if escape[0][1].isspace() else made
            found += [(made, begin, escape.end())] if made else []
            begin = escape.end()
        else:
            step = 2 if document.text.startswith("\r\n", begin) else 1
            found.append((document.text[begin : begin + step][-1], begin, begin + step))
            begin += step
    if "".join(character for character, _, _ in found) != value:
        return Text.fixed(value)
    ink = Ink(Quoted(document) if basic else Lines(document, forbidden="\n'"))
    if quotes == 3:
        ink = Ink(Lines(document, escapes=True) if basic else Lines(document, forbidden="'''"))
    return of_characters(found, ink, empty=begin)


def yaml_text(document: Document, keys: Keys) -> Text:
    """A string of a YAML file. Known by its characters: `|` blocks and double quotes on a line."""
    import yaml

    _expect_fit(document)
    try:
        node = yaml.compose(document.text, Loader=yaml.SafeLoader)
        found = _at(yaml.safe_load(document.text), keys)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RefusedSource(
            f"{document.path}: is not YAML: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(found, str):
        raise _no_string(document, keys, found)
    for key in keys:
        node = _yaml_child(node, key)
    assert isinstance(node, yaml.ScalarNode)
    begin, end = node.start_mark.index, node.end_mark.index
    text = Text.fixed(found)
    if node.style == "|":
        text = _yaml_block(document, begin, end, found)
    elif node.style == '"' and "\n" not in document.text[begin:end]:
        token = JsonString(found, begin, end)
        try:
            characters = json_characters(document.text, token)
        except ValueError:  # an escape of YAML's own
            return text
        text = of_characters(characters, Ink(Quoted(document)), empty=begin + 1)
    return text if text.value == found else Text.fixed(found)


def _yaml_child(node: Any, key: str | int) -> Any:
    if node.id == "sequence":
        return node.value[int(key)]
    pairs = [value for name, value in node.value if str(name.value) == str(key)]
    return pairs[-1]


def _yaml_block(document: Document, begin: int, end: int, value: str) -> Text:
    """A `|` block: its indentation is taken off every line."""
    header = _BLOCK_HEADER.match(document.text, begin)
    if header is None:
        return Text.fixed(value)
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", document.text[header.end() : end])
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" "))]
    if not indent or not value.startswith(first.strip("\r\n").removeprefix(indent)):
        return Text.fixed(value)
    found: list[Character] = []
    at = header.end()
    for line in lines:
        body = line.rstrip("\r\n")
        skip = min(len(indent), len(body)) if body.startswith(indent) or not body.strip() else 0
        found += [(body[i], at + i, at + i + 1) for i in range(skip, len(body))]
        if len(body) < len(line):
            found.append(("\n", at + len(body), at + len(line)))
        at += len(line)
    found = found[: len(value)]  # what is chomped is not ours to write behind
    return of_characters(found, Ink(Lines(document), (Margin(indent),)))


def _at(value: Any, keys: Sequence[str | int]) -> Any:
    """What lies under some keys; None where nothing does."""
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, value.get(str(key)))
        elif isinstance(value, list) and str(key).isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _no_string(document: Document, keys: Keys, found: object) -> RefusedSource:
    name = ".".join(map(str, keys)) or "the whole"
    what = "is not there" if found is None else f"is a {type(found).__name__}, not text"
    return RefusedSource(f"{document.path}:1: {name} {what}")
