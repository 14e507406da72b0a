"""Versions of an adapter on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from adapter_files import fill

from handlers.lora.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


@pytest.fixture
def make(registry: Registry) -> Callable[[int], Path]:
    """`make(version)`: a whole version."""

    def made(version: int) -> Path:
        draft = registry.stage()
        fill(draft)
        return registry.commit(draft, version)

    return made
