"""Requests as files: written whole, read with suspicion."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from cadenzad.config.paths import make_state_dir
from cadenzad.requests import inbox
from cadenzad.requests.commands import Ping, new_request
from store.errors import InputError, StoreError


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return make_state_dir(tmp_path / "state")


def leave(state: Path, content: bytes | str, name: str = "a.json") -> Path:
    path = state / "inbox" / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_what_is_sent_can_be_read_and_is_done_with(state: Path) -> None:
    # given
    request = inbox.Request("some-id", "ping", {"text": 'ä "quoted"\n', "number": 1.5})

    # when
    path = inbox.send(state, request)

    # then
    assert list(inbox.waiting(state)) == [path]
    assert inbox.read(path) == request
    inbox.done(path)
    inbox.done(path)
    assert list((state / "inbox").iterdir()) == []


def test_requests_are_waiting_oldest_first(state: Path) -> None:
    for name, age in (("b", 30), ("a", 10), ("c", 20)):
        os.utime(leave(state, "{}", f"{name}.json"), (1_000 - age, 1_000 - age))
    leave(state, "{}", ".hidden.json")
    leave(state, "{}", "a.json.refused")
    leave(state, "{}", "notes.txt")
    assert [path.stem for path in inbox.waiting(state)] == ["b", "c", "a"]


def test_one_that_is_taken_back_while_they_are_listed_is_not_missed_by_anybody(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given one that is gone after it was found and before it is looked at
    gone, kept = leave(state, "{}", "gone.json"), leave(state, "{}", "kept.json")
    lstat = Path.lstat

    def vanish(path: Path) -> os.stat_result:
        gone.unlink(missing_ok=True)
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", vanish)

    # when / then
    assert list(inbox.waiting(state)) == [kept]


def test_links_and_folders_are_listed_but_never_followed_blindly(state: Path) -> None:
    # given
    folder = state / "inbox"
    (folder / "dangling.json").symlink_to("nowhere")
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    (folder / "loop.json").symlink_to("loop.json")

    # when / then
    found = {path.name: path for path in inbox.waiting(state)}
    assert set(found) == {"dangling.json", "folder.json", "pipe.json", "loop.json"}
    for name in ("folder.json", "pipe.json"):
        with pytest.raises(InputError, match="not a regular file"):
            inbox.read(found[name])
    (folder / "link.json").symlink_to(leave(state, "{}", "request.txt"))
    for name in ("dangling.json", "loop.json", "link.json"):
        with pytest.raises(InputError, match="a symbolic link"):
            inbox.read(folder / name)
    inbox.refuse(found["folder.json"])
    assert (folder / "folder.json.refused").is_dir()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a request"),
        (b"\xff\xfe", "not a request"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{", "not a request"),
        (b"[" * 100_000, "not a request"),
        (b"9" * 5_000, "not a request"),
        (b" " * ((1 << 20) + 1), "larger"),
        ({}, "its id"),
        ({"id": "", "kind": "ping", "body": {}}, "its id"),
        ({"id": "a/b", "kind": "ping", "body": {}}, "its id"),
        ({"id": "\ud800", "kind": "ping", "body": {}}, "its id"),
        ({"id": "x" * 65, "kind": "ping", "body": {}}, "its id"),
        ({"id": 7, "kind": "ping", "body": {}}, "its id"),
        ({"id": "a", "body": {}}, "a kind"),
        ({"id": "a", "kind": ["ping"], "body": {}}, "a kind"),
        ({"id": "a", "kind": "ping"}, "a body"),
        ({"id": "a", "kind": "ping", "body": [["a", 1]]}, "a body"),
    ],
)
def test_what_is_no_request_is_one_line(state: Path, content: bytes | dict, reason: str) -> None:
    path = leave(state, content if isinstance(content, bytes) else json.dumps(content))
    with pytest.raises(InputError) as caught:
        inbox.read(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_no_request(state: Path) -> None:
    path = inbox.send(state, new_request(Ping()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    os.chown(path, 12345, -1)
    with pytest.raises(InputError, match="not a request: it belongs to uid 12345"):
        inbox.read(path)


def test_a_refused_file_stays_with_its_bytes(state: Path) -> None:
    path = leave(state, b"garbage")
    inbox.refuse(path)
    assert list(inbox.waiting(state)) == []
    assert (state / "inbox" / "a.json.refused").read_bytes() == b"garbage"


def test_what_cannot_be_read_or_renamed_is_no_traceback(state: Path, without_privilege) -> None:
    path = leave(state, "{}")
    path.chmod(0)
    (state / "inbox").chmod(0o500)
    try:
        with without_privilege():
            with pytest.raises(InputError, match="Permission denied"):
                inbox.read(path)
            inbox.refuse(path)
    finally:
        (state / "inbox").chmod(0o700)
    assert path.exists()


def test_a_missing_or_unreadable_inbox_holds_nothing(state: Path, without_privilege) -> None:
    (state / "inbox").chmod(0)
    with without_privilege():
        assert list(inbox.waiting(state)) == []
    (state / "inbox").rmdir()
    assert list(inbox.waiting(state)) == []
    with pytest.raises(StoreError, match="cannot be left there: No such file"):
        inbox.send(state, new_request(Ping()))


def test_a_full_disk_leaves_no_half_request(state: Path, full_disk) -> None:
    with full_disk(8), pytest.raises(StoreError, match="cannot be left there"):
        inbox.send(state, inbox.Request("a", "ping", {"padding": "x" * 100}))
    assert list((state / "inbox").iterdir()) == []


def test_only_a_daemon_takes_requests() -> None:
    assert inbox.takes_requests({"role": "cadenzad", "pid": 1})
    assert not inbox.takes_requests({"role": "cadenza", "pid": 1})
    assert not inbox.takes_requests({"role": "a process"})
    assert not inbox.takes_requests(None)
