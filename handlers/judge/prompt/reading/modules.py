"""A module as it is read: its tree, its names, and where in the file a node stands."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from handlers.judge.prompt.reading.bindings import Bindings, Place, straight_line
from handlers.judge.prompt.writing.documents import Document, Files, python_file
from handlers.judge.prompt.writing.errors import RefusedSource
from handlers.judge.prompt.writing.notebook import notebook

NOTEBOOK = ".ipynb"
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, eq=False)
class Module:
    """A Python file, or the code of a notebook. `path` may be a link to the document's."""

    document: Document
    tree: ast.Module
    path: Path

    @cached_property
    def scope(self) -> Scope:
        return Scope(self, self.tree, None)

    @cached_property
    def loads(self) -> Mapping[str, int]:
        """How often each name is read, anywhere in the module."""
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.Name))
        return Counter(node.id for node in nodes if isinstance(node.ctx, ast.Load))

    @cached_property
    def attribute_loads(self) -> Mapping[str, int]:
        """How often each attribute is read, of anything."""
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, ast.Attribute))
        return Counter(node.attr for node in nodes if isinstance(node.ctx, ast.Load))

    @cached_property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """Every node's parent."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.document.text))]

    def at(self, line: int, column: int) -> int:
        """The character at a position as `ast` counts: lines from 1, columns in bytes of UTF-8."""
        start = self._starts[line - 1]
        if column == 0:
            return start
        end = self._starts[line] if line < len(self._starts) else len(self.document.text)
        text = self.document.text[start:end]
        return start + (column if text.isascii() else len(text.encode()[:column].decode()))

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where an expression begins and ends, parentheses around it left out."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = self.at(node.lineno, node.col_offset)
        return begin, self.at(node.end_lineno, node.end_col_offset)

    def where(self, node: ast.stmt | ast.expr) -> str:
        """file:line, as messages name a place."""
        return f"{self.path}:{node.lineno}"


@dataclass(frozen=True, eq=False)
class Scope:
    """The names of a module, a class or a function, and of what it lies in."""

    module: Module
    place: Place
    outer: Scope | None

    @cached_property
    def bindings(self) -> Bindings:
        return Bindings(self.place)

    @cached_property
    def straight(self) -> Sequence[ast.stmt]:
        return list(straight_line(self.place.body))

    def owner(self, name: str) -> Scope | None:
        """The scope that a name belongs to, as Python looks it up; None for a builtin."""
        scope: Scope | None = self
        while scope is not None:
            # A method does not see the names of its class.
            hidden = scope is not self and isinstance(scope.place, ast.ClassDef)
            if not hidden and (scope.bindings.of(name) or name in scope.parameters):
                return scope
            scope = scope.outer
        return None

    @cached_property
    def parameters(self) -> frozenset[str]:
        if isinstance(self.place, ast.Module | ast.ClassDef):
            return frozenset()
        return frozenset(
            item.arg for item in ast.walk(self.place.args) if isinstance(item, ast.arg)
        )

    def inner(self) -> Iterator[Scope]:
        """The scopes of the classes and functions in this one, and of those in them."""
        open_: list[ast.AST] = list(self.place.body)
        while open_:
            node = open_.pop(0)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                scope = Scope(self.module, node, self)
                yield scope
                yield from scope.inner()
            else:
                open_ = [*ast.iter_child_nodes(node), *open_]


def parsed(path: Path, text: str) -> ast.Module:
    """A module's tree. Raises RefusedSource with the line."""
    try:
        with warnings.catch_warnings():  # of the file's own odd escapes
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise RefusedSource(f"{path}:{error.lineno or 1}: is not Python: {error.msg}") from None
    except (UnicodeError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedSource(f"{path}:1: cannot be parsed: {error}") from None


def read_module(files: Files, path: Path) -> Module:
    """A module of the project. Raises RefusedSource when it cannot be read or is no Python."""
    return _module(files.resolve(path), path, files.read(path))


@lru_cache(maxsize=16)
def _module(real: Path, path: Path, data: bytes) -> Module:
    """The same bytes are read many times over: a judging proves some ten edits of one file, and
    each proof reads the file before and after it."""
    if path.suffix == NOTEBOOK:
        book = notebook(real, data)
        return Module(book, parsed(path, book.code), path)
    document = python_file(real, data)
    return Module(document, parsed(path, document.text), path)
