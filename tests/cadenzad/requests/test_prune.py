"""Pruning: the history and the disk agree, also after a kill and when somebody is quicker."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl
from cadenzad.maintenance.candidate import Candidate
from cadenzad.maintenance.retention import Policy, make_plan
from cadenzad.requests import inbox, prune
from cadenzad.requests.commands import new_request
from cadenzad.requests.handle import carry_out
from store.errors import InputError, StoreError
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
def pruning(home, project) -> inbox.Request:
    """The request that prunes all but the newest of everything: 2 logs, 2 exports, 1 adapter."""
    reader = connect_reader(home.state)
    plan = make_plan(State(reader), str(project), Policy(keep_last=1), 0.0)
    reader.close()
    (command,) = prune.batches(plan.to_go, force=False)
    return new_request(command)


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


def test_what_is_pruned_is_gone_and_recorded(home, project, pruning) -> None:
    # given
    sizes = {path: (project / ".cadenza-env" / path).stat().st_size for path in files(project)}

    # when
    assert do(home, pruning) == {}

    # then
    assert_done(home, project)
    log, *_, adapter = (record.event for record in home.events("FilePruned"))
    assert isinstance(log, FilePruned)
    assert log.bytes == sizes["r1.log.jsonl"]
    recorded = home.events("RunRecorded")[0].event
    assert log.sha256 == recorded.file.sha256
    assert (adapter.kind, adapter.bytes) == ("adapter", 100)


def test_the_same_request_again_changes_nothing(home, project, pruning) -> None:
    do(home, pruning)
    assert do(home, pruning) == {}
    assert len(home.events("FilePruned")) == 7


POINTS = {
    "before anything": ("_record", 1, "before"),
    "before the events are committed": ("_record", 1, "after"),
    "before the first is deleted": ("_delete_one", 1, "before"),
    "after the first is deleted": ("_delete_one", 1, "after"),
    "before the adapter is deleted": ("_delete_one", 7, "before"),
    "when the adapter has its hidden name": ("shutil.rmtree", 1, "before"),
    "after all are deleted": ("_delete", 1, "after"),
}
DYING = """
import os, sys
from pathlib import Path
from cadenzad.requests import inbox
from cadenzad.requests import prune
from cadenzad.requests.handle import carry_out
from store.opening import open_writer

name, count, when, state = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
owner = prune
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


