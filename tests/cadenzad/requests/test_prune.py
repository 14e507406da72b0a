"""Pruning: the history and the disk agree, also after a kill and when somebody is quicker."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cadenzad.maintenance.retention import Policy, make_plan
from cadenzad.protect import Doomed
from cadenzad.requests import inbox, prune
from cadenzad.requests.handle import carry_out
from store.errors import InputError
from store.events.files import FilePruned
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader

ADAPTERS = ".cadenza-env/adapters"


@pytest.fixture
def project(home) -> Path:
    """Three logs with their exports, two adapters of which none is deployed."""
    project = home.project()
    for number in (1, 2, 3):
        home.log(project, f"r{number}", ticks=number)
    for number in (1, 2):
        (project / ADAPTERS / str(number)).mkdir(parents=True)
        (project / ADAPTERS / str(number) / "weights").write_bytes(b"w" * 100)
    home.once()
    home.record_adapters(project, 1, 2)
    return project


@pytest.fixture
def wish(home, project):
    """The request that prunes all but the newest of everything: 2 logs, 2 exports, 1 adapter."""
    reader = connect_reader(home.state)
    plan = make_plan(State(reader), str(project), Policy(keep_last=1), 0.0)
    reader.close()
    (request,) = prune.requests_for(plan.doomed, force=False)
    return request


def do(home, request) -> dict[int, str]:
    """Carry a request out; index and reason of what stayed."""
    writer = open_writer(home.state)
    try:
        carry_out(request, writer)
    finally:
        writer.close()
    reader = connect_reader(home.state)
    answer = State(reader).progress(prune.PRUNED)
    reader.close()
    assert answer["id"] == request.id
    return dict(answer["kept"])


def files(project: Path) -> list[str]:
    """Everything in .cadenza-env, hidden files too."""
    folder = project / ".cadenza-env"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


LEFT = [
    "adapters/2/weights",
    "exports/r3.finetune.jsonl",
    "exports/r3.finetune.manifest.json",
    "r3.log.jsonl",
]


def assert_done(home, project: Path) -> None:
    """What was asked for is gone, each file with one event; the view and the disk agree."""
    assert files(project) == LEFT
    pruned = [record.event for record in home.events("FilePruned")]
    assert [event.path for event in pruned] == [
        ".cadenza-env/r1.log.jsonl",
        ".cadenza-env/r2.log.jsonl",
        ".cadenza-env/exports/r1.finetune.jsonl",
        ".cadenza-env/exports/r1.finetune.manifest.json",
        ".cadenza-env/exports/r2.finetune.jsonl",
        ".cadenza-env/exports/r2.finetune.manifest.json",
        f"{ADAPTERS}/1",
    ]
    reader = connect_reader(home.state)
    state = State(reader)
    assert [row.path for row in state.runs(str(project))] == [".cadenza-env/r3.log.jsonl"]
    assert [row.run_id for row in state.exports(str(project))] == ["r3"]
    reader.close()
    home.once()  # a scan that finds them missing has nothing to add
    assert not home.events("FileRemoved", "RunReplaced")
    assert len(home.events("RunRecorded")) == 3


def test_what_is_pruned_is_gone_and_recorded(home, project, wish) -> None:
    # given
    sizes = {path: (project / ".cadenza-env" / path).stat().st_size for path in files(project)}

    # when
    assert do(home, wish) == {}

    # then
    assert_done(home, project)
    log, *_, adapter = (record.event for record in home.events("FilePruned"))
    assert isinstance(log, FilePruned)
    assert log.bytes == sizes["r1.log.jsonl"]
    recorded = home.events("RunRecorded")[0].event
    assert log.sha256 == recorded.file.sha256
    assert (adapter.kind, adapter.bytes) == ("adapter", 100)


def test_the_same_request_again_changes_nothing(home, project, wish) -> None:
    do(home, wish)
    again = do(home, wish)
    assert set(again) == set(range(7))
    assert len(home.events("FilePruned")) == 7


POINTS = {
    "before anything": ("Path.rename", 1, "before"),
    "after the first file was set aside": ("Path.rename", 1, "after"),
    "when all are set aside": ("Path.rename", 7, "after"),
    "before the events are committed": ("_Batch._record", 1, "after"),
    "before the first is deleted": ("_delete", 1, "before"),
    "after the first is deleted": ("_delete", 1, "after"),
    "after all are deleted": ("_delete", 7, "after"),
}
DYING = """
import os, sys
from pathlib import Path
from cadenzad.requests import inbox
from cadenzad.requests import prune as pruning
from cadenzad.requests.handle import carry_out
from store.opening import open_writer

name, count, when, state = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
owner = pruning
*path, last = name.split(".")
for part in path:
    owner = getattr(owner, part)
original = getattr(owner, last)

def dying(*arguments):
    global count
    count -= 1
    if count == 0 and when == "before":
        os.kill(os.getpid(), 9)
    result = original(*arguments)
    if count == 0:
        os.kill(os.getpid(), 9)
    return result

