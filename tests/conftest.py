"""Fixtures for every test: no leaked threads, no network, a clean environment."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checkout import RECORDED

ENVIRON = (
    "CADENZAD_STATE",
    "STATE_DIRECTORY",
    "XDG_STATE_HOME",
    "CONFIGURATION_DIRECTORY",
    "XDG_CONFIG_HOME",
    "NOTIFY_SOCKET",
    "JOURNAL_STREAM",
    "GROQ_API_KEY",
    "GROQ_BASE_URL",
)


FOR_LIVE = ("GROQ_API_KEY", "GROQ_BASE_URL")
"""What a test marked `live` keeps of it: it is there to ask the real server."""


@pytest.fixture(autouse=True)
def clean_environ(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing of the caller's environment reaches a test, and no test reaches the home folder."""
    live = request.node.get_closest_marker("live") is not None
    for name in ENVIRON:
        if not (live and name in FOR_LIVE):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only loopback and unix sockets connect, but for tests marked `live`."""
    if request.node.get_closest_marker("live") is not None:
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1")):
            raise AssertionError(f"a test reached for the network: {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_thread_leaks() -> Iterator[None]:
    """Every thread a test starts has ended with it."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while left := [t for t in set(threading.enumerate()) - before if t.is_alive()]:
        if time.monotonic() > deadline:
            raise AssertionError(f"threads left behind: {left}")
        time.sleep(0.01)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded runs; skips where there is none."""
    if not RECORDED.is_dir():
        pytest.skip("no recorded runs beside this checkout")
    return RECORDED


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until a condition holds; fails with its name after a deadline, never sleeps blindly."""

    def wait(condition: Callable[[], object], what: str, timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come in {timeout:g} s: {what}")
            time.sleep(0.01)

    return wait
