"""The scripted Groq server, by name."""

from __future__ import annotations

from types import ModuleType

import groq_stub as stub
import pytest


@pytest.fixture(scope="session")
def groq_stub() -> ModuleType:
    return stub
