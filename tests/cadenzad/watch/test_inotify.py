"""The watcher against the real kernel: what it reports, and that it never goes blind in silence."""

from __future__ import annotations

import ctypes
import errno
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waiting import eventually

from cadenzad.watch import inotify
from cadenzad.watch.changes import Change, ChangeQueue, FileChange, Overflowed, WatchLost
from cadenzad.watch.inotify import FolderWatches, WatchRefused, cookie_path, is_cookie
from store.errors import DaemonError

inotify_c = pytest.importorskip("watchdog.observers.inotify_c", reason="inotify is Linux's")

PATIENCE = 20.0  # seconds until a condition that never comes true fails its test


class Watching:
    """Started watches with their queue, and ways to take from it up to a known point."""

    def __init__(self) -> None:
        self.queue = ChangeQueue()
        self.watches = FolderWatches(self.queue)
        self.watches.start()

    def until(self, wanted: Callable[[Change], bool]) -> list[Change]:
        """Every change up to and with the first that is wanted."""
        taken: list[Change] = []
        deadline = time.monotonic() + PATIENCE
        while not (taken and wanted(taken[-1])):
            change = self.queue.get(timeout=deadline - time.monotonic())
            assert change is not None, f"not what was waited for: {taken}"
            taken.append(change)
        return taken

    def so_far(self, folder: Path) -> list[Change]:
        """Every change that happened before this call: inotify keeps the order, so those that
        come before a cookie's. `folder` is any armed one."""
        cookie = self.watches.probe(folder)
        taken = self.until(lambda change: change == FileChange(str(cookie), "closed", False))
        cookie.unlink()
        return [one for one in taken if not (isinstance(one, FileChange) and is_cookie(one.path))]

    def kinds(self, folder: Path) -> list[tuple[str, str]]:
        """`so_far` as (name, kind)."""
        changes = self.so_far(folder)
        assert all(isinstance(change, FileChange) for change in changes), changes
        return [(os.path.basename(change.path), change.kind) for change in changes]


def open_descriptors() -> set[tuple[str, str]]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add((name, os.readlink(f"/proc/self/fd/{name}")))
        except FileNotFoundError:  # the one that lists
            continue
    return found


@pytest.fixture
def watching() -> Iterator[Watching]:
    """Started watches; whatever the test does, no thread and no descriptor may stay."""
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    it = Watching()
    yield it
    it.watches.stop()
    assert set(threading.enumerate()) == threads
    assert open_descriptors() == descriptors


@pytest.fixture
def folder(watching: Watching, tmp_path: Path) -> Path:
    """An armed folder."""
    path = tmp_path / "project"
    path.mkdir()
    watching.watches.arm(path)
    return path


