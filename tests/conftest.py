"""Fixtures for every test: no leaked threads, no network, a clean environment."""

from __future__ import annotations

import compileall
import logging
import re
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import waiting
from checkout import RECORDED, ROOT

from cadenzad.logs import HANDLER
from store.opening import open_writer
from store.schema import DATABASE

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
    "COLUMNS",
    "NO_COLOR",
)


SAMPLE = re.compile(r"/sample/")
"""Files that are given out as they are."""


def pytest_configure(config: pytest.Config) -> None:
    """Our byte code is whole before a test bounds the size of files: a limit would cut it short."""
    if not hasattr(config, "workerinput"):  # once, and not in every process of pytest-xdist
        for package in ("store", "handlers", "cadenzad"):
            compileall.compile_dir(ROOT / package, rx=SAMPLE, quiet=2)


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
def no_ray(request: pytest.FixtureRequest) -> Iterator[None]:
    """Ray changes how each log record of a process is made: only its long tests import it."""
    before = "ray" in sys.modules
    yield
    if not before and request.node.get_closest_marker("long") is None:
        assert "ray" not in sys.modules, "this test imported ray into the process of all tests"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command that runs in the process of all tests sets up its logging for itself."""
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [item for item in root.handlers if item.get_name() == HANDLER]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture(autouse=True)
def no_thread_leaks() -> Iterator[None]:
    """Every thread a test starts has ended with it."""
    before = set(threading.enumerate())
    yield

    def left() -> list[threading.Thread]:
        return [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]

    waiting.eventually(lambda: not left(), "no thread is left", 5, explain=left)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded runs; skips where there is none."""
    if not RECORDED.is_dir():
        pytest.skip("no recorded runs beside this checkout")
    return RECORDED


@pytest.fixture(scope="session")
def empty_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event log without events: making one takes a while, copying it does not."""
    folder = tmp_path_factory.mktemp("empty")
    open_writer(folder).close()
    return folder / DATABASE


@pytest.fixture
def eventually() -> Callable[..., object]:
    """Wait until a condition holds; see `waiting`."""
    return waiting.eventually


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[
    None, dict[str, Any] | None, dict[str, Any] | None
]:
    """What was logged with half a character in it travels escaped between the test processes."""
    return _encodable((yield))


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {_encodable(key): _encodable(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(_encodable(item) for item in value)
    return value


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of this session's own; skips where there is none."""
    import postgres

    if reason := postgres.why_not():
        pytest.skip(reason)
    server = postgres.Server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def fleet(postgres: Any) -> Any:
    """The owner's way to a hub that all tests of a session share: each has robots of its own."""
    from store.hub.connection import Hub
    from store.hub.dsn import Dsn
    from store.hub.install import install

    dsn = Dsn(postgres.new_database("fleet"), "test")
    with closing(Hub.connect(dsn)) as owner:
        assert install(owner) == "made"
    return dsn


@pytest.fixture
def owner(fleet: Any) -> Iterator[Any]:
    from store.hub.connection import Hub

    with closing(Hub.connect(fleet)) as hub:
        yield hub
