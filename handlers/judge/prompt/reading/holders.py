"""Other holders of a prompt than a module's variable: a class, a dict, an argument, a function.

A holder has a label to call it by, as the setting `judge.prompt` does: `Brain.system_prompt`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from handlers.judge.prompt.reading.assignments import expression
from handlers.judge.prompt.reading.calls import Value
from handlers.judge.prompt.reading.evaluate import Evaluator
from handlers.judge.prompt.reading.modules import Module, Scope

Wanted = Callable[[str], bool]
_GETTERS = ("", "get_", "build_", "make_", "load_")
_FIELDS = frozenset({"Field", "field"})
"""pydantic's and dataclasses' way to give a default."""


@dataclass(frozen=True)
class Holder:
    """An expression that a prompt may be held in. `name`: where it is a variable's, of `scope`."""

    label: str
    node: ast.expr
    scope: Scope
    name: str = ""

    def value(self, evaluator: Evaluator) -> Value:
        """What it comes to."""
        if self.name:
            return evaluator.text(evaluator.bound(self.scope, self.name), self.scope)
        return evaluator.text(evaluator.value(self.node, self.scope), self.scope)


def is_system_prompt(name: str) -> bool:
    """Whether a name says that it is the prompt's, in whatever case."""
    return name.casefold() == "system_prompt"


def holders(module: Module, wanted: Wanted = is_system_prompt) -> Iterator[Holder]:
    """Everything in a module that holds something under such a name, its own variables too."""
    for scope in (module.scope, *module.scope.inner()):
        yield from _variables(scope, wanted)
        for node in _own_nodes(scope):
            yield from _in_node(node, scope, wanted)
        if isinstance(scope.place, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _of_function(scope.place, scope, wanted)


def _label(scope: Scope, name: str) -> str:
    """A name with the classes and functions it lies in."""
    parts = [name]
    at: Scope | None = scope
    while at is not None and not isinstance(at.place, ast.Module):
        parts.insert(0, at.place.name)
        at = at.outer
    return ".".join(parts)


def _variables(scope: Scope, wanted: Wanted) -> Iterator[Holder]:
    for name in scope.bindings.names:
        sites = scope.bindings.of(name)
        found = expression(sites[-1], name)
        if not wanted(name) or found is None:
            continue
        default = _default(found)
        if default is not found:
            yield Holder(_label(scope, name), default, scope)
        else:
            yield Holder(_label(scope, name), found, scope, name)


def _default(node: ast.expr) -> ast.expr:
    """What `Field(default=...)` has for its field; another expression itself."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _FIELDS:
        named = [keyword.value for keyword in node.keywords if keyword.arg == "default"]
        return next(iter([*named, *node.args]), node)
    return node


def _own_nodes(scope: Scope) -> Iterator[ast.AST]:
    """The nodes of a scope, without those of the classes and functions in it."""
    open_: list[ast.AST] = list(scope.place.body)
    while open_:
        node = open_.pop(0)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
            open_ = [*ast.iter_child_nodes(node), *open_]


def _in_node(node: ast.AST, scope: Scope, wanted: Wanted) -> Iterator[Holder]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Attribute) and wanted(target.attr):
                    yield Holder(_label(_class_of(scope), target.attr), value, scope)
                elif isinstance(target, ast.Subscript) and _is_key(target.slice, wanted):
                    yield Holder(_label(scope, ast.unparse(target)), value, scope)
        case ast.AnnAssign(target=ast.Attribute(attr=name), value=ast.expr() as value):
            if wanted(name):
                yield Holder(_label(_class_of(scope), name), value, scope)
        case ast.Dict(keys=keys, values=values):
            owner = _owner(node, scope)
            for key, value in zip(keys, values, strict=True):
                if _is_key(key, wanted):
                    yield Holder(_label(scope, f"{owner}{_text(key)}"), value, scope)
            if _message(node) is not None and wanted("system_prompt"):
                yield Holder(_label(scope, f"{owner}system"), _message(node) or value, scope)
        case ast.Call(func=function, keywords=keywords):
            for keyword in keywords:
                if keyword.arg is not None and wanted(keyword.arg):
                    name = f"{ast.unparse(function).rpartition('.')[2]}.{keyword.arg}"
                    yield Holder(_label(scope, name), keyword.value, scope)


def _class_of(scope: Scope) -> Scope:
    """For `self.x = ...` in a method: the class."""
    outer = scope.outer
    return outer if outer is not None and isinstance(outer.place, ast.ClassDef) else scope


def _is_key(key: ast.expr | None, wanted: Wanted) -> bool:
    return bool(_text(key)) and wanted(_text(key))


def _text(key: ast.expr | None) -> str:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def _owner(node: ast.Dict, scope: Scope) -> str:
    """The variable that a dict, or the list or dict around it, is given to."""
    parents = scope.module.parents
    keys: list[str] = []
    at: ast.AST = node
    while isinstance(around := parents.get(at), ast.Dict | ast.List | ast.Tuple):
        if isinstance(around, ast.Dict):
            keys.insert(
                0,
                next(_text(k) for k, v in zip(around.keys, around.values, strict=True) if v is at),
            )
        at = around
    match around:
        case ast.Assign(targets=[ast.Name(id=name), *_]) | ast.AnnAssign(target=ast.Name(id=name)):
            keys.insert(0, name)
    return "".join(f"{key}." for key in keys)


def _message(node: ast.Dict) -> ast.expr | None:
    """The content of `{"role": "system", "content": ...}`."""
    entries = {_text(key): value for key, value in zip(node.keys, node.values, strict=True)}
    role = entries.get("role")
    return entries.get("content") if role is not None and _text(role) == "system" else None


def _of_function(
    place: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, wanted: Wanted
) -> Iterator[Holder]:
    """Defaults of its parameters, and what it returns if that is all it is for."""
    assert scope.outer is not None
    arguments = place.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    both = [*zip(positional, defaults, strict=True)]
    both += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    for argument, default in both:
        if default is not None and wanted(argument.arg):
            yield Holder(_label(scope, argument.arg), default, scope.outer)
    if any(wanted(place.name.removeprefix(prefix)) for prefix in _GETTERS):
        returns = [node for node in _own_nodes(scope) if isinstance(node, ast.Return)]
        if len(returns) == 1 and returns[0].value is not None and returns[0] in scope.straight:
            yield Holder(_label(scope.outer, place.name), returns[0].value, scope)
