"""What is shut off looks into no other process and reads no hidden file, as root either."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from store import interpreter

LOOK = """
import os, sys
parent, *paths = sys.argv[1:]
for path in (f"/proc/{parent}/environ", f"/proc/{parent}/mem", *paths):
    try:
        with open(path, "rb") as stream:
            stream.read(0)
        print("read", path)
    except OSError as error:
        print("no", path)
open(os.path.join(os.path.dirname(paths[-1]), "made"), "w").close()
"""


def look(tmp_path: Path, *paths: Path, hidden: list[str] | None) -> list[str]:
    """What a child may open: the environment and the memory of this process, and paths."""
    arguments = (str(os.getpid()), *map(str, paths))
    done = subprocess.run(
        interpreter.script(LOOK, *arguments, hidden=hidden),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    return [line.split()[0] for line in done.stdout.splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A key, a link to it, and a file beside it."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    key, link, beside = folder / "key", tmp_path / "link", tmp_path / "beside"
    key.write_text("gsk_x")
    beside.write_text("fine")
    link.symlink_to(key)
    return [key, link, beside]


def test_neither_other_processes_nor_hidden_files_are_read(tmp_path: Path, files) -> None:
    if look(tmp_path, *files, hidden=None) != ["read"] * 5:
        pytest.skip("this user may not look into its own processes anyway")
    found = look(tmp_path, *files, hidden=[str(tmp_path / "credentials")])
    if found[:2] == ["read", "read"]:
        pytest.skip("this kernel has no Landlock")
    assert found == ["no", "no", "no", "no", "read"]
    # and the folder that lies beside the hidden one is written to as before
    assert (tmp_path / "made").exists()


def test_without_files_to_hide_it_is_processes_alone(tmp_path: Path, files) -> None:
    found = look(tmp_path, *files, hidden=["/no/such/file"])
    if found[:2] == ["read", "read"]:
        pytest.skip("this kernel has no Landlock, or it is not needed here")
    assert found == ["no", "no", "read", "read", "read"]


HIDES = """
import os
from store import interpreter
import ctypes  # while its files can still be read
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
interpreter._prctl(interpreter.PR_SET_DUMPABLE, 1)  # to become somebody else took it away


def is_read():
    us, child = os.getpid(), os.fork()
    if child == 0:
        try:
            open(f"/proc/{us}/environ").close()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


print(is_read())
interpreter.hide_memory()
print(is_read())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_what_hides_its_memory_is_not_read_by_its_users_other_processes() -> None:
    # root reads everything, so the process and who looks into it are somebody else's
    done = subprocess.run(
        interpreter.command("-c", HIDES), capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout.split() == ["True", "False"]
