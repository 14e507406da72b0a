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
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from handlers.judge.block import Block, block_text, find_block, place_for, without_block
from handlers.judge.rules import Rule
from handlers.project.paths import ENCODER_FILE, inside
from store.errors import InputError, UnsafePathError

NAME = "SYSTEM_PROMPT"
PREFERRED = "main.py"
MAX_BYTES = 4 << 20
BOM = b"\xef\xbb\xbf"


class RefusedSource(InputError):
    """A prompt that is not edited, with the file, the line and the reason."""


class NoPrompt(RefusedSource):
    """The project has no SYSTEM_PROMPT."""


class BlockConflict(RefusedSource):
    """Somebody edited the managed block: it is theirs now."""


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
    """The project's prompt: in main.py, else in the one other file that has it.

    Raises NoPrompt when there is none, RefusedSource when it is not one that can be edited.
    """
    found = []
    for path in sorted(project.glob("*.py"), key=lambda path: (path.name != PREFERRED, path.name)):
        if path.name == ENCODER_FILE or NAME.encode() not in _read(project, path):
            continue
        if path.name == PREFERRED:
            return read_prompt(project, path)
        found.append(path)
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise RefusedSource(
            f"{project}: {names} both speak of {NAME}", hint=f"keep it in {PREFERRED}"
        )
    if not found:
        raise NoPrompt(
            f"{project}: no .py file has a module-level {NAME}",
            hint=f'put {NAME} = """...""" into {PREFERRED}',
        )
    return read_prompt(project, found[0])


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
        real = inside(project, path)
        if real.stat().st_size > MAX_BYTES:
            raise RefusedSource(f"{path}: is larger than {MAX_BYTES >> 20} MiB")
        return real.read_bytes()
    except UnsafePathError as error:
        raise RefusedSource(error.message, hint=error.hint) from None
    except OSError as error:
        raise RefusedSource(f"{path}: cannot be read: {error.strerror}") from None