def die(home, request, name: str, count: int, when: str) -> None:
    """Have a process die while it prunes, its request in the inbox."""
    inbox.send(home.state, request)
    dying = subprocess.run(
        [sys.executable, "-c", DYING, name, str(count), when, home.state],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert dying.returncode == -signal.SIGKILL, dying.stderr


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_in_between_is_made_good_by_the_next_start(home, project, pruning, point) -> None:
    # given a process that dies while it prunes
    before = set(files(project))
    die(home, pruning, *POINTS[point])

    # then nothing is deleted that is not recorded
    recorded = [record.event.path for record in home.events("FilePruned")]
    for path in before - set(files(project)):
        assert any(f".cadenza-env/{path}".startswith(known) for known in recorded)

    # when
    home.once()

    # then nothing is left that is recorded
    assert_done(home, project)
    assert list(inbox.waiting(home.state)) == []


@pytest.mark.parametrize("point", ["before the first is deleted", "after the first is deleted"])
def test_the_next_prune_makes_it_good_too(home, project, pruning, run_cli, point) -> None:
    die(home, pruning, *POINTS[point])
    code, out, _ = run_cli(cadenzactl, "db", "prune", "--keep-last", 1)
    assert (code, out) == (0, "deleted 0 files, 0 bytes\n")
    assert_done(home, project)


def test_what_was_changed_after_it_was_recorded_is_another_file(home, project, pruning) -> None:
    # given a log that is recorded as pruned, and to which somebody wrote before it was deleted
    die(home, pruning, "_delete_one", 1, "before")
    log = project / ".cadenza-env/r1.log.jsonl"
    log.write_bytes(log.read_bytes() + b"\n")

    # when
    home.once()

    # then it stays, and is recorded as what it is now
    assert log.exists()
    reader = connect_reader(home.state)
    assert State(reader).file(str(project), ".cadenza-env/r1.log.jsonl").present
    reader.close()


def test_a_log_that_was_recorded_anew_stays(home, project, pruning) -> None:
    # given the log that was pruned comes back by a scan that a request of old comes after
    die(home, pruning, "_delete_one", 1, "before")
    (request,) = inbox.waiting(home.state)
    kept = request.rename(home.root / "kept")
    log = project / ".cadenza-env/r1.log.jsonl"
    os.utime(log)
    home.once()
    reader = connect_reader(home.state)
    assert State(reader).file(str(project), ".cadenza-env/r1.log.jsonl").present
    reader.close()

    # when
    kept.rename(request)
    home.once()

    # then
    assert log.exists()


def test_a_log_that_grew_since_it_was_chosen_stays(home, project, pruning) -> None:
    log = project / ".cadenza-env/r1.log.jsonl"
    with log.open("ab") as stream:
        stream.write(b"{}\n")
    assert do(home, pruning) == {0: "it changed since it was chosen"}
    assert log.exists()
    assert len(home.events("FilePruned")) == 6


def test_an_adapter_deployed_meanwhile_serves_on(home, project, pruning, monkeypatch) -> None:
    delete = prune._delete

    def deploy(*arguments) -> dict[int, str]:
        (project / ADAPTERS / "deployed").symlink_to("1")
        return delete(*arguments)

    monkeypatch.setattr(prune, "_delete", deploy)
    assert do(home, pruning) == {6: "it is deployed"}
    assert (project / ADAPTERS / "deployed" / "weights").exists()


def test_what_resists_after_it_was_recorded_is_tried_again(
    home, project, pruning, monkeypatch
) -> None:
    # given a disk that refuses to delete one file
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "r1.log.jsonl":
            raise OSError(errno.EIO, "Input/output error", str(path))
        unlink(path, missing_ok=missing_ok)

    inbox.send(home.state, pruning)
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", refuse)
        with pytest.raises(StoreError, match="not deleted"):
            do(home, pruning)
    assert list(inbox.waiting(home.state)) != []

    # when
    home.once()

    # then
    assert_done(home, project)


def test_an_export_made_anew_meanwhile_stays_with_its_manifest(home, project, pruning) -> None:
    # given the log of an export that is about to be pruned has changed, and was exported again
    home.log(project, "r1", ticks=5)
    home.once()

    # when
    stayed = do(home, pruning)

    # then
    assert sorted(stayed) == [0, 2, 3]
    assert (project / ".cadenza-env/exports/r1.finetune.jsonl").exists()
    assert (project / ".cadenza-env/exports/r1.finetune.manifest.json").exists()


def test_what_cannot_be_deleted_is_named_and_nothing_is_recorded(
    home, project, pruning, without_privilege
) -> None:
    folder = project / ".cadenza-env/exports"
    folder.chmod(0o500)
    try:
        with without_privilege():
            stayed = do(home, pruning)
    finally:
        folder.chmod(0o700)
    assert {2, 3, 4, 5} == set(stayed)
    assert "cannot be deleted" in stayed[2]
    assert [record.event.kind for record in home.events("FilePruned")] == ["run", "run", "adapter"]


FORGED = ("../victim", "/etc/victim", "env.json", "main.py", ".cadenza-env/exports", "..", ".", "")


@pytest.mark.parametrize("kind", ["run", "export", "manifest", "adapter"])
def test_a_forged_request_reaches_nothing_else(home, project, pruning, kind) -> None:
    # given files that are no business of ours, named as they really are
    (project.parent / "victim").write_text("precious")
    before = {item: item.read_bytes() for item in project.parent.rglob("*") if item.is_file()}
    files = []
    for path in FORGED:
        file = pruning.body["files"][0] | {"path": path, "kind": kind}
        if (project / path).exists():
            info = (project / path).stat()
            file |= {"dev": info.st_dev, "ino": info.st_ino, "bytes": info.st_size}
            file |= {"mtime_ns": info.st_mtime_ns}
        files.append(file)

    # when
    stayed = do(home, inbox.Request("forged", "prune", {"force": True, "files": files}))

    # then
    assert set(stayed) == set(range(len(FORGED)))
    assert {p: p.read_bytes() for p in project.parent.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    "body", [{}, {"force": True}, {"force": True, "files": [{}]}, {"force": True, "files": 3}]
)
def test_a_body_that_is_none_is_refused(home, project, body) -> None:
    with pytest.raises(InputError):
        do(home, inbox.Request("some-id", "prune", body))


def test_a_forged_request_with_the_id_of_an_earlier_one_reaches_nothing(home, project, pruning):
    do(home, pruning)
    left = asdict(chosen(project / ".cadenza-env/r3.log.jsonl", project))
    forged = inbox.Request(pruning.id, "prune", {"force": True, "files": [left]})
    assert do(home, forged) == {0: "another file was pruned by this request"}
    assert files(project) == LEFT


def chosen(file: Path, project: Path) -> Candidate:
    """A run log as it would be chosen."""
    info = file.stat()
    return Candidate(
        project=str(project),
        path=str(file.relative_to(project)),
        kind="run",
        bytes=info.st_size,
        dev=info.st_dev,
        ino=info.st_ino,
        mtime_ns=info.st_mtime_ns,
    )


def test_many_files_are_several_requests(home, project, pruning, monkeypatch) -> None:
    monkeypatch.setattr(prune, "REQUEST_BYTES", 600)
    candidates = tuple(Candidate(**file) for file in pruning.body["files"])
    commands = list(prune.batches(candidates, force=True))
    assert len(commands) > 2
    assert sum((command.files for command in commands), ()) == candidates
    assert all(command.force for command in commands)
