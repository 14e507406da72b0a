"""What binds names in a module, a class or a function, and all that may undo it.

Found with `ast`, so a comment or a docstring that mentions a name is none. What binds it in a way
nobody can follow (`globals()[...]`, a later `import *`) counts as a binding too.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

_CHANGES = frozenset({"update", "setdefault", "pop", "popitem", "clear", "__setitem__"})

Place = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
"""What has names of its own."""
Site = ast.stmt | ast.expr
_ANY = ""
"""Stands for every name: for what may bind any."""


class Bindings:
    """Everything that binds a name in a place, or may; found in one pass."""

    def __init__(self, place: Place) -> None:
        self._sites: dict[str, list[Site]] = defaultdict(list)
        self._stars: list[ast.ImportFrom] = []
        for statement, names in _statements_that_bind(place.body):
            for name in names:
                self._sites[name].append(statement)
        if isinstance(place, ast.Module):
            for site, name in _indirect(place):
                self._sites[name].append(site)
            self._stars = [node for node in _imports(place) if is_star(node)]

    def of(self, name: str) -> list[Site]:
        """What binds a name, in the order of the lines."""
        found = [*self._sites.get(name, ())]
        if found:
            found += self._sites.get(_ANY, ())
            # A star import before the name is set does nothing to it.
            first = min(site.lineno for site in found)
            found += [node for node in self._stars if node.lineno > first]
        return sorted(found, key=lambda site: (site.lineno, site.col_offset))

    @property
    def stars(self) -> Sequence[ast.ImportFrom]:
        """The `from ... import *` of a module."""
        return self._stars

    @property
    def names(self) -> Iterable[str]:
        return (name for name in self._sites if name != _ANY)


def _imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))


def is_star(node: Site) -> bool:
    return isinstance(node, ast.ImportFrom) and any(name.name == "*" for name in node.names)


def straight_line(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that surely run, once and in this order; the bodies of `with` among them."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.With):
            yield from straight_line(statement.body)


def _statements_that_bind(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, set[str]]]:
    open_ = list(body)
    while open_:
        statement = open_.pop(0)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement, _defined(statement)
            continue
        nested = list(_directly_inside(list(ast.iter_child_nodes(statement))))
        yield statement, _bound(statement, skip=nested)
        open_.extend(nested)


def _defined(statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> set[str]:
    """By its name, by `global` anywhere inside, or in what is worked out when it is defined."""
    names = {statement.name}
    for node in ast.walk(statement):
        if isinstance(node, ast.Global):
            names.update(node.names)
    at_once: list[ast.AST | None] = [*statement.decorator_list]
    if isinstance(statement, ast.ClassDef):
        at_once += [*statement.bases, *(keyword.value for keyword in statement.keywords)]
    else:
        at_once += [*statement.args.defaults, *statement.args.kw_defaults]
    for part in at_once:
        if part is not None:
            names |= _bound(part, skip=())
    return names


def _directly_inside(nodes: Sequence[ast.AST]) -> Iterator[ast.stmt]:
    """The statements directly inside, also those in handlers and cases."""
    for node in nodes:
        if isinstance(node, ast.stmt):
            yield node
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            yield from node.body


def _bound(outer: ast.AST, skip: Sequence[ast.stmt]) -> set[str]:
    """The names that a statement itself, not one nested in it, binds."""
    inner = {id(nested) for nested in skip}
    names: set[str] = set()
    open_ = [outer]
    while open_:
        node = open_.pop()
        names.update(_binding(node))
        open_.extend(child for child in ast.iter_child_nodes(node) if id(child) not in inner)
    return names


def _binding(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.alias(name=name, asname=asname) if name != "*":
            yield asname or name.split(".")[0]
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            if name:
                yield name
        case ast.MatchMapping(rest=name):
            if name:
                yield name


def _indirect(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Writes to the module's namespace, from anywhere in the file, with the name they write."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=space, slice=key, ctx=ast.Store() | ast.Del()):
                if _calls(space, "globals") and not isinstance(key, ast.Constant):
                    yield node, _ANY
                elif _is_namespace(space) and (name := _text(key)):
                    yield node, name
            case ast.Call(func=ast.Attribute(value=space, attr=attr)):
                if attr in _CHANGES and _calls(space, "globals"):
                    yield node, _ANY
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[_, key, *_]):
                if name := _text(key):
                    yield node, name
            case ast.Attribute(
                value=ast.Subscript(value=ast.Attribute(attr="modules")),
                attr=name,
                ctx=ast.Store() | ast.Del(),
            ):
                yield node, name


def _text(key: ast.expr) -> str:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def _is_namespace(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "__dict__"
    return _calls(node, "globals", "vars", "locals")


def _calls(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
