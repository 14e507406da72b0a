"""The scripted Groq server, for tests in any folder that ask for it by name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load() -> ModuleType:
    path = Path(__file__).with_name("groq_stub.py")
    spec = importlib.util.spec_from_file_location("groq_stub", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["groq_stub"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def groq_stub() -> ModuleType:
    return _load()
