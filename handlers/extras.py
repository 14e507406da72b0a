"""Optional packages that a kind of job cannot do without: known before any attempt is spent."""

from __future__ import annotations

from importlib.util import find_spec
from typing import NamedTuple


class Extra(NamedTuple):
    """An extra of this distribution, and the modules that a job imports of it."""

    name: str
    modules: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Those of its modules that are not installed. Nothing is imported."""
        return tuple(module for module in self.modules if _absent(module))

    @property
    def fix(self) -> str:
        """The command that installs it."""
        return f"pip install 'cadenzad[{self.name}]'"


def _absent(module: str) -> bool:
    try:
        return find_spec(module) is None
    except (ImportError, ValueError):  # ValueError: a module that says it is none
        return True
