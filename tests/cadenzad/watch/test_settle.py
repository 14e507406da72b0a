"""The settler: when a changed file counts as quiet. Time and files are made up."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from stat import S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, S_IFSOCK

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cadenzad.watch.settle import Drop, Settler

AFTER_CLOSE, OTHERWISE, MAX_WAIT = 0.05, 2.0, 30.0


@dataclass
class Files:
    """A made-up file system with only what `stat` tells."""

    at: dict[str, os.stat_result] = field(default_factory=dict)
    failing: dict[str, OSError] = field(default_factory=dict)
    looks: int = 0
    writes: int = 0

    def stat(self, path: str) -> os.stat_result:
        self.looks += 1
        if path in self.failing:
            raise self.failing[path]
        if path not in self.at:
            raise FileNotFoundError(path)
        return self.at[path]

    def write(
        self,
        path: str,
        *,
        mtime: float = 0.0,
        inode: int = 1,
        mode: int = S_IFREG,
        names: int = 1,
        size: int | None = None,
    ) -> None:
        self.writes += 1
        mtime_ns = int(mtime * 1e9) or self.writes
        size = self.writes if size is None else size
        counts = (mode | 0o644, inode, 1, names, 0, 0, size, 0, 0, 0)
        self.at[path] = os.stat_result(counts, {"st_mtime_ns": mtime_ns})


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def settler(files: Files) -> Settler:
    return Settler(AFTER_CLOSE, OTHERWISE, MAX_WAIT, stat=files.stat)


def paths(drops: list[Drop]) -> list[str]:
    return [drop.path for drop in drops]


@pytest.mark.parametrize(
    ("kind", "delay"),
    [
        ("closed", AFTER_CLOSE),
        ("created", OTHERWISE),
        ("modified", OTHERWISE),
    ],
)
def test_a_quiet_file_is_a_drop_after_the_delay_of_its_kind(files, settler, kind, delay):
    # given a file that was written once
    files.write("a")
    settler.note("a", kind, 10.0)
    # when just less than its delay has passed, then it is held back
    assert settler.next_deadline() == 10.0 + delay
    assert settler.due(10.0 + delay - 0.001) == []
    assert "a" in settler
    # when the delay has passed, then it is handed out, once
    seen = files.at["a"]
    assert settler.due(10.0 + delay) == [Drop("a", seen.st_size, seen.st_mtime_ns)]
    assert settler.due(1000.0) == []
    assert settler.next_deadline() is None
    assert len(settler) == 0


def test_a_later_close_shortens_the_wait(files, settler):
    # given a file that was created, with two seconds to go
    files.write("a")
    settler.note("a", "created", 0.0)
    # when it is closed
    settler.note("a", "closed", 0.1)
    # then the short delay holds, and the leftover of the long one does nothing
    assert settler.next_deadline() == pytest.approx(0.15)
    assert paths(settler.due(0.16)) == ["a"]
    assert settler.due(5.0) == []


def test_a_change_after_the_close_lengthens_the_wait(files, settler):
    # given a file that was closed and is opened and written again
    files.write("a")
    settler.note("a", "closed", 0.0)
    files.write("a")
    settler.note("a", "modified", 0.04)
    # when the close's delay is over, then it is still held back
    assert settler.due(1.0) == []
    # then the other delay counts
    assert paths(settler.due(2.04)) == ["a"]


@pytest.mark.parametrize("inode", [1, 2])
def test_a_change_nobody_reported_puts_a_file_off(files, settler, inode):
    # given a closed file that changes, or is replaced, without a report
    files.write("a")
    settler.note("a", "closed", 0.0)
    files.write("a", inode=inode)
    # when its delay is over, then the change is seen and it waits the longer delay
    assert settler.due(0.05) == []
    assert settler.next_deadline() == pytest.approx(2.05)
    assert paths(settler.due(2.05)) == ["a"]


def test_a_replacement_of_the_same_size_and_mtime_is_a_change(files, settler):
    # given two files that only their inode tells apart
    files.write("a", mtime=5.0, inode=1)
    settler.note("a", "closed", 0.0)
    files.writes -= 1
    files.write("a", mtime=5.0, inode=2)
    # when the delay of the first is over, then the second is not taken for it
    assert settler.due(0.05) == []


def test_a_file_that_never_rests_is_handed_out_every_max_wait(files, settler):
    # given a log that grows each second and is never closed
    handed = []
    for second in range(100):
        files.write("a")
        settler.note("a", "modified", float(second))
        handed += [(second, drop) for drop in settler.due(float(second))]
    # then it was shown every 30 s, as growing
    assert [second for second, _ in handed] == [30, 60, 90]
    assert all(drop.growing for _, drop in handed)
    # when it rests at last, then what came after the last showing is handed out, as settled
    assert [drop.growing for drop in settler.due(101.0)] == [False]


def test_a_file_that_grows_unreported_is_looked_at_again_each_delay(files, settler):
    # given a growing file that only the first change was reported of
    files.write("a")
    settler.note("a", "modified", 0.0)
    deadlines = []
    # when due() runs at each deadline
    for _ in range(5):
        deadlines.append(settler.next_deadline())
        files.write("a")
        assert settler.due(deadlines[-1]) == []
    # then it looked every two seconds
    assert deadlines == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_what_was_handed_out_growing_is_not_handed_out_again_unchanged(files, settler):
    # given a file whose last change came just before max_wait was over
    for second in range(30):
        files.write("a")
        settler.note("a", "modified", float(second))
        settler.due(float(second))
    assert paths(settler.due(30.0)) == ["a"]
    # when it stays as it was handed out
    # then it is let go without a second drop
    assert settler.due(100.0) == []
    assert settler.next_deadline() is None


def test_reports_without_a_change_do_not_hand_a_file_out_again(files, settler):
    # given a file that is reported each second and stays as it is
    files.write("a")
    handed = []
    for second in range(100):
        settler.note("a", "modified", float(second))
        handed += settler.due(float(second))
    # then it was handed out when max_wait was over, not twice more
    assert [drop.growing for drop in handed] == [True]
    assert settler.due(200.0) == []


def test_a_vanished_file_is_dropped_without_a_word(files, settler):
    # given a file that vanished before, and one that vanishes after it was noted
    settler.note("before", "created", 0.0)
    files.write("after")
    settler.note("after", "closed", 0.0)
    del files.at["after"]
    # then neither is handed out or held on to
    assert settler.due(100.0) == []
    assert len(settler) == 0


@pytest.mark.parametrize("kind", ["deleted", "moved_out"])
def test_a_reported_removal_forgets_the_file(files, settler, kind):
    # given a file that is held back
    files.write("a")
    settler.note("a", "closed", 0.0)
    # when its removal is noted
    settler.note("a", kind, 0.01)
    # then it is gone from here, whatever is at its path now
    assert settler.next_deadline() is None
    assert settler.due(100.0) == []


def test_a_file_noted_again_after_its_removal_starts_afresh(files, settler):
    # given a file that was removed while it waited for its long delay
    files.write("a")
    settler.note("a", "created", 0.0)
    settler.forget("a")
    # when another takes its name
    files.write("a")
    settler.note("a", "created", 1.5)
    # then the first one's deadline does not apply to it
    assert settler.due(2.5) == []
    assert paths(settler.due(3.5)) == ["a"]


def test_a_file_that_is_renamed_into_place_is_whole(files, settler):
    files.write("a")
    settler.note("a", "moved_in", 10.0)
    assert paths(settler.due(10.0)) == ["a"]
    # when whoever renamed it goes on writing all the same, then it is held back as any other
    files.write("a")
    settler.note("a", "modified", 10.5)
    assert settler.due(10.5 + OTHERWISE - 0.001) == []
    assert paths(settler.due(10.5 + OTHERWISE)) == ["a"]


def test_a_new_name_of_a_file_that_was_written_before_is_whole(files, settler):
    files.write("a", names=2)
    settler.note("a", "created", 10.0)
    assert paths(settler.due(10.0)) == ["a"]
    # one without a byte may have been linked first, to be written then
    files.write("b", names=2, size=0)
    settler.note("b", "created", 10.0)
    assert settler.due(10.0 + OTHERWISE - 0.001) == []


@pytest.mark.parametrize("mode", [S_IFDIR, S_IFIFO, S_IFSOCK, S_IFCHR])
def test_what_is_not_a_regular_file_never_becomes_a_drop(files, settler, mode):
    # given a directory, or a pipe that would block whoever opens it
    files.write("a", mode=mode)
    # when it is noted and found
    settler.note("a", "moved_in", 0.0)
    settler.found("a", 0.0, wall=1e9)
    # then it is not held back
    assert len(settler) == 0
    assert settler.due(100.0) == []


def test_a_file_whose_parent_became_a_file_counts_as_vanished(files, settler):
    files.write("a/b")
    settler.note("a/b", "closed", 0.0)
    files.failing["a/b"] = NotADirectoryError("a/b")
    assert settler.due(1.0) == []
    assert len(settler) == 0


def test_a_file_that_cannot_be_looked_at_is_handed_out_so_that_opening_it_says_why(files, settler):
    # given a file whose stat fails though it is there
    files.failing["a"] = PermissionError("a")
    settler.note("a", "closed", 0.0)
    # when its delay is over, then it is a drop of unknown size
    assert settler.due(0.05) == [Drop("a", None, None)]
    assert len(settler) == 0


class TestFound:
    WALL = 1_700_000_000.0

    def test_a_file_that_rested_long_is_due_at_once(self, files, settler):
        files.write("a", mtime=self.WALL - 2.5)
        settler.found("a", 10.0, self.WALL)
        assert settler.next_deadline() == 10.0
        assert paths(settler.due(10.0)) == ["a"]

    @pytest.mark.parametrize("age", [1.5, 0.0, -3600.0])
    def test_a_fresh_file_waits_also_one_from_the_future(self, files, settler, age):
        files.write("a", mtime=self.WALL - age)
        settler.found("a", 10.0, self.WALL)
        assert settler.due(11.9) == []
        assert paths(settler.due(12.0)) == ["a"]

    def test_a_file_that_changes_after_it_was_found_waits(self, files, settler):
        files.write("a", mtime=self.WALL - 100)
        settler.found("a", 10.0, self.WALL)
        files.write("a", mtime=self.WALL)
        assert settler.due(10.0) == []
        assert paths(settler.due(12.0)) == ["a"]

    def test_it_leaves_a_noted_file_as_it_is(self, files, settler):
        # given a file that is being written, with an old mtime (as `cp -p` leaves it)
        files.write("a", mtime=self.WALL - 100)
        settler.note("a", "modified", 10.0)
        # when a scan comes upon it
        settler.found("a", 10.5, self.WALL)
        # then what is known of its changes decides
        assert settler.due(11.9) == []
        assert paths(settler.due(12.0)) == ["a"]


def test_drops_come_longest_due_first(files, settler):
    for at, name in [(0.3, "c"), (0.1, "a"), (0.2, "b")]:
        files.write(name)
        settler.note(name, "closed", at)
    assert paths(settler.due(1.0)) == ["a", "b", "c"]


def test_a_busy_file_takes_one_place_in_the_heap(files, settler):
    # given a file that is noted ten thousand times
    files.write("a")
    for tick in range(10_000):
        settler.note("a", "modified", tick / 10_000)
    # then it is put off, not queued up
    assert len(settler._heap) == 1
    assert settler.next_deadline() == pytest.approx(2.9999)


def test_leftovers_of_shortened_waits_leave_the_heap(files, settler):
    # given a file that is written and closed every 10 ms, over 20 s
    files.write("a")
    for tick in range(2_000):
        settler.note("a", "modified", tick / 100)
        settler.due(tick / 100)
        settler.note("a", "closed", tick / 100)
    # then the heap holds what the last two seconds left in it, not all twenty
    assert len(settler._heap) < 300


def test_twenty_thousand_files_take_two_looks_each(files, settler):
    # given 20,000 files that were created and closed in turn
    names = [str(number) for number in range(20_000)]
    for name in names:
        files.write(name)
        settler.note(name, "closed", 0.0)
    # when all are due
    drops = settler.due(1.0)
    # then each came, and deciding did not look at any twice
    assert paths(drops) == names
    assert files.looks == 2 * len(names)


@pytest.mark.parametrize("delays", [(-0.1, 2.0, 30.0), (0.05, 0.0, 30.0), (0.05, 2.0, 0.0)])
def test_delays_that_would_never_end_are_refused(delays):
    with pytest.raises(ValueError, match="delay"):
        Settler(*delays)


# One step of a made-up history: (seconds since the last, file, what happens to it).
STEPS = some.lists(
    some.tuples(
        some.sampled_from([0.0, 0.01, 0.049, 0.051, 0.5, 1.9, 2.1, 7.0, 40.0]),
        some.sampled_from("abc"),
        some.sampled_from(
            ["closed", "moved_in", "created", "modified", "silent write", "deleted", "found"]
        ),
    ),
    max_size=60,
)


class History:
    """Plays steps on a settler and knows, apart from it, what it must and must not do."""

    def __init__(self) -> None:
        self.files = Files()
        self.settler = Settler(AFTER_CLOSE, OTHERWISE, MAX_WAIT, stat=self.files.stat)
        self.now = 100.0
        self.quiet_since: dict[str, tuple[float, float]] = {}  # path -> (last change, its delay)
        self.drops_since: dict[str, int] = {}  # path -> drops after its last change

    def step(self, pause: float, path: str, what: str) -> None:
        self.run_until(self.now + pause)
        if what == "silent write":  # only a file that is held back is looked at
            if path in self.settler and path in self.files.at:
                self.files.write(path)
                self.changed(path, 0.0)
        elif what == "deleted":
            self.files.at.pop(path, None)
            self.settler.note(path, "deleted", self.now)
            self.drops_since.pop(path, None)
        elif what == "found":
            self.files.write(path)
            self.settler.found(path, self.now, wall=0.0)  # the file is fresh
            self.changed(path, 0.0)
        else:
            self.files.write(path)
            self.settler.note(path, what, self.now)
            delays = {"moved_in": 0.0, "closed": AFTER_CLOSE}
            self.changed(path, delays.get(what, OTHERWISE))

    def changed(self, path: str, delay: float) -> None:
        self.quiet_since[path] = (self.now, delay)
        self.drops_since[path] = 0

    def run_until(self, end: float) -> None:
        while (deadline := self.settler.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            for drop in self.settler.due(self.now):
                changed_at, delay = self.quiet_since[drop.path]
                assert drop.growing or self.now >= changed_at + delay, "before its delay"
                assert drop.size == self.files.at[drop.path].st_size
                self.drops_since[drop.path] += 1
                assert self.drops_since[drop.path] == 1, "twice after its last change"
        self.now = end


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_each_file_is_a_drop_once_after_its_last_change_and_not_before_its_delay(steps):
    # given any history of changes, reported or not
    history = History()
    for pause, path, what in steps:
        history.step(pause, path, what)
    # when all is quiet for long
    history.run_until(history.now + 1000.0)
    # then what is left was handed out exactly once after it last changed, and nothing waits
    assert all(count == 1 for count in history.drops_since.values()), history.drops_since
    assert len(history.settler) == 0
