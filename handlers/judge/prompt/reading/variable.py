"""A variable that holds the prompt, and the one statement that says what it is.

It must not be in doubt: set once, or each time from what it was, and by a statement that surely
runs.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handlers.judge.prompt.reading.assignments import expression
from handlers.judge.prompt.reading.bindings import Site, is_star
from handlers.judge.prompt.reading.calls import Unknown
from handlers.judge.prompt.reading.evaluate import Evaluator
from handlers.judge.prompt.reading.holders import Holder
from handlers.judge.prompt.reading.modules import Module
from handlers.judge.prompt.writing.documents import Document, Files
from handlers.judge.prompt.writing.errors import NAME, NoPrompt, RefusedSource, setting
from handlers.judge.prompt.writing.text import Text


@dataclass(frozen=True)
class Found:
    """The prompt, where it is said: an expression of a module, or a file of text.

    `label` calls the place as the setting does, relative to the project.
    """

    document: Document
    line: int
    label: str
    text: Text
    module: Module | None = None
    node: ast.expr | None = None

    @property
    def path(self) -> Path:
        """The file that says it."""
        return self.document.path

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"


def in_module(reader: Evaluator, module: Module, name: str = NAME) -> Found:
    """A variable of a module, or of the one that it imports it from.

    Raises NoPrompt when it is not set at all, RefusedSource when it is in doubt what it is.
    """
    site = _site(module, name)
    if isinstance(site, ast.ImportFrom):
        origin = reader.origin(site, name, module)
        if origin is None:
            raise RefusedSource(
                f"{module.where(site)}: {name} is not set by a plain assignment, but imported from"
                f" {'.' * site.level}{site.module or ''}, which is not in the project"
            )
        return in_module(reader, *origin)
    node = expression(site, name)
    value = reader.text(reader.bound(module.scope, name), module.scope)
    if isinstance(value, Text) and node is not None:
        return Found(
            module.document, node.lineno, reader.files.label(module.path, name), value, module, node
        )
    raise _refused(reader, module, site, name, value, node)


def held(reader: Evaluator, module: Module, these: Sequence[Holder]) -> list[Found]:
    """The holders whose text is known, in part at least."""
    found = []
    for holder in these:
        value = holder.value(reader)
        if isinstance(value, Text) and any(ink is None or ink.slot for ink in value.ink):
            label = reader.files.label(module.path, holder.label)
            line = holder.node.lineno
            found.append(Found(module.document, line, label, value, module, holder.node))
    return found


def ambiguous(files: Files, found: Sequence[Found]) -> RefusedSource:
    """What is said where several places are as good."""
    places = ", ".join(f"{one.label} (line {one.line})" for one in found[:4])
    return RefusedSource(
        f"{files.root}: {len(found)} places may hold the prompt: {places}",
        hint=setting(found[0].label),
    )


# -- what is refused ------------------------------------------------------------------------------


def _site(module: Module, name: str) -> Site:
    """The statement that sets a variable last. Raises for what nobody can follow."""
    sites = module.scope.bindings.of(name)
    if not sites:
        raise NoPrompt(f"{module.path}:1: no module-level {name}")
    if len(sites) > 1:
        _expect_chain(module, sites, name)
    site = sites[-1]
    where = module.where(site)
    if site not in module.scope.straight:
        plain = isinstance(site, ast.Assign | ast.AnnAssign)
        what = "set under a condition or in a block" if plain else "not set by a plain assignment"
        raise RefusedSource(f"{where}: {name} is {what}", hint=setting("prompts.py:BASE"))
    if len(sites) == 1 and not isinstance(site, ast.Assign | ast.AnnAssign | ast.ImportFrom):
        raise RefusedSource(f"{where}: {name} is not set by a plain assignment")
    return site


def _expect_chain(module: Module, sites: Sequence[Site], name: str) -> None:
    """Raises where a variable is set more than once, and not each time from what it was."""
    second = sites[1]
    if is_star(second):
        raise RefusedSource(f"{module.where(second)}: {name} may be set by this import *")
    for site in sites[1:]:
        goes_on = isinstance(site, ast.AugAssign) or (
            isinstance(site, ast.Assign | ast.AnnAssign)
            and site.value is not None
            and any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(site.value))
        )
        if not goes_on or site not in module.scope.straight:
            lines = ", ".join(str(one.lineno) for one in sites)
            raise RefusedSource(
                f"{module.where(second)}: {name} is set {len(sites)} times: {lines}",
                hint=f"set it once, or {setting(f'{module.path.name}:OTHER_NAME')}",
            )


def _refused(
    reader: Evaluator, module: Module, site: Site, name: str, value: object, node: ast.expr | None
) -> RefusedSource:
    why = value.why if isinstance(value, Unknown) and value.why != Unknown().why else _kind(node)
    return RefusedSource(
        f"{module.where(site)}: {name} is {why}, not text that can be known by reading",
        hint=setting(f"{reader.files.name(module.path)}:OTHER_NAME"),
    )


def _kind(value: ast.expr | None) -> str:
    match value:
        case None:
            return "declared without a value"
        case ast.Constant(constant) if not isinstance(constant, str):
            return repr(constant)[:40]
        case ast.Call():
            return "the result of a call"
        case ast.BinOp():
            return "computed with an operator"
        case ast.IfExp():
            return "chosen by a condition"
        case ast.Name() | ast.Attribute():
            return "another name's value"
    return f"a {type(value).__name__}"
