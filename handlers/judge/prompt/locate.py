"""Where a project holds its prompt: the one function that everything which reads it begins with.

main.py's SYSTEM_PROMPT comes first, then what main.py imports it from, then the only other file
that sets it, then other holders of that name (holders.py), packages after the root, notebooks last.
The setting `judge.prompt` names another place. Where two places are as good, both are named and
the setting is asked for.
"""

from __future__ import annotations

import ast
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from handlers.judge.prompt.reading.evaluate import Evaluator
from handlers.judge.prompt.reading.holders import Holder, holders
from handlers.judge.prompt.reading.modules import NOTEBOOK, Module
from handlers.judge.prompt.reading.named import named_place
from handlers.judge.prompt.reading.variable import Found, ambiguous, held, in_module
from handlers.judge.prompt.writing.documents import Files
from handlers.judge.prompt.writing.errors import NAME, NoPrompt, RefusedSource, setting
from handlers.project.paths import ENCODER_FILE

PREFERRED = "main.py"
MAX_FILES = 500
_IGNORED = re.compile(r"^(?:\..*|test_.*|.*_test\.py|conftest\.py)$")
_OTHER_FOLDERS = frozenset(
    {"__pycache__", "tests", "test", "build", "dist", "node_modules", "site-packages", "lora"}
)
_MESSAGE = (re.compile(rb"role\\?[\"']"), re.compile(rb"system\\?[\"']"))
_TEXTS = re.compile(r"(?:system[_-]?)?prompt\.(?:txt|md|ya?ml|json|toml)", re.IGNORECASE)


def locate(files: Files, named: str = "") -> Found:
    """The project's prompt. `named`: the setting `judge.prompt`, a path and perhaps a name in it.

    Raises NoPrompt when there is none, RefusedSource when it is not one that can be followed.
    """
    reader = Evaluator(files)
    try:
        return named_place(reader, named) if named else _searched(reader)
    except RecursionError:
        raise RefusedSource(f"{files.root}: the prompt's code cannot be parsed: too deep") from None


# -- by searching ----------------------------------------------------------------------------------


def _searched(reader: Evaluator) -> Found:
    problems: list[RefusedSource] = []
    for paths in _tiers(reader.files):
        modules = _mentioning(reader, paths, problems)
        found = _variable(reader, modules) or _holder(reader, modules)
        if found is not None:
            return found
    if problems:
        raise problems[0]
    root = reader.files.root
    texts = sorted(path.name for path in root.glob("*") if _TEXTS.fullmatch(path.name))
    hint = f'put {NAME} = """...""" into {PREFERRED}'
    if texts:
        hint += f", or {setting(texts[0])}"
    raise NoPrompt(f"{root}: no .py file has a module-level {NAME}", hint=hint)


def _tiers(files: Files) -> Iterator[list[Path]]:
    """Files that may hold the prompt, the likeliest first: the root's, its packages', notebooks."""
    top = [path for path in sorted(files.real.glob("*.py")) if _may_hold(path)]
    yield sorted(top, key=lambda path: path.name != PREFERRED)
    deeper = list(walked(files.real))
    yield [path for path in deeper if path.suffix == ".py" and path.parent != files.real]
    yield [path for path in deeper if path.suffix == NOTEBOOK]


def walked(root: Path) -> Iterator[Path]:
    """The project's code, no hidden folders, tests or virtual environments.

    Raises RefusedSource where there is too much of it below its root.
    """
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if "." not in name
            and name not in _OTHER_FOLDERS
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        )
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in (".py", NOTEBOOK) and _may_hold(path):
                count += 1
                if count > MAX_FILES:
                    raise RefusedSource(
                        f"{root}: holds more than {MAX_FILES} files of code, and its root no"
                        f" {NAME}",
                        hint=setting(f"package/prompts.py:{NAME}"),
                    )
                yield path


def _may_hold(path: Path) -> bool:
    """No test, and not a folder, a pipe or a device; a link is looked at when it is read."""
    if _IGNORED.match(path.name) or path.name == ENCODER_FILE:
        return False
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def _mentioning(
    reader: Evaluator, paths: Sequence[Path], problems: list[RefusedSource]
) -> list[Module]:
    """The modules that mention a system prompt. One that cannot be read is a problem for later."""
    found = []
    for path in paths:
        try:
            if _mentions(reader.files.read(path)):
                found.append(reader.module(path))
        except RefusedSource as problem:
            if path.name == PREFERRED and path.parent == reader.files.real:
                raise
            problems.append(problem)
    return found


def _mentions(data: bytes) -> bool:
    """Whether a file names a system prompt, or holds what may be messages with one."""
    return b"system_prompt" in data.lower() or all(one.search(data) for one in _MESSAGE)


def _variable(reader: Evaluator, modules: Sequence[Module]) -> Found | None:
    """The variable SYSTEM_PROMPT of one of these modules."""
    main = next((module for module in modules if _is_main(reader, module)), None)
    if main is not None:
        if main.scope.bindings.of(NAME):
            return in_module(reader, main)
        for star in main.scope.bindings.stars:
            origin = reader.origin(star, NAME, main)
            if origin is not None and origin[0].scope.bindings.of(NAME):
                return in_module(reader, *origin)
    setting_it = [module for module in modules if _sets(module)]
    if len(setting_it) > 1:
        names = [reader.files.name(module.path) for module in setting_it]
        raise RefusedSource(
            f"{reader.files.root}: {' and '.join(names)} both set {NAME}",
            hint=f"keep it in {PREFERRED}, or {setting(f'{names[0]}:{NAME}')}",
        )
    return in_module(reader, setting_it[0]) if setting_it else None


def _is_main(reader: Evaluator, module: Module) -> bool:
    return module.path == reader.files.real / PREFERRED


def _sets(module: Module) -> bool:
    """Whether the name is set here, and not only imported from where it is."""
    sites = module.scope.bindings.of(NAME)
    return any(not isinstance(site, ast.Import | ast.ImportFrom) for site in sites)


def _holder(reader: Evaluator, modules: Sequence[Module]) -> Found | None:
    """The one other holder in these modules."""
    found, doubtful = [], []
    for module in modules:
        these = list(holders(module))
        found += held(reader, module, these)
        doubtful += [(module, holder) for holder in these if _is_own(holder)]
    different = {_identity(one): one for one in found}
    if len(different) > 1:
        raise ambiguous(reader.files, list(different.values()))
    if different:
        return next(iter(different.values()))
    if doubtful:
        module, holder = doubtful[0]
        raise RefusedSource(
            f"{module.where(holder.node)}: {holder.label} is computed when it runs",
            hint=setting("prompts.py:BASE"),
        )
    return None


def _is_own(holder: Holder) -> bool:
    """Whether a holder says something itself, and does not only pass a name on."""
    return not isinstance(holder.node, ast.Name | ast.Attribute | ast.Constant)


def _identity(found: Found) -> tuple[object, ...]:
    """Two holders of one literal are one."""
    for ink, first in zip(found.text.ink, found.text.first, strict=True):
        if ink is not None and ink.slot is not None:
            return ink.slot.document.path, first
    return found.path, found.line, found.label