class TestWhatIsReported:
    def test_a_written_file(self, watching, folder):
        # when a file is created, written and closed
        (folder / "a").write_text("1\n")
        # then each step is reported, under the armed folder's path
        changes = watching.so_far(folder)
        path = str(folder / "a")
        assert changes == [
            FileChange(path, kind, False) for kind in ("created", "modified", "closed")
        ]

    def test_a_rename_from_outside(self, watching, folder, tmp_path):
        (tmp_path / "a.tmp").write_text("1\n")
        (tmp_path / "a.tmp").rename(folder / "a")
        assert watching.kinds(folder) == [("a", "moved_in")]

    def test_a_rename_to_the_outside(self, watching, folder, tmp_path):
        (folder / "a").touch()
        watching.so_far(folder)
        (folder / "a").rename(tmp_path / "a")
        assert watching.kinds(folder) == [("a", "moved_out")]

    def test_a_rename_within(self, watching, folder):
        (folder / "a.tmp").touch()
        watching.so_far(folder)
        (folder / "a.tmp").rename(folder / "a")
        assert watching.kinds(folder) == [("a.tmp", "moved_out"), ("a", "moved_in")]

    def test_a_hard_link(self, watching, folder, tmp_path):
        (tmp_path / "a").write_text("1\n")
        os.link(tmp_path / "a", folder / "a")
        assert watching.kinds(folder) == [("a", "created")]

    def test_a_file_that_is_held_open(self, watching, folder):
        # given a file that is appended to and kept open
        with open(folder / "a", "ab", buffering=0) as log:
            log.write(b"1\n")
            assert watching.kinds(folder) == [("a", "created"), ("a", "modified")]
            log.write(b"2\n")
            assert watching.kinds(folder) == [("a", "modified")]
        # then the close comes when it is closed, not before
        assert watching.kinds(folder) == [("a", "closed")]

    def test_a_truncation_by_path(self, watching, folder):
        (folder / "a").write_text("123")
        watching.so_far(folder)
        os.truncate(folder / "a", 1)
        assert watching.kinds(folder) == [("a", "modified")]

    def test_a_removal(self, watching, folder):
        (folder / "a").touch()
        watching.so_far(folder)
        (folder / "a").unlink()
        assert watching.kinds(folder) == [("a", "deleted")]

    def test_directories_but_not_what_is_in_them(self, watching, folder, tmp_path):
        # given a directory with a file, elsewhere
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "a").touch()
        # when it is moved in, another is made, and both get files
        (tmp_path / "elsewhere").rename(folder / "moved")
        (folder / "made").mkdir()
        (folder / "moved" / "b").touch()
        (folder / "made" / "b").touch()
        # then the directories are reported, as directories
        assert watching.so_far(folder) == [
            FileChange(str(folder / "moved"), "moved_in", True),
            FileChange(str(folder / "made"), "created", True),
        ]

    def test_names_that_are_not_utf_8(self, watching, folder):
        name = b"caf\xe9.log.jsonl"
        os.close(os.open(os.path.join(os.fsencode(folder), name), os.O_CREAT | os.O_WRONLY))
        first = watching.so_far(folder)[0]
        assert os.fsencode(first.path) == os.path.join(os.fsencode(folder), name)

    def test_every_file_of_a_burst(self, watching, folder):
        names = [f"{number}.log.jsonl" for number in range(1000)]
        for name in names:
            (folder / name).touch()
        assert [name for name, kind in watching.kinds(folder) if kind == "closed"] == names

    def test_a_busy_appender_in_few_changes(self, watching, folder):
        # given a file that is appended to 5,000 times while nobody takes changes
        with open(folder / "a", "ab", buffering=0) as log:
            for _ in range(5000):
                log.write(b"x\n")
            cookie = watching.watches.probe(folder)
            # when the reader has come to the end of it
            eventually(
                lambda: len(watching.queue) >= 4, "what was waited for", PATIENCE, every=0.001
            )
            # then one change stands for all of them
            taken = [watching.queue.get(timeout=0) for _ in range(4)]
            assert [(change.path, change.kind) for change in taken] == [
                (str(folder / "a"), "created"),
                (str(folder / "a"), "modified"),
                (str(cookie), "created"),
                (str(cookie), "closed"),
            ]


class TestArming:
    def test_arming_twice_is_arming_once(self, watching, folder):
        watching.watches.arm(folder)
        (folder / "a").touch()
        assert watching.kinds(folder) == [("a", "created"), ("a", "closed")]
        assert watching.watches.armed == {folder}

    def test_a_disarmed_folder_is_silent(self, watching, folder, tmp_path):
        # given two armed folders of which one is disarmed, twice
        other = tmp_path / "other"
        other.mkdir()
        watching.watches.arm(other)
        watching.watches.disarm(other)
        watching.watches.disarm(other)
        # when both change, then only the armed one reports
        (other / "a").touch()
        (folder / "b").touch()
        assert watching.kinds(folder) == [("b", "created"), ("b", "closed")]
        assert watching.watches.armed == {folder}

    def test_a_symlinked_folder_reports_under_the_symlink(self, watching, tmp_path):
        (tmp_path / "real").mkdir()
        link = tmp_path / "link"
        link.symlink_to("real")
        watching.watches.arm(link)
        (tmp_path / "real" / "a").touch()
        assert watching.so_far(link)[0] == FileChange(str(link / "a"), "created", False)

    def test_one_folder_under_two_paths_reports_under_both(self, watching, folder, tmp_path):
        # given a folder that is armed under its own path and a symlink's
        link = tmp_path / "link"
        link.symlink_to("project")
        watching.watches.arm(link)
        # when it changes, then both report
        (folder / "a").symlink_to("nowhere")
        assert sorted(change.path for change in watching.so_far(folder)) == [
            str(link / "a"),
            str(folder / "a"),
        ]
        # when one is disarmed, then the other goes on
        watching.watches.disarm(link)
        (folder / "a").unlink()
        assert watching.so_far(folder) == [FileChange(str(folder / "a"), "deleted", False)]
        assert watching.watches.check() == []

    def test_a_hundred_folders_take_one_thread(self, watching, tmp_path):
        before = threading.active_count()
        for number in range(100):
            (tmp_path / str(number)).mkdir()
            watching.watches.arm(tmp_path / str(number))
        assert threading.active_count() == before + 1
        assert watching.watches.check() == []

    def test_arming_before_the_start_is_a_mistake(self, tmp_path):
        with pytest.raises(RuntimeError, match="start"):
            FolderWatches(ChangeQueue()).arm(tmp_path)


