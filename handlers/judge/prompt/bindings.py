"""Where a module binds SYSTEM_PROMPT: the one place that can be edited, and all that may undo it.

Found with `ast`, so a comment or a docstring that mentions the name is none. What binds it in a way
nobody can follow (`globals()[...]`, a later `import *`) counts as a binding too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from store.errors import InputError

NAME = "SYSTEM_PROMPT"
_CHANGES = frozenset({"update", "setdefault", "pop", "popitem", "clear", "__setitem__"})


class RefusedSource(InputError):
    """A prompt that is not edited, with the file, the line and the reason."""


class NoPrompt(RefusedSource):
    """The project has no SYSTEM_PROMPT."""


class BlockConflict(RefusedSource):
    """Somebody edited the managed block: it is theirs now."""


def constant(tree: ast.Module, path: Path) -> ast.Constant:
    """The string that SYSTEM_PROMPT is set to, if it is set once, plainly, in the module.

    Raises NoPrompt when it is not set at all, RefusedSource when it is set in another way.
    """
    found = sites(tree)
    if not found:
        raise NoPrompt(f"{path}:1: no module-level {NAME}")
    if len(found) > 1:
        second = found[1]
        if isinstance(second, ast.ImportFrom) and _is_star(second):
            raise RefusedSource(f"{path}:{second.lineno}: {NAME} may be set by this import *")
        lines = ", ".join(str(site.lineno) for site in found)
        raise RefusedSource(f"{path}:{second.lineno}: {NAME} is set {len(found)} times: {lines}")
    site = found[0]
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


def sites(tree: ast.Module) -> list[ast.stmt | ast.expr]:
    """Everything that binds the name in the module's scope, or may, in the order of the lines."""
    found: list[ast.stmt | ast.expr] = [*_statements_that_bind(tree), *_indirect(tree)]
    if found:
        # One before the name is set does nothing to it.
        first = min(site.lineno for site in found)
        stars = (node for node in _imports(tree) if _is_star(node))
        found += [node for node in stars if node.lineno > first]
    return sorted(found, key=lambda site: (site.lineno, site.col_offset))


def defines(tree: ast.Module) -> bool:
    """Whether the name is set here, and not only imported from where it is."""
    return any(not isinstance(site, ast.Import | ast.ImportFrom) for site in sites(tree))


def imported_from(tree: ast.Module) -> set[str]:
    """The modules that the name is imported from, or may be."""
    return {
        (node.module or "").rpartition(".")[2]
        for node in _imports(tree)
        if _is_star(node) or any(name.name == NAME for name in node.names)
    }


def _imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))


def _is_star(node: ast.ImportFrom) -> bool:
    return any(name.name == "*" for name in node.names)


def _statements_that_bind(tree: ast.Module) -> Iterator[ast.stmt]:
    open_: list[ast.stmt] = list(tree.body)
    while open_:
        statement = open_.pop(0)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if _definition_binds(statement):
                yield statement
            continue
        nested = list(_directly_inside(list(ast.iter_child_nodes(statement))))
        if _binds(statement, skip=nested):
            yield statement
        open_.extend(nested)


def _definition_binds(
    statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> bool:
    """By its name, by `global` anywhere inside, or in what is worked out when it is defined."""
    if statement.name == NAME or any(
        isinstance(node, ast.Global) and NAME in node.names for node in ast.walk(statement)
    ):
        return True
    at_once: list[ast.AST | None] = [*statement.decorator_list]
    if isinstance(statement, ast.ClassDef):
        at_once += [*statement.bases, *(keyword.value for keyword in statement.keywords)]
    else:
        at_once += [*statement.args.defaults, *statement.args.kw_defaults]
    return any(node is not None and _binds(node, skip=()) for node in at_once)


def _directly_inside(nodes: Sequence[ast.AST]) -> Iterator[ast.stmt]:
    """The statements directly inside, also those in handlers and cases."""
    for node in nodes:
        if isinstance(node, ast.stmt):
            yield node
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            yield from node.body


def _binds(outer: ast.AST, skip: Sequence[ast.stmt]) -> bool:
    """Whether a statement itself, not one nested in it, binds the name."""
    inner = {id(node) for nested in skip for node in ast.walk(nested)}
    return any(id(node) not in inner and _is_binding(node) for node in ast.walk(outer))


def _is_binding(node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return name == NAME
        case ast.alias(name=name, asname=asname):
            return (asname or name.split(".")[0]) == NAME
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name == NAME
        case ast.MatchMapping(rest=name):
            return name == NAME
    return False


def _indirect(tree: ast.Module) -> Iterator[ast.expr]:
    """Writes to the module's namespace that name it, or could: from anywhere in the file."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=space, slice=key, ctx=ast.Store() | ast.Del()):
                if (_is_it(key) and _is_namespace(space)) or (
                    _calls(space, "globals") and not isinstance(key, ast.Constant)
                ):
                    yield node
            case ast.Call(func=ast.Attribute(value=space, attr=attr)):
                if attr in _CHANGES and _calls(space, "globals"):
                    yield node
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[_, key, *_]):
                if _is_it(key):
                    yield node
            case ast.Attribute(
                value=ast.Subscript(value=ast.Attribute(attr="modules")),
                attr=attr,
                ctx=ast.Store() | ast.Del(),
            ):
                if attr == NAME:
                    yield node


def _is_it(key: ast.expr) -> bool:
    return isinstance(key, ast.Constant) and key.value == NAME


def _is_namespace(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "__dict__"
    return _calls(node, "globals", "vars", "locals")


def _calls(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
