"""Which expression a statement gives a name, and whether what it is bound to stays as it is."""

from __future__ import annotations

import ast

from handlers.judge.prompt.reading.bindings import Site
from handlers.judge.prompt.reading.modules import Module


def expression(site: Site, name: str) -> ast.expr | None:
    """The expression that a statement gives a name, where it gives it one of its own."""
    match site:
        case ast.AnnAssign(target=ast.Name(id=found), value=value) if found == name:
            return value
        case ast.AugAssign(target=ast.Name(id=found), value=value) if found == name:
            return value
        case ast.Assign(targets=targets, value=value):
            parts = (_part(target, value, name) for target in targets)
            return next((part for part in parts if part is not None), None)
    return None


def _part(target: ast.expr, value: ast.expr, name: str) -> ast.expr | None:
    """The part of a value that goes to a name of a target: `a, b = 1, 2`."""
    match target, value:
        case ast.Name(id=found), _:
            return value if found == name else None
        case (
            (ast.Tuple(elts=names) | ast.List(elts=names)),
            (ast.Tuple(elts=items) | ast.List(elts=items)),
        ):
            starred = any(isinstance(one, ast.Starred) for one in (*names, *items))
            if starred or len(names) != len(items):
                return None
            parts = (_part(one, item, name) for one, item in zip(names, items, strict=True))
            return next((part for part in parts if part is not None), None)
    return None


def position(site: Site) -> tuple[int, int]:
    """Where a statement stands, to compare."""
    return site.lineno, site.col_offset


def is_only_read(module: Module, name: str) -> bool:
    """Whether a list or dict is only looked up in (`X["a"]`, `X.get("a")`), wherever it is read.

    Read once it is whole, by what makes the prompt of it.
    """
    reads = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    if len(reads) == 1 and not _is_changed(module, reads[0]):
        return True
    return all(_is_lookup(module, node) for node in reads)


def _is_lookup(module: Module, node: ast.expr) -> bool:
    match module.parents.get(node):
        case ast.Subscript(value=value):
            return value is node and not _is_changed(module, node)
        case ast.Attribute(attr="get" | "items" | "keys" | "values"):
            return True
    return False


def _is_changed(module: Module, node: ast.expr) -> bool:
    """Whether something in it is set, deleted, or changed by a method."""
    around = module.parents.get(node)
    while isinstance(around, ast.Subscript) and around.value is node:
        if not isinstance(around.ctx, ast.Load):
            return True
        node, around = around, module.parents.get(around)
    return isinstance(around, ast.Attribute) and around.attr in (
        "append", "extend", "insert", "update", "setdefault", "pop", "clear", "sort", "reverse",
        "remove", "popitem",
    )  # fmt: skip