setattr(owner, last, dying)
(request,) = inbox.waiting(state)
carry_out(inbox.read(request), open_writer(state))
"""


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_in_between_is_made_good_by_the_next_daemon(home, project, wish, point) -> None:
    # given a process that dies while it prunes, its request in the inbox
    inbox.send(home.state, wish)
    name, count, when = POINTS[point]
    dying = subprocess.run(
        [sys.executable, "-c", DYING, name, str(count), when, home.state],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert dying.returncode == -signal.SIGKILL, dying.stderr

    # when
    home.once()

    # then
    assert_done(home, project)
    assert list(inbox.waiting(home.state)) == []


def test_a_log_that_grew_since_it_was_chosen_stays(home, project, wish) -> None:
    log = project / ".cadenza-env/r1.log.jsonl"
    with log.open("ab") as stream:
        stream.write(b"{}\n")
    assert do(home, wish) == {0: "it changed since it was chosen"}
    assert log.exists()
    assert len(home.events("FilePruned")) == 6


def test_a_log_that_grew_while_it_was_set_aside_is_put_back(home, project, wish, monkeypatch):
    # given somebody who holds the log open and writes when it already has its hidden name
    log = project / ".cadenza-env/r1.log.jsonl"
    rename = Path.rename

    def grow(self: Path, target: Path) -> Path:
        moved = rename(self, target)
        if self.name == log.name:
            with target.open("ab") as stream:
                stream.write(b"{}\n")
        return moved

    monkeypatch.setattr(Path, "rename", grow)

    # when
    stayed = do(home, wish)

    # then
    assert stayed == {0: "it changed since it was chosen"}
    assert log.read_bytes().endswith(b"{}\n")


def test_an_adapter_deployed_meanwhile_is_put_back(home, project, wish, monkeypatch) -> None:
    rename = Path.rename

    def deploy(self: Path, target: Path) -> Path:
        if self.name == "1":
            (project / ADAPTERS / "deployed").symlink_to("1")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", deploy)
    assert do(home, wish) == {6: "it is deployed"}
    assert (project / ADAPTERS / "deployed" / "weights").exists()


def test_an_export_made_anew_meanwhile_stays_with_its_manifest(home, project, wish) -> None:
    # given the log of an export that is about to be pruned has changed, and was exported again
    home.log(project, "r1", ticks=5)
    home.once()

    # when
    stayed = do(home, wish)

    # then
    assert sorted(stayed) == [0, 2, 3]
    assert (project / ".cadenza-env/exports/r1.finetune.jsonl").exists()
    assert (project / ".cadenza-env/exports/r1.finetune.manifest.json").exists()


def test_what_cannot_be_moved_is_named_and_nothing_is_recorded(
    home, project, wish, without_privilege
) -> None:
    folder = project / ".cadenza-env/exports"
    folder.chmod(0o500)
    try:
        with without_privilege():
            stayed = do(home, wish)
    finally:
        folder.chmod(0o700)
    assert {2, 3, 4, 5} == set(stayed)
    assert "cannot be moved" in stayed[2]
    assert [record.event.kind for record in home.events("FilePruned")] == ["run", "run", "adapter"]


FORGED = ("../victim", "/etc/victim", "env.json", "main.py", ".cadenza-env/exports", "..", ".", "")


@pytest.mark.parametrize("kind", ["run", "export", "manifest", "adapter"])
def test_a_forged_request_reaches_nothing_else(home, project, wish, kind) -> None:
    # given files that are no business of ours, named as they really are
    (project.parent / "victim").write_text("precious")
    before = {item: item.read_bytes() for item in project.parent.rglob("*") if item.is_file()}
    files = []
    for path in FORGED:
        file = wish.body["files"][0] | {"path": path, "kind": kind}
        if (project / path).exists():
            info = (project / path).stat()
            file |= {"dev": info.st_dev, "ino": info.st_ino, "bytes": info.st_size}
            file |= {"mtime_ns": info.st_mtime_ns}
        files.append(file)

    # when
    stayed = do(home, inbox.new_request(prune.KIND, {"force": True, "files": files}))

    # then
    assert set(stayed) == set(range(len(FORGED)))
    assert {p: p.read_bytes() for p in project.parent.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    "body", [{}, {"force": True}, {"force": True, "files": [{}]}, {"force": True, "files": 3}]
)
def test_a_body_that_is_none_is_refused(home, project, body) -> None:
    with pytest.raises(InputError):
        do(home, inbox.new_request(prune.KIND, body))


def test_many_files_are_several_requests(home, project, wish, monkeypatch) -> None:
    monkeypatch.setattr(prune, "REQUEST_BYTES", 600)
    doomed = [Doomed.model_validate(file) for file in wish.body["files"]]
    requests = list(prune.requests_for(doomed, force=True))
    assert len(requests) > 2
    assert [file for request in requests for file in request.body["files"]] == wish.body["files"]
    assert len({request.id for request in requests}) == len(requests)
