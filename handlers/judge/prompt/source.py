"""Finds SYSTEM_PROMPT in a Python file and changes its managed block, and not one byte besides.

The place is found with `ast`, the change is a splice of bytes, and the result is verified: it
parses, its tree differs in that constant alone, and the author's part of the prompt is the same.
Positions are counted in bytes the way `ast` counts them: `str.splitlines` breaks lines at form
feeds and separators where Python does not.
"""

from __future__ import annotations

import ast
import hashlib
import io
import os
import re
import stat
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handlers.judge.prompt.bindings import NAME as NAME
from handlers.judge.prompt.bindings import BlockConflict as BlockConflict
from handlers.judge.prompt.bindings import NoPrompt as NoPrompt
from handlers.judge.prompt.bindings import RefusedSource as RefusedSource
from handlers.judge.prompt.bindings import constant, defines, imported_from, sites
from handlers.judge.prompt.block import Block, block_text, find_block, place_for, without_block
from handlers.judge.prompt.literal import offsets, parts_of
from handlers.judge.prompt.rules import Rule
from handlers.project.paths import ENCODER_FILE, inside
from store.errors import UnsafePathError

PREFERRED = "main.py"
MAX_BYTES = 4 << 20
_IGNORED = re.compile(r"^(?:\..*|test_.*|.*_test\.py|conftest\.py)$")
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class PromptSource:
    """A file and the constant in it. `value` is the whole prompt, `block` our part of it."""

    path: Path
    data: bytes
    value: str
    block: Block | None
    line: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def find_prompt(project: Path) -> PromptSource:
    """The project's prompt: in main.py, where that imports it from, else in the one file with it.

    Raises NoPrompt when there is none, RefusedSource when it is not one that can be edited.
    """
    found: list[Path] = []
    origins: set[str] = set()
    problems: list[RefusedSource] = []
    for path in _modules(project):
        try:
            data = _read(project, path)
            tree = _parsed(data, path) if NAME.encode() in data else None
        except RefusedSource as problem:
            if path.name == PREFERRED:
                raise
            problems.append(problem)
            continue
        if tree is None:
            continue
        if defines(tree):
            if path.name == PREFERRED:
                return read_prompt(project, path)
            found.append(path)
        elif path.name == PREFERRED:
            origins = imported_from(tree)
    if len(found) > 1:
        found = [path for path in found if path.stem in origins] or found
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise RefusedSource(f"{project}: {names} both set {NAME}", hint=f"keep it in {PREFERRED}")
    if not found:
        if problems:
            raise problems[0]
        raise NoPrompt(
            f"{project}: no .py file has a module-level {NAME}",
            hint=f'put {NAME} = """...""" into {PREFERRED}',
        )
    return read_prompt(project, found[0])


def _modules(project: Path) -> list[Path]:
    """The project's files that may hold its prompt, main.py first: no hidden ones, no tests."""
    paths = [
        path
        for path in project.glob("*.py")
        if not _IGNORED.match(path.name) and path.name != ENCODER_FILE and _is_file(path)
    ]
    return sorted(paths, key=lambda path: (path.name != PREFERRED, path.name))


def _is_file(path: Path) -> bool:
    """Not a folder, a pipe or a device; what a link leads to is looked at when it is read."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def read_prompt(project: Path, path: Path) -> PromptSource:
    """The prompt of one file. Raises RefusedSource with file:line and reason."""
    real = inside(project, path)
    return parse_prompt(_read(project, path), real)


def parse_prompt(data: bytes, path: Path) -> PromptSource:
    """The prompt in a file's bytes."""
    literal = _literal(data, path)
    value = _value(literal.node)
    return PromptSource(path, data, value, find_block(value), literal.node.lineno)


def edited(source: PromptSource, rules: Sequence[Rule]) -> bytes:
    """The file with these rules in the managed block, put in, replaced, or (none) taken out.

    Raises BlockConflict when somebody edited the block, RefusedSource when it cannot be done.
    """
    block = source.block
    if block is not None and not block.intact:
        raise BlockConflict(
            f"{source.path}:{source.line}: {block.problem}",
            hint="take the block out, or put it back as it was; until then it is left alone",
        )
    text = block_text(rules)
    if block is not None:
        start, end = block.start, block.end
        leading = not source.value[start:end].endswith("\n")
    else:
        if not text:
            return source.data
        (start, leading), end = place_for(source.value), -1
        end = start
    new = text and (f"\n{text}" if leading else f"{text}\n")
    after = _spliced(source, start, end, new)
    _verify(source, after, source.value[:start] + new + source.value[end:])
    return after


# -- finding ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Literal:
    """The constant's node, the file as UTF-8 without its BOM, and where the literal lies in it."""

    node: ast.Constant
    tree: ast.Module
    utf8: bytes
    start: int
    end: int
    encoding: str
    bom: bool


