"""The code of a project that would run with its prompt's file: what `cadenzactl trust` is about.

A policy imports what lies beside it, so trust is given to all of it together: a digest over every
file under the project that Python could import, and over those that the prompt is read from. The
prompt is cut out, wherever it is: a rewrite does not end trust. Installed packages are the
machine's, not the project's.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from importlib.machinery import all_suffixes
from pathlib import Path

from handlers.judge.prompt.locate import PREFERRED, walked
from handlers.judge.prompt.source import PromptSource, RefusedSource, code_sha256
from handlers.project.code import TrustedCode, digest, expect_fit, read, sha256_of

DECIDE = "decide"


def brain_of(project: Path, source: PromptSource) -> Path | None:
    """The file whose `decide(observation, system_prompt)` drives under the prompt; None: no file.

    That which says what the prompt is, else main.py, which may import it, else the only other one
    that has a `decide`.
    """
    root = project.resolve()
    for path in dict.fromkeys((source.found.path, source.path, root / PREFERRED)):
        if _has_decide(path):
            return path
    try:
        others = [path for path in walked(root) if _has_decide(path)]
    except RefusedSource:  # too much code to look through
        return None
    return others[0] if len(others) == 1 else None


def _has_decide(path: Path) -> bool:
    """Whether a module would have a `decide` once it is imported: defined, assigned or imported."""
    if path.suffix != ".py" or not path.is_file() or DECIDE.encode() not in (data := read(path)):
        return False
    try:
        body = ast.parse(data).body
    except (SyntaxError, ValueError, RecursionError):
        return b"def decide(" in data  # whoever runs it says what is wrong
    return DECIDE in _names_bound(body)


def _names_bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The names that statements of a module bind, in branches too; classes keep theirs."""
    for node in body:
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.Assign(targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(ast.Name(name), value=ast.expr()):
                yield name
            case ast.Import(names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case ast.If() | ast.Try() | ast.With():
                yield from _names_bound(
                    child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)
                )
                for handler in getattr(node, "handlers", ()):
                    yield from _names_bound(handler.body)


def driver_name(project: Path, source: PromptSource) -> str:
    """The path in the project that trust in its brain is given under."""
    driver = brain_of(project, source) or source.path
    return driver.relative_to(project.resolve()).as_posix()


def project_code(project: Path, main: Path, source: PromptSource | None = None) -> TrustedCode:
    """The code that running `main`, a file of the project, may run. `source`: the prompt's.

    Raises InputError when it cannot be read, or is too much to be looked through.
    """
    root, main = project.resolve(), main.resolve()
    cut_out = source.skeletons() if source is not None else {}
    found: dict[str, str] = {}
    size = 0
    paths = _importable(root)
    for path in (*paths, *sorted(cut_out.keys() - {path.resolve() for path in paths})):
        name = path.relative_to(root).as_posix()
        data = read(path)
        size += len(data)
        expect_fit(project, len(found) + 1, size)
        real = path.resolve()
        found[name] = cut_out.get(real) or (code_sha256(data) if real == main else sha256_of(data))
    first = main.relative_to(root).as_posix()
    return TrustedCode(digest(found), (first, *(name for name in found if name != first)))


def _importable(root: Path) -> list[Path]:
    """Every file under `root` that an import could load, links followed.

    A folder with a dot in its name is no part of a module's name: hidden folders and the packages
    of virtual environments are left out. So is byte code that a policy is run without.
    """
    suffixes = tuple(all_suffixes())
    found, seen = [], set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if "." not in name and name != "__pycache__")
        found += [path for name in files if (path := Path(folder, name)).suffix in suffixes]
    return sorted(path for path in found if path.is_file())
