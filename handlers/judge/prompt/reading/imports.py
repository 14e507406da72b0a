"""Where in the project a module lies that another one imports."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from handlers.judge.prompt.reading.calls import Imported, Named, Value
from handlers.judge.prompt.reading.modules import Module
from handlers.judge.prompt.reading.paths import Place
from handlers.judge.prompt.writing.documents import Files
from handlers.judge.prompt.writing.text import Text

SOURCES = "src"


def find(files: Files, name: str, level: int, module: Module) -> Path | None:
    """The file of a module of the project, as an import in another module finds it.

    `level`: the dots before the name. None for what is not of the project.
    """
    folder = module.path.parent
    starts = [folder, files.real, files.real / SOURCES]
    if level:
        starts = [folder.joinpath(*[".."] * (level - 1))]
    for start in starts:
        base = start.joinpath(*name.split(".")) if name else start
        beside = [base.with_name(f"{base.name}.py")] if name else []
        for path in (base / "__init__.py", *beside):
            if files.has(path):
                return files.resolve(path)
    return None


def outer(files: Files, site: ast.ImportFrom, module: Module) -> Path | None:
    """For `from a import name`: the module `a`; for `from . import name`: the package itself."""
    return find(files, site.module or "", site.level, module)


def inner(files: Files, site: ast.ImportFrom, name: str, module: Module) -> Path | None:
    """For `from a import name`: the module `a.name`."""
    whole = f"{site.module}.{name}" if site.module else name
    return find(files, whole, site.level, module)


def resources(files: Files, args: Sequence[Value], module: Module) -> Place | None:
    """`importlib.resources.files(package)`: the package's folder."""
    match args:
        case [] | [Named(name="__package__" | "__name__")]:
            return Place(".", module.path.parent)
        case [Text(value=name)]:
            path = find(files, name, 0, module)
        case [Imported(module=found)]:
            path = found.path
        case _:
            return None
    return None if path is None else Place(".", path.parent)
