"""What a read means: each change is one event, no change is none, and history is never redone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from runlogs import run, tick

from handlers.intake.decide import Known, decide
from handlers.intake.observe import observe
from handlers.project.scaffold import init_project
from store.events.base import Event
from store.events.envelope import Recorded, project_stream
from store.events.files import FileRemoved, ProjectRemoved
from store.reads.state import State
from store.reads.status import project_statuses
from store.schema import memory_view
from store.views import fold

LOG = ".cadenza-env/one.log.jsonl"


class Desk:
    """Takes files of one project into a view in memory, as the daemon does into its own."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.view = memory_view()
        self.state = State(self.view)
        self.position = 0

    def put(self, path: str, content: bytes) -> list[Event]:
        """Write a file and take it."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return self.take(path)

    def take(self, path: str) -> list[Event]:
        name = str(self.project)
        prior = self.state.file(name, path)
        moved = self._moved_from(path) if prior is None else None
        seen = observe(self.project, path, prior or moved)
        if seen is None:
            return []
        basis = prior or moved
        known = Known(
            self.state.project(name),
            prior,
            moved,
            self.state.run_with_bytes(name, seen.size, seen.digest, but_not=path),
            self.state.last_episode(name, basis.path) if basis is not None else None,
        )
        events = decide(seen, known)
        for event in events:
            self.apply(event)
        return events

    def _moved_from(self, path: str):
        info = os.stat(self.project / path)
        for row in self.state.file_by_inode(str(self.project), info.st_dev, info.st_ino):
            if row.accepted and not (self.project / row.path).exists():
                return row
        return None

    def apply(self, event: Event) -> None:
        self.position += 1
        stream = project_stream(str(self.project))
        record = Recorded(self.position, stream, self.position, event, None, self.position, 0)
        fold(self.view, [record])

    def status(self):
        return project_statuses(self.view)[0]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    init_project(tmp_path / "rescue")
    made = Desk(tmp_path / "rescue")
    with closing(made.view):
        assert names(made.take("env.json")) == ["ProjectDiscovered"]
        yield made


def names(events: list[Event]) -> list[str]:
    return [event.type_name() for event in events]


# -- runs ------------------------------------------------------------------------------------------


def test_a_new_log_is_recorded_and_the_same_bytes_again_are_nothing(desk: Desk) -> None:
    (recorded,) = desk.put(LOG, run())
    assert recorded.type_name() == "RunRecorded"
    assert (recorded.run_id, recorded.format, recorded.twin_of) == ("one", "mission", None)
    assert recorded.file.revision == 1
    assert desk.take(LOG) == []
    assert desk.put(LOG, run()) == []
    os.utime(desk.project / LOG, (1, 1))
    assert desk.take(LOG) == []


def test_growth_extends_the_last_episode_and_adds_new_ones(desk: Desk) -> None:
    # given an episode that is done, and one that is under way
    first = run(3) + tick(1)
    desk.put(LOG, first)

    # when the second ends and a third begins
    (extended,) = desk.put(LOG, first + tick(2, terminated=True) + run(2))

    # then
    assert extended.type_name() == "RunExtended"
    assert extended.previous_size == len(first)
    assert extended.file.revision == 2
    assert [episode.index for episode in extended.episodes] == [1, 2]
    runs = desk.status()["runs"]
    assert (runs["total"], runs["succeeded"], runs["failed"]) == (3, 2, 1)


def test_a_torn_line_is_nothing_until_it_is_whole(desk: Desk) -> None:
    desk.put(LOG, run(2))
    line = tick(1)
    assert desk.put(LOG, run(2) + line[:10]) == []
    (extended,) = desk.put(LOG, run(2) + line)
    assert extended.type_name() == "RunExtended"


def test_other_bytes_replace_a_run(desk: Desk) -> None:
    desk.put(LOG, run(3))
    for content in (run(3, success=False), tick(9), run(5)):
        (replaced,) = desk.put(LOG, content)
        assert replaced.type_name() == "RunReplaced"
    assert replaced.file.revision == 4
    assert desk.status()["runs"]["total"] == 1


def test_a_copy_names_its_twin(desk: Desk) -> None:
    desk.put(LOG, run())
    (copy,) = desk.put(".cadenza-env/two.log.jsonl", run())
    assert (copy.type_name(), copy.twin_of) == ("RunRecorded", LOG)
    (replaced,) = desk.put(".cadenza-env/two.log.jsonl", run(4))
    assert replaced.twin_of is None


def test_an_orchestrator_log_is_recorded_as_one(desk: Desk) -> None:
    lines = [{"ts": 1.0, "event": "session_start"}, {"ts": 2.0, "event": "session_end"}]
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    (recorded,) = desk.put("session.jsonl", content)
    assert (recorded.type_name(), recorded.format) == ("RunRecorded", "orchestrator")


# -- moves -----------------------------------------------------------------------------------------


def test_a_renamed_log_is_moved_with_its_history(desk: Desk) -> None:
    desk.put(LOG, run())
    (desk.project / LOG).rename(desk.project / ".cadenza-env" / "two.log.jsonl")
    (moved,) = desk.take(".cadenza-env/two.log.jsonl")
    assert (moved.type_name(), moved.previous_path, moved.run_id) == ("FileMoved", LOG, "two")
    assert desk.take(".cadenza-env/two.log.jsonl") == []
    assert desk.status()["runs"]["total"] == 1


def test_a_log_that_was_renamed_and_grew_is_moved_and_extended(desk: Desk) -> None:
    desk.put(LOG, run())
    target = desk.project / ".cadenza-env" / "two.log.jsonl"
    (desk.project / LOG).rename(target)
    with target.open("ab") as stream:
        stream.write(run(2))
    events = desk.take(".cadenza-env/two.log.jsonl")
    assert names(events) == ["FileMoved", "RunExtended"]
    assert desk.status()["runs"]["total"] == 2


def test_another_file_with_the_same_inode_number_is_not_taken_for_a_rename(desk: Desk) -> None:
    # given a log that is gone, and a new file that has its inode
    desk.put(LOG, run())
    target = desk.project / ".cadenza-env" / "two.log.jsonl"
    (desk.project / LOG).rename(target)
    target.write_bytes(run(5, success=False))
    (recorded,) = desk.take(".cadenza-env/two.log.jsonl")
    assert (recorded.type_name(), recorded.file.revision) == ("RunRecorded", 1)


def test_a_run_that_becomes_examples_by_its_name_is_not_moved(desk: Desk) -> None:
    row = b'{"goal": "g", "actions": [{"action": "stand"}]}\n'
    desk.put(".cadenza-env/a.examples.jsonl", row)
    source = desk.project / ".cadenza-env" / "a.examples.jsonl"
    source.rename(desk.project / ".cadenza-env" / "a.exam.jsonl")
    (recorded,) = desk.take(".cadenza-env/a.exam.jsonl")
    assert (recorded.type_name(), recorded.split) == ("ExamplesRecorded", "exam")


# -- rejections ------------------------------------------------------------------------------------


def test_a_rejection_is_told_once_for_each_reason(desk: Desk) -> None:
    (rejected,) = desk.put(LOG, b"[1]\n")
    assert (rejected.type_name(), rejected.kind, rejected.line) == ("FileRejected", "run", 1)
    assert desk.take(LOG) == []
    assert names(desk.put(LOG, b"[1]\n[2]\n")) == ["FileRejected"]
    assert desk.status()["runs"]["rejected"] == 1


def test_a_file_that_becomes_usable_and_back(desk: Desk) -> None:
    desk.put(LOG, b"[1]\n")
    assert names(desk.put(LOG, run())) == ["RunRecorded"]
    assert desk.status()["runs"]["rejected"] == 0
    assert names(desk.put(LOG, b"[1]\n")) == ["FileRejected"]
    assert names(desk.put(LOG, run())) == ["RunRecorded"]
    assert desk.status()["runs"]["total"] == 1


def test_a_file_that_was_removed_and_comes_back_is_recorded_again(desk: Desk) -> None:
    desk.put(LOG, run())
    desk.apply(FileRemoved(path=LOG, kind="run"))
    assert names(desk.take(LOG)) == ["RunRecorded"]
    assert desk.status()["runs"]["total"] == 1


def test_examples_are_recorded_and_recorded_anew_when_they_change(desk: Desk) -> None:
    row = b'{"goal": "g", "actions": [{"action": "stand"}]}\n'
    path = ".cadenza-env/more.examples.jsonl"
    (recorded,) = desk.put(path, row)
    assert (recorded.rows, recorded.split) == (1, "train")
    assert desk.take(path) == []
    (again,) = desk.put(path, row + row + b"null\n")
    assert (again.rows, again.rejected, again.file.revision) == (2, 1, 2)
    assert desk.status()["examples"] == {"train": 2, "exam": 0}


# -- env.json --------------------------------------------------------------------------------------


def mission(desk: Desk, **changes: object) -> bytes:
    return json.dumps(json.loads((desk.project / "env.json").read_text()) | changes).encode()


def test_env_json_changes_are_told_once(desk: Desk) -> None:
    before = desk.state.project(str(desk.project))
    assert before is not None
    (changed,) = desk.put("env.json", mission(desk, name="other"))
    assert (changed.type_name(), changed.mission) == ("ProjectChanged", "other")
    assert changed.previous_sha256 == before.env_sha256
    assert desk.take("env.json") == []


def test_env_json_that_breaks_is_rejected_and_its_repair_told(desk: Desk) -> None:
    good = (desk.project / "env.json").read_bytes()
    (rejected,) = desk.put("env.json", b"{")
    assert (rejected.type_name(), rejected.kind) == ("FileRejected", "config")
    assert (rejected.project_name, desk.status()["state"]) == ("rescue", "invalid")
    assert desk.take("env.json") == []
    assert names(desk.put("env.json", b"{{")) == ["FileRejected"]
    assert names(desk.put("env.json", good)) == ["ProjectChanged"]
    assert desk.status()["state"] == "ready"


def test_env_json_that_never_was_valid_is_discovered_when_it_is(tmp_path: Path) -> None:
    init_project(tmp_path / "rescue")
    desk = Desk(tmp_path / "rescue")
    good = (desk.project / "env.json").read_bytes()
    with closing(desk.view):
        assert names(desk.put("env.json", b"{")) == ["FileRejected"]
        assert names(desk.put("env.json", good)) == ["ProjectDiscovered"]


def test_env_json_that_comes_back_is_discovered_again_or_changed(desk: Desk) -> None:
    good = (desk.project / "env.json").read_bytes()
    gone = ProjectRemoved(name="rescue", path=str(desk.project))

    # the same bytes: what was exported before still holds
    desk.apply(gone)
    assert names(desk.put("env.json", good)) == ["ProjectDiscovered"]

    # other bytes: it does not
    desk.apply(gone)
    assert names(desk.put("env.json", mission(desk, name="other"))) == ["ProjectChanged"]

    # broken, then the same as before the end
    desk.apply(gone)
    assert names(desk.put("env.json", b"{")) == ["FileRejected"]
    assert names(desk.put("env.json", mission_of(good, "other"))) == ["ProjectChanged"]
    assert desk.status()["state"] == "ready"


def mission_of(data: bytes, name: str) -> bytes:
    return json.dumps(json.loads(data) | {"name": name}).encode()