def _read(project: Path, path: Path) -> bytes:
    try:
        handle = os.open(inside(project, path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise RefusedSource(f"{path}: is no file")
            data = stream.read(MAX_BYTES + 1)
    except UnsafePathError as error:
        raise RefusedSource(error.message, hint=error.hint) from None
    except OSError as error:
        raise RefusedSource(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise RefusedSource(f"{path}: is larger than {MAX_BYTES >> 20} MiB")
    return data


def _parsed(data: bytes, path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():  # of the file's own odd escapes
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except SyntaxError as error:
        raise RefusedSource(f"{path}:{error.lineno or 1}: is not Python: {error.msg}") from None
    except (UnicodeError, LookupError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedSource(f"{path}:1: cannot be parsed: {error}") from None


def _literal(data: bytes, path: Path) -> _Literal:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        bom = data.startswith(BOM)
        text = data.decode(encoding)
        exact = text.encode(encoding) == data
    except SyntaxError as error:
        raise RefusedSource(f"{path}:{error.lineno or 1}: is not Python: {error.msg}") from None
    except (UnicodeError, LookupError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedSource(f"{path}:1: cannot be parsed: {error}") from None
    tree = _parsed(data, path)
    if not exact:
        raise RefusedSource(f"{path}:1: its encoding {encoding} does not round-trip")
    node = constant(tree, path)
    utf8 = text.encode("utf-8")
    starts = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", utf8))]
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    start = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + node.end_col_offset
    return _Literal(node, tree, utf8, start, end, encoding, bom)


def _value(node: ast.Constant) -> str:
    assert isinstance(node.value, str)
    return node.value


# -- splicing --------------------------------------------------------------------------------------


def _spliced(source: PromptSource, start: int, end: int, new: str) -> bytes:
    """The file with characters `start`:`end` of the value replaced by `new`."""
    literal = _literal(source.data, source.path)
    text = literal.utf8[literal.start : literal.end].decode()
    newline = "\r\n" if b"\r\n" in literal.utf8 else "\n"
    if b"\n" not in literal.utf8 and b"\r" in literal.utf8:
        newline = "\r"
    parts = list(parts_of(text))
    where = f"{source.path}:{source.line}"
    for part in parts:
        holds = part.first <= start and end <= part.first + part.length
        at_border = start == end == part.first + part.length and part is not parts[-1]
        if not holds or at_border:
            continue
        if part.raw and not part.triple and new:
            if start != part.first + part.length:
                raise RefusedSource(f"{where}: a raw one-line string has no room for lines")
            return _put(literal, text[: part.close] + f" {_plain(new)}" + text[part.close :])
        body = text[part.start : part.end]
        places = offsets(body, raw=part.raw)
        first, last = places[start - part.first], places[end - part.first]
        inserted = new.replace("\n", newline) if part.triple else new.replace("\n", "\\n")
        fresh = body[:first] + inserted + body[last:]
        return _put(literal, text[: part.start] + fresh + text[part.end :])
    if parts and start == end == parts[-1].first + parts[-1].length:
        part = parts[-1]
        return _put(literal, text[: part.close] + f" {_plain(new)}" + text[part.close :])
    raise RefusedSource(f"{where}: the managed block lies across several strings")


def _plain(new: str) -> str:
    """A part of its own: an ordinary string on one line. Rules hold no quotes or backslashes."""
    return '"' + new.replace("\n", "\\n") + '"'


def _put(literal: _Literal, text: str) -> bytes:
    utf8 = literal.utf8[: literal.start] + text.encode() + literal.utf8[literal.end :]
    return utf8.decode().encode(literal.encoding)


def _verify(source: PromptSource, after: bytes, wanted: str) -> None:
    """Prove that the edit did what it was to do and nothing else."""
    where = f"{source.path}:{source.line}"
    try:
        made = _literal(after, source.path)
    except RefusedSource as error:
        raise RefusedSource(f"{where}: the edit would break the file: {error.message}") from None
    old = _literal(source.data, source.path)
    same_before = made.utf8[: made.start] == old.utf8[: old.start]
    same_after = made.utf8[made.end :] == old.utf8[old.end :]
    if _value(made.node) != wanted or not (same_before and same_after):
        raise RefusedSource(f"{where}: the string is written in a way that cannot be edited safely")
    if without_block(wanted) != without_block(source.value):
        raise RefusedSource(f"{where}: the edit would change more than the managed block")
    if skeleton(made.tree) != skeleton(old.tree):
        raise RefusedSource(f"{where}: the edit would change more than {NAME}")


def skeleton(tree: ast.Module) -> str:
    """A module without the text of its SYSTEM_PROMPT and without positions, to compare."""
    statements = sites(tree)
    value = getattr(statements[0], "value", None) if len(statements) == 1 else None
    if not isinstance(value, ast.Constant):
        return ast.dump(tree)
    original, value.value = value.value, ""
    try:
        return ast.dump(tree)
    finally:
        value.value = original


def code_sha256(data: bytes) -> str:
    """A hash of a module's code with its SYSTEM_PROMPT cut out: our rewrites keep it the same."""
    with warnings.catch_warnings():  # of the file's own odd escapes
        warnings.simplefilter("ignore")
        tree = ast.parse(data)
    return hashlib.sha256(skeleton(tree).encode()).hexdigest()