class TestRefusals:
    def refusal(self, watching: Watching, folder: Path) -> WatchRefused:
        with pytest.raises(WatchRefused) as caught:
            watching.watches.arm(folder)
        assert watching.watches.armed == frozenset()
        assert str(folder) in str(caught.value)
        assert "\n" not in str(caught.value)
        return caught.value

    def test_a_missing_folder(self, watching, tmp_path):
        assert self.refusal(watching, tmp_path / "none").reason == "missing"

    def test_a_file(self, watching, tmp_path):
        (tmp_path / "file").touch()
        assert self.refusal(watching, tmp_path / "file").reason == "not-a-folder"

    def test_a_symlink_to_itself(self, watching, tmp_path):
        (tmp_path / "loop").symlink_to("loop")
        assert self.refusal(watching, tmp_path / "loop").reason == "failed"

    def test_a_folder_that_may_not_be_read(self, watching, tmp_path):
        # given a folder that this user may not read
        secret = tmp_path / "secret"
        secret.mkdir(mode=0)
        with not_being_root():
            # when it is armed, then it is refused (watchdog takes it without a word)
            refusal = self.refusal(watching, secret)
        assert refusal.reason == "denied"
        assert refusal.hint

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (errno.ENOSPC, "watch-limit"),
            (errno.EACCES, "denied"),
            (errno.ENOMEM, "failed"),
        ],
    )
    def test_what_the_kernel_may_answer(self, watching, tmp_path, monkeypatch, code, reason):
        # given a kernel that refuses
        with monkeypatch.context() as patched:
            patched.setattr(inotify_c, "inotify_add_watch", failing_call(code))
            # when a folder is armed, then the refusal says why, and nothing of it stays behind
            assert self.refusal(watching, tmp_path).reason == reason
            assert watching.watches._inotify._watch_for_wd == {}
        # when the kernel is kinder, then the same watches can arm it
        watching.watches.arm(tmp_path)
        (tmp_path / "a").touch()
        assert watching.kinds(tmp_path) == [("a", "created"), ("a", "closed")]

    def test_too_many_inotify_instances_until_there_are_not(self, watching, tmp_path, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr(inotify_c, "inotify_init", failing_call(errno.EMFILE))
            assert self.refusal(watching, tmp_path).reason == "instance-limit"
            assert not watching.watches.alive
        watching.watches.arm(tmp_path)
        assert watching.watches.alive

    def test_no_thread_to_be_had(self, watching, tmp_path, monkeypatch):
        def no_thread(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            assert self.refusal(watching, tmp_path).reason == "failed"

    def test_a_platform_without_inotify(self, watching, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "watchdog.observers.inotify_c", None)
        refusal = self.refusal(watching, tmp_path)
        assert refusal.reason == "no-inotify"
        assert "scan" in refusal.hint


def failing_call(code: int) -> Callable[..., int]:
    """A libc function that fails with an errno, as ctypes presents it."""

    def call(*_: object) -> int:
        ctypes.set_errno(code)
        return -1

    return call


@contextmanager
def not_being_root() -> Iterator[None]:
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


class TestLosses:
    def test_a_folder_that_is_deleted_and_made_again(self, watching, folder):
        # when the folder is deleted
        folder.rmdir()
        # then its loss is reported, once, and it is not armed
        assert watching.until(is_loss) == [WatchLost(folder, "it was deleted")]
        assert watching.watches.armed == frozenset()
        assert watching.watches.check() == []
        # when it is made and armed again, then it reports again
        folder.mkdir()
        watching.watches.arm(folder)
        (folder / "a").touch()
        assert watching.kinds(folder) == [("a", "created"), ("a", "closed")]

    def test_a_folder_that_is_moved_away(self, watching, folder, tmp_path):
        # when the folder is moved
        folder.rename(tmp_path / "moved")
        assert watching.until(is_loss) == [WatchLost(folder, "it was moved away")]
        # then what happens in it now is not reported under its old path
        folder.mkdir()
        watching.watches.arm(folder)
        (tmp_path / "moved" / "a").touch()
        (folder / "b").touch()
        assert watching.kinds(folder) == [("b", "created"), ("b", "closed")]

    def test_a_folder_that_is_deleted_while_somebody_is_in_it(self, watching, folder):
        # given a folder that a process holds open: the kernel does not report its deletion
        held = os.open(folder, os.O_RDONLY)
        try:
            folder.rmdir()
            # when the watches are checked, then the loss is found, once
            assert watching.watches.check() == [WatchLost(folder, "there is no such folder")]
            assert watching.watches.check() == []
            assert watching.watches.armed == frozenset()
        finally:
            os.close(held)

    def test_a_folder_whose_parent_was_moved_away(self, watching, tmp_path):
        # given an armed folder in a parent that is not watched
        child = tmp_path / "parent" / "child"
        child.mkdir(parents=True)
        watching.watches.arm(child)
        # when the parent is moved away and another takes its place
        (tmp_path / "parent").rename(tmp_path / "moved")
        child.mkdir(parents=True)
        # then the check finds it
        lost = WatchLost(child, "another folder took its place")
        assert watching.watches.check() == [lost]
        # when it is armed again, then the new one reports and the old one does not
        watching.watches.arm(child)
        (tmp_path / "moved" / "child" / "a").touch()
        (child / "b").touch()
        assert watching.kinds(child) == [("b", "created"), ("b", "closed")]

    def test_a_symlink_that_leads_elsewhere_now(self, watching, tmp_path):
        for name in ("old", "new"):
            (tmp_path / name).mkdir()
        link = tmp_path / "link"
        link.symlink_to("old")
        watching.watches.arm(link)
        link.unlink()
        link.symlink_to("new")
        assert watching.watches.check() == [WatchLost(link, "another folder took its place")]

    def test_a_folder_made_anew_though_the_kernel_could_not_say(
        self, watching, folder, monkeypatch
    ):
        # given that the reports of the folder's end are lost, as in an overflow
        monkeypatch.setattr(inotify_c.InotifyFD, "handle_event", lambda *_: None)
        # when it is deleted and made again, most likely with the same inode number
        folder.rmdir()
        folder.mkdir()
        # then the check tells the two apart
        assert watching.watches.check() == [WatchLost(folder, "another folder took its place")]

    def test_check_leaves_sound_watches_alone(self, watching, folder):
        for _ in range(3):
            assert watching.watches.check() == []
        (folder / "a").touch()
        assert watching.kinds(folder) == [("a", "created"), ("a", "closed")]

    def test_a_late_report_does_not_disarm_the_folder_made_anew(
        self, watching, folder, monkeypatch
    ):
        # given a reader that is held up just when it reports the folder's deletion
        report, reporting, go_on = inotify._Watch.on_event, threading.Event(), threading.Event()

        def held_up(self: inotify._Watch, event: inotify_c.InotifyEvent) -> None:
            if event.is_delete_self:
                reporting.set()
                assert go_on.wait(PATIENCE)
            report(self, event)

        monkeypatch.setattr(inotify._Watch, "on_event", held_up)
        folder.rmdir()
        assert reporting.wait(PATIENCE)
        # when the check finds the loss first, and the folder is made and armed again
        assert watching.watches.check() == [WatchLost(folder, "there is no such folder")]
        folder.mkdir()
        watching.watches.arm(folder)
        go_on.set()
        # then the report of the old folder's end does not end the new one's watch
        (folder / "a").touch()
        assert watching.kinds(folder) == [("a", "created"), ("a", "closed")]
        assert watching.watches.armed == {folder}

    @pytest.mark.parametrize(
        ("method", "error"),
        [
            ("_check_inotify_fd", OSError(errno.EIO, "Input/output error")),
            ("read_events", ValueError("a bug")),
        ],
    )
    def test_a_reader_that_dies_loses_every_folder(
        self, watching, folder, monkeypatch, method, error
    ):
        # given a reader that fails within its next read, or outside of it
        def fail(_: object) -> None:
            raise error

        monkeypatch.setattr(threading, "excepthook", lambda _: None)
        with monkeypatch.context() as patched:
            patched.setattr(inotify_c.InotifyFD, method, fail)
            (folder / "a").touch()
            # then every folder is reported lost, and the thread is seen to be gone
            assert watching.until(is_loss)[-1].folder == folder
            eventually(
                lambda: not watching.watches.alive, "what was waited for", PATIENCE, every=0.001
            )
            assert watching.watches.armed == frozenset()
        # when the folder is armed again, then a new reader reports it
        watching.watches.arm(folder)
        (folder / "b").touch()
        assert watching.kinds(folder) == [("b", "created"), ("b", "closed")]


def is_loss(change: Change) -> bool:
    return isinstance(change, WatchLost)


class TestStopping:
    def test_stop_is_silent_and_can_be_repeated(self, watching, folder):
        # when the watches are stopped with a folder armed
        watching.watches.stop()
        watching.watches.stop()
        # then nothing is armed and no loss is reported (the fixture looks for leaks)
        assert watching.watches.armed == frozenset()
        assert not watching.watches.alive
        assert watching.queue.get(timeout=0) is None

    def test_start_works_again_after_stop(self, watching, folder):
        watching.watches.stop()
        watching.watches.start()
        watching.watches.arm(folder)
        (folder / "a").touch()
        assert watching.kinds(folder) == [("a", "created"), ("a", "closed")]

    def test_stopping_at_once_leaks_nothing(self, watching, tmp_path):
        # given watches that are stopped before their reader has come to its first read
        for _ in range(50):
            watching.watches.start()
            watching.watches.arm(tmp_path)
            watching.watches.stop()
        # then the fixture finds no descriptor left

    def test_stopping_under_a_stream_of_changes(self, watching, folder):
        # given a folder in which another thread makes changes all the time
        done = threading.Event()

        def make_changes() -> None:
            while not done.is_set():
                (folder / "a").touch()
                (folder / "a").unlink()

        maker = threading.Thread(target=make_changes)
        maker.start()
        try:
            for _ in range(20):
                watching.watches.arm(folder)
                watching.until(lambda change: isinstance(change, FileChange))
                watching.watches.stop()
                watching.watches.start()
        finally:
            done.set()
            maker.join()

    def test_children_do_not_inherit_the_inotify_descriptor(self, watching, folder):
        descriptors = [int(fd) for fd, what in open_descriptors() if "inotify" in what]
        assert descriptors
        assert not any(os.get_inheritable(descriptor) for descriptor in descriptors)


class TestProbe:
    def test_a_cookie_comes_back_as_a_change(self, watching, folder):
        cookie = watching.watches.probe(folder)
        assert cookie.parent == folder
        assert cookie.name.startswith(".")
        assert is_cookie(cookie)
        watching.until(lambda change: change == FileChange(str(cookie), "closed", False))

    def test_each_cookie_has_its_own_name(self, folder):
        assert cookie_path(folder) != cookie_path(folder)
        assert not is_cookie(folder / "run-1.log.jsonl")

    def test_a_folder_that_is_not_armed_cannot_be_probed(self, watching, tmp_path):
        with pytest.raises(DaemonError, match="not watched"):
            watching.watches.probe(tmp_path)

    def test_a_folder_that_cannot_be_written(self, watching, folder):
        folder.chmod(0o500)
        with not_being_root(), pytest.raises(DaemonError, match="cannot write"):
            watching.watches.probe(folder)

    def test_a_planted_symlink_is_not_followed(self, watching, folder, tmp_path):
        # given a symlink where the next cookie would be written
        (tmp_path / "victim").write_text("precious")
        prefix, number = cookie_path(folder).name.rsplit("-", 1)
        planted = folder / f"{prefix}-{int(number) + 1}"
        planted.symlink_to(tmp_path / "victim")
        # when the folder is probed, then another name is taken
        assert watching.watches.probe(folder) != planted
        assert (tmp_path / "victim").read_text() == "precious"


class TestChangeQueue:
    def change(self, kind: str, path: str = "/w/a") -> FileChange:
        return FileChange(path, kind, False)

    def taken(self, queue: ChangeQueue) -> list[Change]:
        return [queue.get(timeout=0) for _ in range(len(queue))]

    @pytest.mark.parametrize("kind", ["modified", "closed"])
    def test_a_waiting_change_of_content_stands_for_the_same_again(self, kind):
        queue = ChangeQueue()
        for path in ("/w/a", "/w/b", "/w/a", "/w/b"):
            queue.put(self.change(kind, path))
        assert self.taken(queue) == [self.change(kind, "/w/a"), self.change(kind, "/w/b")]

    def test_once_taken_it_is_news_again(self):
        queue = ChangeQueue()
        for _ in range(2):
            queue.put(self.change("modified"))
            assert queue.get(timeout=0) == self.change("modified")

    @pytest.mark.parametrize("kind", ["created", "deleted", "moved_in", "moved_out"])
    def test_a_change_of_the_name_is_never_left_out_nor_what_follows_it(self, kind):
        queue = ChangeQueue()
        changes = [self.change(k) for k in ("modified", "closed", kind, "modified", "closed", kind)]
        for change in changes:
            queue.put(change)
        assert self.taken(queue) == changes

    def test_overflows_come_as_one(self):
        queue = ChangeQueue()
        for _ in range(2):
            for _ in range(100):
                queue.put(Overflowed())
            assert self.taken(queue) == [Overflowed()]

    def test_it_is_bounded_and_says_so(self):
        # given a queue that is full, with a loss among the file changes
        queue = ChangeQueue(limit=10)
        lost = WatchLost(Path("/w"), "it was deleted")
        for number in range(9):
            queue.put(self.change("modified", f"/w/{number}"))
        queue.put(lost)
        # when one more comes
        queue.put(self.change("modified", "/w/0"))
        queue.put(Overflowed())
        # then the file changes have collapsed, the loss has not, and the newest is there
        assert self.taken(queue) == [Overflowed(), lost, self.change("modified", "/w/0")]
        # when ever more come, then it stays bounded and says so once
        for number in range(1000):
            queue.put(self.change("created", f"/w/{number}"))
        assert len(queue) <= 10
        assert self.taken(queue).count(Overflowed()) == 1

    def test_wake_ends_a_wait(self):
        # given a consumer that would wait for long
        queue = ChangeQueue()
        waker = threading.Timer(0.01, queue.wake)
        waker.start()
        # when it is woken, then it gets None; no time limit but the test's own
        assert queue.get() is None
        waker.join()

    def test_a_signal_handler_may_wake(self):
        # given a handler that interrupts put and get where it will
        queue = ChangeQueue()
        before = signal.signal(signal.SIGALRM, lambda *_: queue.wake())
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        try:
            woken = 0
            while woken < 50:
                queue.put(self.change("created"))
                woken += [queue.get() for _ in range(len(queue))].count(None)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def test_no_change_is_swallowed_by_one_that_was_taken_before_it(self):
        # given two producers that change 20 files and report it, faster than they are taken
        queue = ChangeQueue()
        content = {str(number): 0 for number in range(20)}
        lock = threading.Lock()

        def produce() -> None:
            for number in range(20_000):
                path = str(number % len(content))
                with lock:
                    content[path] += 1
                queue.put(self.change("modified", path))

        producers = [threading.Thread(target=produce) for _ in range(2)]
        for producer in producers:
            producer.start()
        # when the consumer looks at each file whose change it takes
        seen = {}
        while any(producer.is_alive() for producer in producers) or len(queue):
            change = queue.get(timeout=0.01)
            if change is not None:
                seen[change.path] = content[change.path]
        # then it has seen the last state of each
        assert seen == content


CHILD = """
import json, os, subprocess, sys
from pathlib import Path
from cadenzad.watch.inotify import ChangeQueue, FolderWatches, Overflowed, WatchLost, WatchRefused
queue = ChangeQueue()
watches = FolderWatches(queue)
watches.start()
folder = Path(sys.argv[1])

def until(kind):
    while not isinstance(change := queue.get(timeout=60), kind):
        assert change is not None
    return change

def answer(it):
    print(json.dumps(it), flush=True)
"""


@contextmanager
def child(code: str, folder: Path, *before: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs `code`, with watches of its own, and answers in JSON lines."""
    command = [*before, sys.executable, "-c", CHILD + code, str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def answer_of(process: subprocess.Popen[str]) -> object:
    return json.loads(process.stdout.readline() or "null")


def test_a_full_kernel_queue_is_reported(tmp_path):
    # given a watching process that stands still
    room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if room > 100_000:
        pytest.skip("the kernel's queue is too long to fill in a test")
    with child(
        "watches.arm(folder); answer('armed'); until(Overflowed); answer('lost')", tmp_path
    ) as it:
        assert answer_of(it) == "armed"
        os.kill(it.pid, signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(it.pid, os.WUNTRACED)[1])
        # when more happens than the kernel can hold (creating a file is two changes)
        for number in range(room // 2 + 1000):
            os.close(os.open(tmp_path / str(number), os.O_CREAT | os.O_WRONLY))
        os.kill(it.pid, signal.SIGCONT)
        # then it says that changes were lost
        assert answer_of(it) == "lost"


class TestInANamespace:
    """Limits and mounts of our own, so that the kernel's real answers are seen."""

    ENTER = ("unshare", "--user", "--map-root-user", "--mount")

    @pytest.fixture(autouse=True)
    def _has_namespaces(self) -> None:
        if shutil.which("unshare") is None:
            pytest.skip("no unshare")
        if subprocess.run([*self.ENTER, "true"], capture_output=True).returncode:
            pytest.skip("this user may not make namespaces")

    def test_the_limit_of_watches(self, tmp_path):
        # given room for three watches and five folders
        for number in range(5):
            (tmp_path / str(number)).mkdir()
        code = """
Path("/proc/sys/user/max_inotify_watches").write_text("3")
for number in range(5):
    try:
        watches.arm(folder / str(number))
    except WatchRefused as refusal:
        answer([number, refusal.reason, refusal.hint])
answer(len(watches.armed))
"""
        with child(code, tmp_path, *self.ENTER) as it:
            # then three are armed and each of the others is refused
            refused = [answer_of(it), answer_of(it)]
            assert [one[:2] for one in refused] == [[3, "watch-limit"], [4, "watch-limit"]]
            assert "max_user_watches" in refused[0][2]
            assert answer_of(it) == 3

    def test_the_limit_of_instances(self, tmp_path):
        code = """
Path("/proc/sys/user/max_inotify_instances").write_text("0")
try:
    watches.arm(folder)
except WatchRefused as refusal:
    answer(refusal.reason)
"""
        with child(code, tmp_path, *self.ENTER) as it:
            assert answer_of(it) == "instance-limit"

    def test_an_unmounted_file_system(self, tmp_path):
        code = """
subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
watches.arm(folder)
subprocess.run(["umount", folder], check=True)
answer(until(WatchLost).reason)
"""
        with child(code, tmp_path, *self.ENTER) as it:
            assert answer_of(it) == "its file system was unmounted"


class TestWatchdogsInnerLayer:
    """What the watcher uses of watchdog below its documented surface; 7.1 has it like this."""

    @pytest.mark.parametrize(
        ("method", "parameters"),
        [
            ("add_callback", ["self", "path", "mask", "callback", "id_"]),
            ("remove_callbacks", ["self", "callbacks"]),
            ("run", ["self"]),
            ("stop", ["self"]),
            ("close", ["self"]),
        ],
    )
    def test_methods(self, method, parameters):
        found = inspect.signature(getattr(inotify_c.InotifyFD, method))
        assert list(found.parameters) == parameters

    def test_callbacks_are_all_answered(self):
        asked = {name for name in vars(inotify_c.WatchCallback) if name.startswith("on_")}
        assert asked == {"on_event", "on_watch_deleted", "on_queue_overflow"}
        assert asked <= set(vars(inotify._Watch))

    def test_attributes(self):
        descriptor = inotify_c.InotifyFD()
        try:
            assert isinstance(descriptor._inotify_fd, int)
            assert descriptor._is_reading is True  # once False, the workaround can go
        finally:
            descriptor._is_reading = False
            descriptor.close()

    def test_numbers(self):
        names = inotify_c.InotifyConstants
        kinds = {
            names.IN_MODIFY: "modified",
            names.IN_CLOSE_WRITE: "closed",
            names.IN_MOVED_FROM: "moved_out",
            names.IN_MOVED_TO: "moved_in",
            names.IN_CREATE: "created",
            names.IN_DELETE: "deleted",
        }
        assert kinds == inotify._KIND_OF_BIT
        losses = {names.IN_DELETE_SELF, names.IN_MOVE_SELF, names.IN_UNMOUNT}
        assert losses == set(inotify._LOSS_OF_BIT)
        assert names.IN_ISDIR == inotify._ISDIR
        asked = sum(kinds) | names.IN_DELETE_SELF | names.IN_MOVE_SELF | names.IN_ONLYDIR
        assert asked == inotify._MASK
