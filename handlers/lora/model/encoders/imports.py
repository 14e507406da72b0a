"""What a project's encoder may import: installed packages, and of the project what trust covers.

The modules of the project are made of the bytes that were hashed, never of what lies there by the
time they are imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from types import ModuleType

from handlers.project.code import ImportedCode, Module, lies_in


class Covered(MetaPathFinder):
    """Finds the modules that trust covers, and refuses all others of the project."""

    def __init__(self, code: ImportedCode) -> None:
        self._code = code

    def install(self) -> None:
        """Take the place of an earlier project's; what that had imported is forgotten."""
        ours = [
            name
            for name, module in sys.modules.items()
            if isinstance(getattr(getattr(module, "__spec__", None), "loader", None), _Loader)
        ]
        for name in ours:
            del sys.modules[name]
        # After what is built in, before everything that is found on a path.
        others = [finder for finder in sys.meta_path if not isinstance(finder, Covered)]
        at = others.index(PathFinder) if PathFinder in others else 0
        sys.meta_path[:] = [*others[:at], self, *others[at:]]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A covered module; None for what is installed. Raises ImportError for anything else."""
        module = self._code.modules.get(name)
        if module is not None:
            spec = spec_from_loader(name, _Loader(module), is_package=module.is_package)
            assert spec is not None
            if module.is_package:
                folder = module.path.parent if module.path.suffix else module.path
                spec.submodule_search_locations = [str(folder)]
            spec.origin, spec.has_location = str(module.path), bool(module.path.suffix)
            return spec
        found = PathFinder.find_spec(name, path)
        if found is not None and lies_in(found, self._code.project):
            raise ImportError(
                f"{name} is code of the project that its trust does not cover:"
                " import it by a statement and by its name"
            )
        return None


class _Loader(Loader):
    def __init__(self, module: Module) -> None:
        self._module = module

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._module.source, str(self._module.path), "exec"), module.__dict__)
