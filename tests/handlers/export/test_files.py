"""Blocks of whole lines in bounded memory; results that appear whole or not at all."""

from __future__ import annotations

import os
import resource
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.export.files import (
    AsRead,
    ChangedMeanwhile,
    ExportIOError,
    LogNotFound,
    LogReader,
    NewFile,
    publish,
)
from handlers.intake.observe import Stat
from store import identity
from store.errors import InputError, ProjectNotFound

# -- reading ---------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b" ")), max_size=12),
    st.booleans(),
    st.integers(1, 60),
    st.integers(1, 30),
)
def test_blocks_hold_every_line_that_is_not_too_long(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    ended: bool,
    block: int,
    max_line: int,
) -> None:
    # given any file, read in blocks of any size
    path = tmp_path_factory.mktemp("log") / "log"
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    path.write_bytes(data)
    # when it is read to its end
    with LogReader(path, block=block, max_line=max_line) as reader:
        blocks = list(reader.blocks())
    # then its lines come in order, None for each that is too long, and the rest is the tail
    read = [line for b in blocks for line in ([None] if b is None else b.split(b"\n")[:-1])]
    *whole, rest = data.split(b"\n")
    expected: list[bytes | None] = [line if len(line) <= max_line else None for line in whole]
    if len(rest) > max_line:
        expected.append(None)
        rest = b""
    assert read == expected
    assert reader.tail == rest
    # and everything is counted and hashed, also what was too long to hold
    assert reader.size == len(data)
    assert reader.digest() == identity.of(data)


def test_a_line_too_long_is_passed_over_without_being_held(tmp_path: Path) -> None:
    # given a sparse file that is one line of 256 MiB, and a line after it
    path = tmp_path / "log"
    with path.open("wb") as stream:
        stream.truncate(256 * 1024 * 1024)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\nshort\n")
    # when it is read with a limit of 1 MiB
    tracemalloc.start()
    with LogReader(path, max_line=1024 * 1024) as reader:
        blocks = list(reader.blocks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # then it is named and never held
    assert blocks == [None, b"short\n"]
    assert peak < 8 * 1024 * 1024


def test_what_is_appended_while_reading_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    with LogReader(path) as reader, path.open("ab") as log:
        log.write(b"o\nthree\n")
        log.flush()
        assert list(reader.blocks()) == [b"one\n"]
    assert reader.tail == b"tw"
    assert reader.size == 6


def _as_read(path: Path, known: str) -> AsRead:
    return AsRead(Stat.of(path.stat()).as_tuple(), known)


def test_a_log_as_it_was_read_is_not_hashed_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\n")
    with LogReader(path, as_read=_as_read(path, "blake3:as before")) as reader:
        assert list(reader.blocks()) == [b"one\ntwo\n"]
        assert reader.digest() == "blake3:as before"


def test_a_log_that_is_not_as_it_was_read_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    before = _as_read(path, "blake3:as before")
    path.write_bytes(b"one\ntwo\n")
    with LogReader(path, as_read=before) as reader:
        list(reader.blocks())
    assert reader.digest() == identity.of(b"one\ntwo\n")


def test_what_a_log_was_known_by_says_nothing_of_one_written_to_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    with LogReader(path, as_read=_as_read(path, "blake3:as before")) as reader:
        path.write_bytes(b"two\n")
        os.utime(path, ns=(1, 1))
        list(reader.blocks())
        with pytest.raises(ChangedMeanwhile):
            reader.digest()


def test_a_log_that_shrinks_while_it_is_read_just_ends(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"line\n" * 100)
    with LogReader(path, block=50) as reader:
        blocks = reader.blocks()
        assert next(blocks) == b"line\n" * 10
        os.truncate(path, 52)
        assert list(blocks) == []
    assert reader.tail == b"li"


def test_no_log_is_a_missing_project_file_to_everyone(tmp_path: Path) -> None:
    with pytest.raises(LogNotFound, match="no such run log") as caught:
        LogReader(tmp_path / "absent")
    assert isinstance(caught.value, ProjectNotFound)
    assert isinstance(caught.value, FileNotFoundError)
    assert str(caught.value) == f"{tmp_path / 'absent'}: no such run log"


def test_a_folder_a_pipe_and_a_path_through_a_file_are_refused_in_one_line(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.touch()
    for path in (tmp_path, pipe):
        with pytest.raises(InputError, match="not a regular file"):
            LogReader(path)
    with pytest.raises(ExportIOError, match=r"cannot read .*: Not a directory"):
        LogReader(file / "log")


# -- writing ---------------------------------------------------------------------------------------


def test_nothing_is_seen_before_all_is_published(tmp_path: Path) -> None:
    # given one target that exists and one in a folder that does not
    old, new = tmp_path / "old", tmp_path / "sub" / "folder" / "new"
    old.write_text("before")
    with NewFile(old) as first, NewFile(new) as second:
        first.write(b"aft")
        first.write(b"er")
        second.write(b"")
        # when they are written, then nobody sees anything but hidden files
        assert old.read_text() == "before"
        assert not new.exists()
        assert {path.name for path in tmp_path.iterdir()} == {"old", ".old.partial", "sub"}
        # when they are published, then both are there
        publish(first, second)
    assert old.read_text() == "after"
    assert new.read_bytes() == b""
    assert first.size == 5
    assert first.digest() == identity.of(b"after")
    assert {path.name for path in tmp_path.iterdir()} == {"old", "sub"}
    assert os.stat(old).st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_exception_leaves_the_target_and_no_scratch(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("before")

    def write_and_be_interrupted() -> None:
        with NewFile(target) as new:
            new.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_be_interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert target.read_text() == "before"


def test_two_writers_of_one_target_do_not_mix(tmp_path: Path) -> None:
    with NewFile(tmp_path / "out") as first:
        with pytest.raises(ExportIOError, match="another export to it is running"):
            NewFile(tmp_path / "out")
        first.write(b"mine")
        publish(first)
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_a_target_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for target in (tmp_path, Path("/dev/null")):
        with pytest.raises(InputError, match="not a regular file"):
            NewFile(target)


def test_a_full_disk_is_one_line_and_the_old_file_stays(tmp_path: Path) -> None:
    # given a system that lets no file grow beyond 64 KiB
    target = tmp_path / "out"
    target.write_text("before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, limits[1]))
    try:
        # when more than that is written
        with pytest.raises(ExportIOError) as caught, NewFile(target) as new:
            new.write(b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # then the error is one line with a hint, and nothing has changed
    assert str(caught.value).startswith(f"cannot write {target}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert target.read_text() == "before"
