"""Derived files and cut logs: what is not on disk as it was recorded is said within one scan."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl
from cadenzad.requests.client import perform
from cadenzad.requests.commands import Pause, Resume
from cadenzad.watch import exports
from handlers.export.runs import CHANGED_SUFFIX
from store.reads.status import project_statuses
from store.schema import connect_reader


class Exported:
    """A project whose one log has been exported."""

    def __init__(self, home) -> None:
        self.home = home
        self.project: Path = home.project()
        self.log: Path = home.log(self.project, ticks=6)
        home.once()
        self.export = self.project / ".cadenza-env/exports/one.finetune.jsonl"
        self.manifest = self.export.with_name("one.finetune.manifest.json")
        self.bytes = self.export.read_bytes()

    def status(self) -> dict:
        reader = connect_reader(self.home.state)
        try:
            return dict(project_statuses(reader)[0])
        finally:
            reader.close()

    def new_types(self) -> list[str]:
        """The types of the events that one more scan leads to."""
        before = len(self.home.types())
        self.home.once()
        return self.home.types()[before:]


@pytest.fixture
def exported(home) -> Exported:
    return Exported(home)


def test_a_scan_without_damage_says_nothing(exported, run_cli) -> None:
    assert exported.new_types() == []
    assert exported.new_types() == []
    assert run_cli(cadenzactl, "verify")[0] == 0


@pytest.mark.parametrize("what", ["export", "manifest", "both", "folder"])
def test_what_is_gone_is_made_again(exported, run_cli, what: str) -> None:
    # given
    match what:
        case "folder":
            shutil.rmtree(exported.export.parent)
        case _:
            for file in (exported.export, exported.manifest):
                if what in file.name or what == "both" or (file.suffix == f".{what}l"):
                    file.unlink()
            if what == "export":
                exported.export.unlink()

    # when / then
    assert exported.new_types() == ["ExportLost", "RunExported"]
    assert exported.export.read_bytes() == exported.bytes
    assert exported.manifest.exists()
    assert exported.status()["exports"]["current"] == 1
    assert exported.new_types() == []
    assert run_cli(cadenzactl, "verify")[0] == 0


@pytest.mark.parametrize("how", ["emptied", "cut", "a flipped byte", "another file"])
def test_what_was_changed_is_made_again_and_kept_aside(exported, how: str) -> None:
    # given a scan that knows it as it was
    exported.home.once()
    match how:
        case "emptied":
            exported.export.write_bytes(b"")
        case "cut":
            os.truncate(exported.export, len(exported.bytes) // 2)
        case "a flipped byte":
            exported.export.write_bytes(b"X" + exported.bytes[1:])
        case "another file":
            exported.log.with_name("notes").write_text("mine")
            exported.log.with_name("notes").replace(exported.export)
    changed = exported.export.read_bytes()

    # when / then
    assert exported.new_types() == ["ExportLost", "RunExported"]
    assert exported.export.read_bytes() == exported.bytes
    assert exported.export.with_name(exported.export.name + CHANGED_SUFFIX).read_bytes() == changed


def test_what_was_only_touched_is_no_news(exported) -> None:
    os.utime(exported.export)
    assert exported.new_types() == []


def test_a_scan_hashes_a_bounded_amount_and_the_next_one_goes_on(exported, monkeypatch) -> None:
    exported.home.log(exported.project, "two", ticks=6)
    exported.home.once()
    monkeypatch.setattr(exports, "HASH_BYTES", len(exported.bytes))
    for file in exported.export.parent.glob("*.finetune.jsonl"):
        file.write_bytes(b"X" + file.read_bytes()[1:])
    assert exported.new_types() == ["ExportLost", "RunExported"]
    assert exported.new_types() == []  # the new one is hashed first
    assert exported.new_types() == ["ExportLost", "RunExported"]


def test_in_a_paused_project_it_is_missing_until_it_goes_on(exported, run_cli) -> None:
    # given
    perform(exported.home.state, Pause(str(exported.project), "test"), timeout=5.0)
    shutil.rmtree(exported.export.parent)

    # when / then
    assert exported.new_types() == ["ExportLost"]
    assert exported.new_types() == []
    now = exported.status()["exports"]
    assert (now["current"], now["missing"], now["records"]) == (0, 1, 0)
    assert not exported.export.exists()
    _, out, _ = run_cli(cadenzactl, "status")
    assert "0 current, 1 missing" in out
    assert "the export of .cadenza-env/one.log.jsonl is missing: gone" in out
    assert run_cli(cadenzactl, "verify")[0] == 0

    # and when it goes on
    perform(exported.home.state, Resume(str(exported.project), "test"), timeout=5.0)
    exported.home.once()
    assert exported.export.read_bytes() == exported.bytes
    assert exported.status()["exports"]["current"] == 1


def test_what_was_pruned_stays_pruned(exported, run_cli) -> None:
    code, _, err = run_cli(cadenzactl, "db", "prune", "--keep-last", "0", "--what", "exports")
    assert code == 0, err
    assert exported.new_types() == []
    perform(exported.home.state, Pause(str(exported.project), "test"), timeout=5.0)
    perform(exported.home.state, Resume(str(exported.project), "test"), timeout=5.0)
    assert exported.new_types() == []
    assert not exported.export.exists()


def test_a_folder_that_is_away_for_a_while_comes_back_whole(exported, run_cli) -> None:
    folder = exported.log.parent
    folder.rename(exported.home.root / "away")
    assert exported.new_types() == ["FileRemoved", "ExportLost"]
    assert exported.status()["exports"]["missing"] == 1
    (exported.home.root / "away").rename(folder)
    assert exported.new_types() == ["RunRecorded", "RunExported"]
    assert exported.status()["exports"]["current"] == 1
    assert run_cli(cadenzactl, "verify")[0] == 0


@pytest.mark.parametrize(
    ("left", "types", "reason"),
    [
        (0, ["FileRejected"], "it was emptied: "),
        (9, ["FileRejected"], "it was cut to one unfinished line: "),
        (None, ["RunReplaced", "RunExported"], ""),
    ],
)
def test_a_log_that_was_cut_is_said_and_verify_agrees(
    exported, run_cli, left: int | None, types: list[str], reason: str
) -> None:
    # given
    size = exported.log.stat().st_size
    os.truncate(exported.log, size // 2 if left is None else left)
    assert run_cli(cadenzactl, "verify")[0] == 1

    # when / then
    assert exported.new_types() == types
    assert exported.new_types() == []
    rejected = exported.status()["runs"]["rejected_files"]
    assert [item["reason"] for item in rejected] == (
        [f"{reason}{size:,} bytes of it had been recorded"] if reason else []
    )
    assert run_cli(cadenzactl, "verify")[0] == 0

    # and when it grows again
    if reason:
        exported.home.log(exported.project, ticks=6)
        assert exported.new_types() == ["RunRecorded", "RunExported"]
        assert exported.status()["runs"]["total"] == 1


def test_a_new_file_that_is_empty_is_no_news_yet(exported) -> None:
    exported.log.with_name("two.log.jsonl").touch()
    assert exported.new_types() == []


def test_what_killed_writers_left_goes_at_the_next_start(exported) -> None:
    # given
    ours = [
        exported.export.with_name(".renamed-since.finetune.jsonl.partial"),
        exported.export.with_name(".renamed-since.finetune.manifest.json.partial"),
        exported.log.parent / "adapters/0001/.scorecard.json.partial",
        exported.log.parent / "adapters/.staging-x/adapter_model.safetensors",
        exported.log.parent / "prompts/.version-x/before.py",
        exported.home.state / "inbox/.request.json.partial",
        exported.home.state / ".restoring-0/events.db",
    ]
    theirs = [
        exported.export.with_name(".download.partial"),
        exported.project / ".main.py.partial",
    ]
    for file in (*ours, *theirs):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    # when / then
    assert exported.new_types() == []
    assert [file for file in (*ours, *theirs) if file.exists()] == theirs
