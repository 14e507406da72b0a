"""A workspace and a state directory in one process, and the mishaps that tests make happen."""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from houses import Home


@pytest.fixture
def home(tmp_path: Path, empty_log: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "house", empty_log)
    monkeypatch.setenv("CADENZAD_STATE", str(made.state))
    return made


@pytest.fixture
def run_cli(
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Run a `main` with arguments: (exit code, stdout, stderr). A usage error is a code too."""

    def run(main: Callable[[list[str]], int], *arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def one_error() -> Callable[[str], str]:
    """The single error line of a command's stderr; a hint may follow it, nothing else."""

    def check(stderr: str) -> str:
        first, *hints = stderr.splitlines()
        assert "error: " in first, stderr
        assert len(hints) <= 1, stderr
        assert all(line.startswith("  ") for line in hints), stderr
        return first.split("error: ", 1)[1]

    return check


@pytest.fixture
def without_privilege() -> Callable[[], AbstractContextManager[None]]:
    """A context in which file permissions count, for root as for anybody."""

    @contextmanager
    def drop() -> Iterator[None]:
        before = _effective_capabilities()
        _set_effective(before & ~_DAC_CAPABILITIES)
        try:
            yield
        finally:
            _set_effective(before)

    return drop


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """A context in which no file of this process grows beyond some bytes."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        # Python does not see that its byte code was written in part, and reads it next time.
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            sys.dont_write_bytecode = before

    return limit


# capget(2): root passes permission checks by these two, for the calling thread alone.
_DAC_CAPABILITIES = 1 << 1 | 1 << 2
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def _effective_capabilities() -> int:
    data = (ctypes.c_uint32 * 6)()
    assert _LIBC.capget(ctypes.byref(_Header(0x2008_0522, 0)), data) == 0
    return data[0]


def _set_effective(capabilities: int) -> None:
    header, data = _Header(0x2008_0522, 0), (ctypes.c_uint32 * 6)()
    assert _LIBC.capget(ctypes.byref(header), data) == 0
    data[0] = capabilities
    assert _LIBC.capset(ctypes.byref(header), data) == 0
