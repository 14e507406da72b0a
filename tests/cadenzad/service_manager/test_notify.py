"""sd_notify: one datagram when systemd listens, nothing and no trouble when it does not."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenzad.service_manager.notify import notify


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """systemd's end, under a path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "n"))
        server.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        yield server


def test_what_is_told_arrives_as_one_message(listening: socket.socket) -> None:
    assert notify("READY=1", "STATUS=watching 3 projects ✓")
    assert listening.recv(4096).decode() == "READY=1\nSTATUS=watching 3 projects ✓"


def test_an_abstract_address_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"cadenzad-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("\0" + name)
        server.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        assert notify("WATCHDOG=1")
        assert server.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "x" * 500, "@nobody-listens-here"])
def test_nobody_who_listens_is_no_trouble(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify("READY=1")


def test_without_systemd_nothing_is_sent() -> None:
    assert "NOTIFY_SOCKET" not in os.environ
    assert not notify("READY=1")


def test_a_message_too_long_to_send_is_no_trouble(listening: socket.socket) -> None:
    assert not notify("STATUS=" + "x" * 10_000_000)
