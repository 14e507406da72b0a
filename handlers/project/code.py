"""The code of a project that runs with a file of it: what `cadenzactl trust` is about.

A file that imports runs more than itself, so trust is given to all of it together, by one hash. Of
installed packages nothing is covered: those are the machine's, not the project's.
"""

from __future__ import annotations

import ast
import hashlib
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from handlers.project.paths import inside
from store.errors import InputError

MAX_FILES = 1000
MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class TrustedCode:
    """`files` are relative to the project, the main one first; `sha256` is over all of them."""

    sha256: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the project, as it was read. A folder without `__init__.py` has no source."""

    path: Path
    source: bytes
    is_package: bool


@dataclass(frozen=True, slots=True)
class ImportedCode:
    """A file of a project and the modules of the project that it imports, by name."""

    project: Path
    path: Path
    source: bytes
    modules: Mapping[str, Module]

    @property
    def sha256(self) -> str:
        return self.trusted.sha256

    @property
    def trusted(self) -> TrustedCode:
        """What trust in it covers. Code that imports nothing of the project is its own hash."""
        read = {self._name(module.path): module.source for module in self._files()}
        main = self._name(self.path)
        if not read:
            return TrustedCode(sha256_of(self.source), (main,))
        hashes = {main: sha256_of(self.source)}
        hashes |= {name: sha256_of(source) for name, source in sorted(read.items())}
        return TrustedCode(digest(hashes), tuple(hashes))

    def _files(self) -> Iterator[Module]:
        return (module for module in self.modules.values() if module.path.suffix)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.project).as_posix()


def imported_code(project: Path, main: Path) -> ImportedCode:
    """A file of a project with all of the project that its import statements lead to, read once.

    What is installed comes first, as it does when the code runs. Raises InputError when something
    cannot be read or is too much, UnsafePathError when a module leads out of the project.
    """
    root = project.resolve()
    path = inside(root, main)
    source = read(path)
    modules: dict[str, Module] = {}
    size = len(source)
    waiting = [(source, "")]
    while waiting:
        text, package = waiting.pop()
        for name in _imports(text, package):
            for part in _with_parents(name):
                if part in modules:
                    continue
                if part == name.partition(".")[0] and is_installed(part, root):
                    break
                module = _module(root, part)
                if module is None:
                    break
                modules[part] = module
                size += len(module.source)
                expect_fit(project, len(modules), size)
                own = part if module.is_package else part.rpartition(".")[0]
                waiting.append((module.source, own))
    return ImportedCode(root, path, source, modules)


def is_installed(name: str, project: Path) -> bool:
    """Whether a module of this name comes from elsewhere than the project."""
    if name in sys.stdlib_module_names or name in sys.builtin_module_names:
        return True
    spec = PathFinder.find_spec(name)
    return spec is not None and not lies_in(spec, project)


def lies_in(spec: ModuleSpec, project: Path) -> bool:
    """Whether a module that was found is the project's own: its environments' packages are not."""
    found = [spec.origin or "", *(spec.submodule_search_locations or ())]
    places = [Path(place).resolve() for place in found if place.startswith("/")]
    return any(
        place == project
        or (
            place.is_relative_to(project)
            and not any(place.is_relative_to(folder) for folder in _package_folders())
        )
        for place in places
    )


@cache
def _package_folders() -> frozenset[Path]:
    """Where this interpreter's packages lie: an environment may lie in a project."""
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    named = [sysconfig.get_path(kind) for kind in kinds]
    extra = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return frozenset(Path(folder).resolve() for folder in (*named, *extra))


def digest(hashes: Mapping[str, str]) -> str:
    """One hash over files: their names, and the hash of what is trusted of each."""
    return sha256_of("".join(f"{sha256} {name}\n" for name, sha256 in hashes.items()).encode())


def read(path: Path) -> bytes:
    """A file's bytes. Raises InputError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def expect_fit(project: Path, files: int, size: int) -> None:
    """Raises InputError for more code than can be looked through."""
    if files > MAX_FILES or size > MAX_BYTES:
        raise InputError(
            f"{project}: holds too much code to be trusted as a whole"
            f" (more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB)",
            hint="keep virtual environments and copies of packages out of the project",
        )


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _module(root: Path, name: str) -> Module | None:
    """A module of the project by its name; None where there is none that is source."""
    base = Path(*name.split("."))
    for candidate, is_package in ((base / "__init__.py", True), (base.with_suffix(".py"), False)):
        if (root / candidate).is_file():
            path = inside(root, candidate)
            return Module(path, read(path), is_package)
    return Module(inside(root, base), b"", True) if (root / base).is_dir() else None


def _with_parents(name: str) -> Iterator[str]:
    """`a`, `a.b` and `a.b.c` for the last: importing it imports them all."""
    parts = name.split(".")
    return (".".join(parts[: count + 1]) for count in range(len(parts)))


def _imports(source: bytes, package: str) -> Iterator[str]:
    """Every module that code may import by a statement; of `from a import b` both a and a.b."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # whoever runs it says what is wrong with it
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".") if package else []
            if node.level > len(above):
                continue  # leads above everything: fails when it is run
            above = above[: len(above) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