def _literal(data: bytes, path: Path) -> _Literal:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        bom = data.startswith(BOM)
        text = data.decode(encoding)
        exact = text.encode(encoding) == data
        with warnings.catch_warnings():  # of the file's own odd escapes
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except SyntaxError as error:
        raise RefusedSource(f"{path}:{error.lineno or 1}: is not Python: {error.msg}") from None
    except (UnicodeError, LookupError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedSource(f"{path}:1: cannot be parsed: {error}") from None
    if not exact:
        raise RefusedSource(f"{path}:1: its encoding {encoding} does not round-trip")
    node = _constant(tree, path)
    utf8 = text.encode("utf-8")
    starts = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", utf8))]
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    start = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + node.end_col_offset
    return _Literal(node, tree, utf8, start, end, encoding, bom)


def _constant(tree: ast.Module, path: Path) -> ast.Constant:
    """The string that SYSTEM_PROMPT is set to, if it is set once, plainly, in the module."""
    sites = list(_sites(tree))
    if not sites:
        raise NoPrompt(f"{path}:1: no module-level {NAME}")
    if len(sites) > 1:
        lines = ", ".join(str(site.lineno) for site in sites)
        raise RefusedSource(f"{path}:{sites[1].lineno}: {NAME} is set {len(sites)} times: {lines}")
    site = sites[0]
    where = f"{path}:{site.lineno}"
    if site not in tree.body:
        raise RefusedSource(f"{where}: {NAME} is set under a condition or in a block")
    if isinstance(site, ast.Assign):
        if len(site.targets) != 1 or not isinstance(site.targets[0], ast.Name):
            raise RefusedSource(f"{where}: {NAME} is set together with other names")
        value: ast.expr | None = site.value
    elif isinstance(site, ast.AnnAssign):
        value = site.value
    else:
        raise RefusedSource(f"{where}: {NAME} is not set by a plain assignment")
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value
    raise RefusedSource(f"{where}: {NAME} is {_kind(value)}, not a plain string")


def _kind(value: ast.expr | None) -> str:
    match value:
        case None:
            return "declared without a value"
        case ast.JoinedStr():
            return "an f-string"
        case ast.Call():
            return "the result of a call"
        case ast.BinOp():
            return "computed with an operator"
        case ast.IfExp():
            return "chosen by a condition"
        case ast.Constant(value=bytes()):
            return "bytes"
        case ast.Name() | ast.Attribute():
            return "another name's value"
    return f"a {type(value).__name__}"


def _sites(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement that binds the name in the module's scope."""
    open_: list[ast.stmt] = list(tree.body)
    while open_:
        statement = open_.pop(0)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            if statement.name == NAME or any(
                isinstance(node, ast.Global) and NAME in node.names for node in ast.walk(statement)
            ):
                yield statement
            continue
        if isinstance(statement, ast.ClassDef):
            if statement.name == NAME:
                yield statement
            continue
        children = list(ast.iter_child_nodes(statement))
        nested = list(_statements(children))
        if _binds(statement, skip=nested):
            yield statement
        open_.extend(nested)


def _statements(nodes: list[ast.AST]) -> Iterator[ast.stmt]:
    """The statements directly inside, also those in handlers and cases."""
    for node in nodes:
        if isinstance(node, ast.stmt):
            yield node
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            yield from node.body


def _binds(statement: ast.stmt, skip: list[ast.stmt]) -> bool:
    """Whether a statement itself, not one nested in it, binds the name."""
    inner = {id(node) for nested in skip for node in ast.walk(nested)}
    for node in ast.walk(statement):
        if id(node) in inner:
            continue
        if isinstance(node, ast.Name) and node.id == NAME and not isinstance(node.ctx, ast.Load):
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name.split(".")[0]) == NAME:
            return True
    return False


def _value(node: ast.Constant) -> str:
    assert isinstance(node.value, str)
    return node.value


# -- splicing --------------------------------------------------------------------------------------

_ESCAPE = re.compile(
    r"\\(?:\r\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|.)", re.DOTALL
)
_PREFIX = re.compile(r"^([A-Za-z]*)('''|\"\"\"|'|\")", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Part:
    """One string token: its body lies at `start`:`end` of the literal's text (characters)."""

    start: int
    end: int
    close: int
    raw: bool
    triple: bool
    quote: str
    first: int
    length: int


def _spliced(source: PromptSource, start: int, end: int, new: str) -> bytes:
    """The file with characters `start`:`end` of the value replaced by `new`."""
    literal = _literal(source.data, source.path)
    text = literal.utf8[literal.start : literal.end].decode()
    newline = "\r\n" if b"\r\n" in literal.utf8 else "\n"
    if b"\n" not in literal.utf8 and b"\r" in literal.utf8:
        newline = "\r"
    parts = list(_parts(text))
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
        offsets = _offsets(body, raw=part.raw)
        first, last = offsets[start - part.first], offsets[end - part.first]
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


def _parts(text: str) -> Iterator[_Part]:
    """The string tokens of a literal's text, which may be several with comments between."""
    index, first = 0, 0
    while index < len(text):
        if text[index] == "#":
            index = min(
                (at for mark in "\r\n" if (at := text.find(mark, index)) >= 0), default=len(text)
            )
            continue
        match = _PREFIX.match(text[index:])
        if match is None:
            index += 1
            continue
        prefix, quote = match[1].lower(), match[2]
        begin = index + match.end()
        stop = _closing(text, begin, quote)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text[index : stop + len(quote)])
        yield _Part(
            begin, stop, stop + len(quote), "r" in prefix, len(quote) == 3, quote, first, len(value)
        )
        first += len(value)
        index = stop + len(quote)


def _closing(text: str, begin: int, quote: str) -> int:
    """Where the closing quotes begin. A backslash skips a character, in raw strings too."""
    index = begin
    while not text.startswith(quote, index):
        index += 2 if text[index] == "\\" else 1
    return index


def _offsets(body: str, *, raw: bool) -> list[int]:
    """Where each character of the value begins in the body; one more for its end."""
    offsets, index = [], 0
    while index < len(body):
        here = index
        if body.startswith("\r\n", index):
            index += 2
            offsets.append(here)
        elif body[index] != "\\" or raw:
            index += 1
            offsets.append(here)
        else:
            match = _ESCAPE.match(body, index)
            assert match is not None
            index = match.end()
            made = _made(match[0])
            offsets += [here] * made
    offsets.append(len(body))
    return offsets


def _made(escape: str) -> int:
    """How many characters an escape sequence makes: none for a continued line."""
    if escape[1] in "\r\n":
        return 0
    known = "\\'\"abfnrtvxuUN01234567"
    return 1 if escape[1] in known else 2


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
    statements = list(_sites(tree))
    value = getattr(statements[0], "value", None) if len(statements) == 1 else None
    if not isinstance(value, ast.Constant):
        return ast.dump(tree)
    kept, value.value = value.value, ""
    try:
        return ast.dump(tree)
    finally:
        value.value = kept


def code_sha256(data: bytes) -> str:
    """A hash of a module's code with its SYSTEM_PROMPT cut out: our rewrites keep it the same."""
    return hashlib.sha256(skeleton(ast.parse(data)).encode()).hexdigest()
