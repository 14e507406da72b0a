"""What an expression of a project's code comes to, by reading alone: nothing of it is run.

Texts know where their characters are written (text.py). What cannot be known by reading is UNKNOWN;
where it is a text for sure, a hole in one. Names are looked up as Python does, and only where what
they are bound to is not in doubt.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from handlers.judge.prompt.reading import calls, imports, paths
from handlers.judge.prompt.reading.assignments import expression, is_only_read, position
from handlers.judge.prompt.reading.bindings import Site
from handlers.judge.prompt.reading.calls import (
    UNKNOWN,
    Arguments,
    Class,
    Imported,
    Method,
    Named,
    Unknown,
    Value,
)
from handlers.judge.prompt.reading.literals import formatted, literal
from handlers.judge.prompt.reading.modules import Module, Scope, read_module
from handlers.judge.prompt.reading.paths import Handle, Loaded, Place
from handlers.judge.prompt.reading.templates import percent, shown
from handlers.judge.prompt.writing.documents import Files
from handlers.judge.prompt.writing.text import Text

DEEPEST = 60
"""Names that lead to names: no project's prompt goes so far, and a circle ends here."""


@dataclass
class Evaluator:
    """Reads expressions of a project's modules."""

    files: Files
    modules: dict[Path, Module] = field(default_factory=dict)
    depth: int = 0
    known: dict[tuple[object, ...], Value] = field(default_factory=dict)

    def module(self, path: Path) -> Module:
        """A module by its path, read once."""
        if path not in self.modules:
            self.modules[path] = read_module(self.files, path)
        return self.modules[path]

    def value(self, node: ast.expr, scope: Scope, before: Site | None = None) -> Value:
        """What an expression comes to, where names have what they have at the site `before`."""
        made = self._value(node, scope, before)
        if isinstance(made, Text) and calls.too_long(made):
            return Unknown("longer than any prompt")
        return made

    def text(self, value: Value, scope: Scope) -> Value:
        """A file's content as text, where it is used as one."""
        folder = scope.module.path.parent
        if isinstance(value, calls.Read):
            return paths.read_text(self.files, value.handle, folder)
        if isinstance(value, Loaded):
            return paths.read_value(self.files, value, folder)
        return value

    def _value(self, node: ast.expr, scope: Scope, before: Site | None) -> Value:
        match node:
            case ast.Constant(value=str()):
                return literal(node, scope.module)
            case ast.Constant(value=bytes()):
                return Unknown("bytes")
            case ast.Constant():
                return node.value
            case ast.JoinedStr():
                return formatted(node, scope.module, partial(self._field, scope, before))
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._sum(left, right, node, scope, before)
            case ast.BinOp(left=left, op=ast.Mod(), right=right):
                template = self._text(left, scope, before)
                if isinstance(template, Text):
                    return percent(template, self.value(right, scope, before))
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._path_below(left, right, scope, before)
            case ast.Name(id=name):
                return self.name(name, scope, before)
            case ast.Attribute(value=inner, attr=name):
                return self._attribute(self.value(inner, scope, before), name, scope.module)
            case ast.Subscript(value=inner, slice=key):
                return self._item(self.value(inner, scope, before), key, scope, before)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                if not any(isinstance(item, ast.Starred) for item in items):
                    return [self._text(item, scope, before) for item in items]
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values, scope, before)
            case ast.Call():
                return self._call(node, scope, before)
        return UNKNOWN

    def _text(self, node: ast.expr, scope: Scope, before: Site | None) -> Value:
        return self.text(self.value(node, scope, before), scope)

    def _field(
        self, scope: Scope, before: Site | None, node: ast.FormattedValue, source: str
    ) -> Text:
        """What a field of an f-string shows."""
        value = self._text(node.value, scope, before)
        specification = ""
        if node.format_spec is not None:
            inner = self.value(node.format_spec, scope, before)
            if not isinstance(inner, Text) or not inner.is_exact:
                return Text.hole(source)
            specification = inner.value
        conversion = chr(node.conversion) if node.conversion > 0 else ""
        return shown(value, source, conversion, specification)

    def _sum(
        self, left: ast.expr, right: ast.expr, node: ast.expr, scope: Scope, before: Site | None
    ) -> Value:
        one, other = self._text(left, scope, before), self._text(right, scope, before)
        if isinstance(one, Text) and isinstance(other, Text):
            return one + other
        if isinstance(one, Text):
            return one + Text.hole(ast.unparse(right))
        if isinstance(other, Text):
            return Text.hole(ast.unparse(left)) + other
        if isinstance(one, list) and isinstance(other, list):
            return [*one, *other]
        return UNKNOWN

    def _dict(
        self,
        keys: Sequence[ast.expr | None],
        values: Sequence[ast.expr],
        scope: Scope,
        before: Site | None,
    ) -> Value:
        made: dict[str, Value] = {}
        for key, value in zip(keys, values, strict=True):
            if not isinstance(key, ast.Constant):
                return UNKNOWN
            made[str(key.value)] = self._text(value, scope, before)
        return made

    # -- names -------------------------------------------------------------------------------------

    def name(self, name: str, scope: Scope, before: Site | None = None) -> Value:
        """What a name has, at a site of its own scope or when all of it has run."""
        owner = scope.owner(name)
        if owner is None:
            if name == "__file__":
                return Place(scope.module.path.name, scope.module.path.parent)
            if name == "__doc__" and (docstring := _docstring(scope.module.tree)) is not None:
                return self._shared(literal(docstring, scope.module), name, scope.module.scope)
            return Named(name)
        if name in owner.parameters:
            return UNKNOWN
        site = before if owner is scope else None
        key = (owner.place, name, None if site is None else position(site))
        if key not in self.known:  # else names of names would be read over and over
            self.known[key] = self._shared(self._bound(owner, name, site), name, owner)
        return self.known[key]

    def _bound(self, owner: Scope, name: str, before: Site | None) -> Value:
        """`bound`, as deep as names go."""
        self.depth += 1
        try:
            if self.depth > DEEPEST:
                return UNKNOWN
            value = self.bound(owner, name, before)
            return self.text(value, owner) if isinstance(value, calls.Read) else value
        finally:
            self.depth -= 1

    def _shared(self, value: Value, name: str, owner: Scope) -> Value:
        """What others read as well is not edited for the prompt's sake; what they may change is
        not known."""
        module = owner.module
        if isinstance(value, Text) and module.loads.get(name, 0) > 1:
            return value.unwritten()
        if isinstance(value, Handle) and module.loads.get(name, 0) > 1:
            return UNKNOWN  # what was read of it before is not there any more
        if isinstance(value, list | dict | Loaded) and not is_only_read(module, name):
            return UNKNOWN
        return value

    def bound(self, owner: Scope, name: str, before: Site | None = None) -> Value:
        """What a scope's own name is bound to, by its last statement before a site."""
        sites = owner.bindings.of(name)
        straight = {id(site) for site in owner.straight}
        if not all(id(site) in straight for site in sites):
            return Unknown("set under a condition or in a block")
        if before is not None:
            sites = [site for site in sites if position(site) < position(before)]
        if not sites:
            return UNKNOWN
        return self.assigned(sites[-1], name, owner)

    def assigned(self, site: Site, name: str, scope: Scope) -> Value:
        """What one statement gives a name."""
        match site:
            case ast.Import() | ast.ImportFrom():
                return self.imported(site, name, scope)
            case ast.ClassDef():
                return Class(Scope(scope.module, site, scope))
            case ast.AugAssign(value=value, op=ast.Add()):
                old = self.text(self.bound(scope, name, site), scope)
                new = self._text(value, scope, site)
                return old + new if isinstance(old, Text) and isinstance(new, Text) else UNKNOWN
            case ast.With():
                return self._with(site, name, scope)
        found = expression(site, name)
        return UNKNOWN if found is None else self.value(found, scope, site)

    def _with(self, site: ast.With, name: str, scope: Scope) -> Value:
        for item in site.items:
            if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name:
                opened = self.value(item.context_expr, scope, site)
                return opened if isinstance(opened, Handle) else UNKNOWN
        return UNKNOWN

    def imported(self, site: ast.Import | ast.ImportFrom, name: str, scope: Scope) -> Value:
        """What an import gives a name: of the project where it has such a module, else by name."""
        module = scope.module
        for alias in site.names:
            if (alias.asname or alias.name.partition(".")[0]) != name:
                continue
            if isinstance(site, ast.Import):
                wanted = alias.name if alias.asname else name
                path = imports.find(self.files, wanted, 0, module)
                return Imported(self.module(path)) if path else Named(wanted)
            origin = self.origin(site, name, module)
            if origin is not None:
                return self.name(origin[1], origin[0].scope)
            inner = imports.inner(self.files, site, alias.name, module)
            if inner is not None:
                return Imported(self.module(inner))
            return Named(f"{site.module or ''}.{alias.name}")
        return UNKNOWN

    def origin(self, site: ast.ImportFrom, name: str, module: Module) -> tuple[Module, str] | None:
        """The module of the project that a variable is imported from, and its name there."""
        path = imports.outer(self.files, site, module)
        wanted = next((one.name for one in site.names if (one.asname or one.name) == name), name)
        if path is None:
            return None
        found = self.module(path)
        is_set = found.scope.bindings.of(wanted)
        inner = imports.inner(self.files, site, wanted, module)
        return (found, wanted) if is_set or inner is None else None

    # -- what is inside of something ---------------------------------------------------------------

    def _member(self, value: Value, name: str, around: Module) -> Value:
        """A name of a module or a class, which others may read as well."""
        shared = around.attribute_loads.get(name, 0) > 1
        return value.unwritten() if isinstance(value, Text) and shared else value

    def _attribute(self, value: Value, name: str, around: Module) -> Value:
        match value:
            case Imported(module):
                return self._member(self.name(name, module.scope), name, around)
            case Class(scope) if scope.bindings.of(name):
                return self._member(self.text(self.bound(scope, name), scope), name, around)
            case Named(name=outer):
                return Named(f"{outer}.{name}")
            case Place() if name == "parent":
                return value.parent
            case Text() | Place() | Handle() | Loaded() | dict() | calls.Template() | calls.Read():
                return Method(value, name)
        return UNKNOWN

    def _item(self, value: Value, key: ast.expr, scope: Scope, before: Site | None) -> Value:
        at = self.value(key, scope, before)
        plain = at.value if isinstance(at, Text) and at.is_exact else at
        match value, plain:
            case Named(name="os.environ"), _:
                return Unknown("taken from the environment")
            case dict(), str():
                return value.get(plain, UNKNOWN)
            case list(), int() if -len(value) <= plain < len(value):
                return value[plain]
            case Loaded(), str() | int():
                return calls.below(value, plain)
            case Method(of=Place() as place, name="parents"), int() if plain < 9:
                for _ in range(plain + 1):
                    place = place.parent
                return place
        return UNKNOWN

    def _path_below(
        self, left: ast.expr, right: ast.expr, scope: Scope, before: Site | None
    ) -> Value:
        place, part = self.value(left, scope, before), self.value(right, scope, before)
        if isinstance(place, Place) and isinstance(part, Text) and part.is_exact:
            return place / part.value
        return UNKNOWN

    def _call(self, node: ast.Call, scope: Scope, before: Site | None) -> Value:
        function = self.value(node.func, scope, before)
        if isinstance(function, Method) and isinstance(function.of, calls.Read | Loaded):
            if function.name == "decode" and isinstance(function.of, calls.Read):
                return function.of
            if not (isinstance(function.of, Loaded) and function.name == "get"):
                function = Method(self.text(function.of, scope), function.name)
        args = [self._argument(item, function, scope, before) for item in node.args]
        named: dict[str, Value] | None = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                named = None
                break
            assert named is not None
            named[keyword.arg] = self._argument(keyword.value, function, scope, before)
        if any(isinstance(item, ast.Starred) for item in node.args):
            args, named = [], None
        if isinstance(function, Named) and function.name == "importlib.resources.files":
            return imports.resources(self.files, args, scope.module) or UNKNOWN
        return calls.called(function, Arguments(args, named), ast.unparse(node))

    def _argument(
        self, node: ast.expr, function: Value, scope: Scope, before: Site | None
    ) -> Value:
        """An argument; what parses a file wants the file."""
        value = self.value(node, scope, before)
        parses = isinstance(function, Named) and function.name.endswith(("load", "loads"))
        return value if parses else self.text(value, scope)


def _docstring(tree: ast.Module) -> ast.Constant | None:
    match tree.body:
        case [ast.Expr(value=ast.Constant(value=str()) as found), *_]:
            return found
    return None
