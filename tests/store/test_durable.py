"""The atomic write: whole or not there, durable, and nothing left of whoever was killed."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from checkout import ROOT

from store.durable import (
    Draft,
    hold,
    make_folder,
    remove_abandoned,
    remove_drafts,
    sync,
    write_file,
)

KILLED = """
import os, sys
from pathlib import Path
from store.durable import Draft
draft = Draft(Path(sys.argv[1]))
draft.write(b"x" * 100_000)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was handed to fsync, by name, as it happens."""
    names: list[str] = []

    def fsync(fd: int) -> None:
        names.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


# -- a file ----------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_and_its_folder_is_synced_after_it(tmp_path, synced) -> None:
    target = tmp_path / "judge.json"
    target.write_text("before")
    write_file(target, b"after")
    assert target.read_bytes() == b"after"
    assert synced == [".judge.json.partial", tmp_path.name]
    assert names_in(tmp_path) == ["judge.json"]


def test_its_mode_is_what_was_asked_for_whatever_the_umask_and_the_old_file(tmp_path) -> None:
    target = tmp_path / "a"
    target.touch(0o640)
    old = os.umask(0o077)
    try:
        write_file(target, b"")
        assert mode_of(target) == 0o600
        write_file(target, b"", mode=0o644)
        assert mode_of(target) == 0o644
        os.umask(0o027)
        write_file(target, b"", mode=None)
        assert mode_of(target) == 0o640
    finally:
        os.umask(old)


def test_until_it_is_replaced_nobody_sees_the_draft(tmp_path) -> None:
    target = tmp_path / "a"
    target.write_text("before")
    with Draft(target) as draft:
        draft.write(b"af")
        draft.write(b"ter")
        assert target.read_text() == "before"
        assert draft.path.read_bytes() == b"after"
        assert draft.path.name.startswith(".")
        draft.replace()
    assert target.read_text() == "after"


def test_a_draft_that_is_given_up_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    target = tmp_path / "a"
    target.write_text("before")
    with Draft(target) as draft:
        draft.write(b"half")
    assert (names_in(tmp_path), target.read_text()) == (["a"], "before")


def test_a_name_as_long_as_names_get_can_be_written(tmp_path) -> None:
    target = tmp_path / ("\N{SNOWMAN}" * 85)
    write_file(target, b"1")
    assert target.read_bytes() == b"1"


def test_what_a_killed_writer_left_is_taken_over(tmp_path) -> None:
    target = tmp_path / "a"
    target.write_text("before")
    killed = subprocess.run([sys.executable, "-c", KILLED, target], check=False, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert target.read_text() == "before"
    assert (tmp_path / ".a.partial").stat().st_size == 100_000
    write_file(target, b"after")
    assert (names_in(tmp_path), target.read_text()) == (["a"], "after")


def test_who_does_not_wait_is_told_that_somebody_else_is_writing(tmp_path) -> None:
    with Draft(tmp_path / "a") as first:
        with pytest.raises(BlockingIOError):
            Draft(tmp_path / "a", wait=False)
        first.replace()
    with Draft(tmp_path / "a", wait=False):
        pass


def test_writers_of_one_file_take_turns(tmp_path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")

    def add() -> None:
        for _ in range(50):
            with Draft(counter) as draft:
                draft.write(str(int(counter.read_text()) + 1).encode())
                draft.replace()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.read_text() == "200"


def test_a_draft_put_in_place_by_its_owner_meanwhile_is_not_taken(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a writer that opens the draft just before its owner puts it in place
    theirs, target = tmp_path / ".a.partial", tmp_path / "a"
    theirs.write_bytes(b"theirs")
    flock = fcntl.flock
    calls: list[int] = []

    def late(fd: int, how: int) -> None:
        if not calls:
            theirs.replace(target)
        calls.append(fd)
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    # when it gets the lock, then it takes another file and leaves theirs whole
    with Draft(target) as draft:
        draft.write(b"ours")
        assert target.read_bytes() == b"theirs"
        draft.replace()
    assert target.read_bytes() == b"ours"


def test_a_link_or_a_pipe_in_the_drafts_place_is_refused(tmp_path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".a.partial").symlink_to(victim)
    os.mkfifo(tmp_path / ".b.partial")
    for name in ("a", "b"):
        with pytest.raises(OSError, match="partial"):
            write_file(tmp_path / name, b"")
    assert victim.read_text() == "precious"


# -- a folder --------------------------------------------------------------------------------------


def test_each_new_folder_is_made_durable_in_the_one_above_it(tmp_path, synced) -> None:
    folder = tmp_path / "a" / "b" / "c"
    make_folder(folder, 0o700)
    assert synced == [tmp_path.name, "a", "b"]
    assert (mode_of(folder), mode_of(folder.parent) & 0o700) == (0o700, 0o700)
    assert mode_of(folder.parent) != 0o700


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path, synced) -> None:
    make_folder(tmp_path, 0o700)
    (tmp_path / "link").symlink_to(tmp_path)
    make_folder(tmp_path / "link")
    assert synced == []


def test_a_file_in_a_folders_place_is_an_error(tmp_path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "a")
    with pytest.raises(NotADirectoryError):
        make_folder(tmp_path / "a" / "b")
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "nothing")


# -- what was left ---------------------------------------------------------------------------------


def test_drafts_of_the_dead_go_and_those_of_the_living_and_of_others_stay(tmp_path):
    # given
    for name in (".a.json.partial", f".{'0' * 64}.partial", ".notes.partial", "b.partial", ".c"):
        (tmp_path / name).touch()
    (tmp_path / ".folder.json.partial").mkdir()
    (tmp_path / ".link.json.partial").symlink_to(tmp_path / ".c")
    os.mkfifo(tmp_path / ".pipe.json.partial")

    # when
    with Draft(tmp_path / "living.json"):
        remove_drafts(tmp_path, lambda target: target.endswith(".json"))

        # then
        assert {path.name for path in tmp_path.iterdir()} == {
            ".living.json.partial",
            ".notes.partial",
            "b.partial",
            ".c",
            ".folder.json.partial",
            ".link.json.partial",
            ".pipe.json.partial",
        }


def test_a_draft_of_another_user_is_not_ours_to_remove(tmp_path, monkeypatch):
    (tmp_path / ".a.partial").touch()
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    remove_drafts(tmp_path)
    assert (tmp_path / ".a.partial").exists()


def test_a_folder_in_the_making_is_removed_when_nobody_holds_it(tmp_path):
    for name in ("held", "left"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
    held = hold(tmp_path / "held")
    remove_abandoned(tmp_path.iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["held"]
    os.close(held)
    remove_abandoned(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
