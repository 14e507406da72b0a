"""When the daemon exports: each run once per change, failures with a reason, nothing in silence."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import runlogs

from cadenzad.waits import Waits
from handlers.export.reactions import (
    MAX_ATTEMPTS,
    export_on_loss,
    export_on_request,
    export_on_run,
    export_on_runs,
    request_on_project,
    retries,
)
from handlers.project.scaffold import init_project
from handlers.reactions import Stopping, Tools
from handlers.routes import REACTIONS
from store.database.history import BOOKKEEPING_SQL
from store.events.base import Event
from store.events.envelope import Recorded, project_stream
from store.events.exports import ExportFailed, ExportLost, ExportRequested, RunExported
from store.events.files import (
    FileFact,
    FileMoved,
    FilePruned,
    FileRejected,
    FileRemoved,
    LineCounts,
    ProjectChanged,
    ProjectDiscovered,
    ProjectPaused,
    ProjectResumed,
    RunRecorded,
)
from store.reads.state import State
from store.reads.status import project_statuses
from store.schema import memory_view
from store.views import fold

EXPORTS = ".cadenza-env/exports"
LOG = ".cadenza-env/one.log.jsonl"


class Bench:
    """A real project, its view in memory, and events put into it by hand."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.view = memory_view()
        self.view.executescript(BOOKKEEPING_SQL)
        self.view.execute("CREATE TABLE events (position, recorded_at_us, stream, type, data)")
        self.state = State(self.view)
        self.position = 0
        self.now_us = 0

    def record(self, event: Event) -> Recorded:
        self.position += 1
        stream = project_stream(str(self.project))
        record = Recorded(
            self.position, stream, self.position, event, None, self.position, self.now_us
        )
        row = (self.position, self.now_us, stream, event.type_name(), event.as_json())
        self.view.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", row)
        fold(self.view, [record])
        return record

    def react(self, react: Callable, record: Recorded, tools: Tools | None = None) -> list[Event]:
        """What a reaction returns, recorded like the reactor records it."""
        events = list(react(record, self.state, tools or Tools()))
        for event in events:
            self.record(event)
        return events

    def discover(self, kind: type = ProjectDiscovered) -> Recorded:
        facts = {"name": "rescue", "path": str(self.project), "mission": "m", "robot": "go1"}
        facts |= {"phases": ("a",), "file": self.fact("env.json")}
        if kind is ProjectChanged:
            facts["previous_sha256"] = "0" * 64
        return self.record(kind(**facts))

    def fact(self, path: str, revision: int = 1) -> FileFact:
        return FileFact(
            path=path, dev=1, ino=1, size=1, mtime_ns=1, sha256="a" * 64, revision=revision
        )

    def log(self, name: str = "one", content: bytes | None = None) -> Path:
        path = self.project / ".cadenza-env" / f"{name}.log.jsonl"
        path.write_bytes(runlogs.run() if content is None else content)
        return path

    def run(
        self, name: str = "one", format: str = "mission", suffix: str = ".log.jsonl"
    ) -> Recorded:
        """A recorded run; its file is there unless something else is."""
        path = f".cadenza-env/{name}{suffix}"
        if not os.path.lexists(self.project / path):
            (self.project / path).write_bytes(runlogs.run())
        event = RunRecorded(
            run_id=name,
            format=format,
            file=self.fact(path),
            episodes=(),
            lines=LineCounts(read=3, valid=3),
        )
        return self.record(event)

    def export(self, name: str = "one") -> list[Event]:
        return self.react(export_on_run, self.run(name))

    def exports(self) -> dict:
        return project_statuses(self.view)[0]["exports"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    init_project(tmp_path / "rescue")
    made = Bench(tmp_path / "rescue")
    with closing(made.view):
        made.discover()
        yield made


def names(events: list[Event]) -> list[str]:
    return [event.type_name() for event in events]


# -- several at once -------------------------------------------------------------------------------


def test_runs_that_come_together_give_what_they_give_one_by_one(bench: Bench) -> None:
    # given a good run, a bad one, an orchestrator's, one that is gone, and another good one
    bench.log("bad", b"[1]\n")
    runs = [bench.run("one"), bench.run("bad"), bench.run("o", "orchestrator"), bench.run("gone")]
    (bench.project / ".cadenza-env" / "gone.log.jsonl").unlink()
    runs.append(bench.run("two"))
    alone = [list(export_on_run(run, bench.state, Tools())) for run in runs]
    files = {path.name: path.read_bytes() for path in (bench.project / EXPORTS).iterdir()}
    shutil.rmtree(bench.project / EXPORTS)

    # when
    together = export_on_runs(runs, bench.state, Tools())

    # then
    assert [list(events) for events in together] == alone
    good = ["RunExported"]
    assert [names(events) for events in alone] == [good, ["ExportFailed"], [], [], good]
    assert {p.name: p.read_bytes() for p in (bench.project / EXPORTS).iterdir()} == files


def test_a_run_whose_name_is_taken_by_one_before_it_waits_for_that(bench: Bench) -> None:
    runs = [bench.run("a"), bench.run(suffix=".jsonl"), bench.run(), bench.run("b")]
    led_to = export_on_runs(runs, bench.state, Tools())
    assert [output(list(events)) for events in led_to] == ["a", "one.jsonl"]
    for events in led_to:
        bench.record(events[0])
    assert output(list(export_on_runs(runs[2:], bench.state, Tools())[0])) == "one"


def test_what_cannot_be_put_in_place_fails_alone(bench: Bench, monkeypatch) -> None:
    runs = [bench.run("one"), bench.run("two"), bench.run("three")]
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if target.name.startswith("two."):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("store.durable.os.replace", refuse)
    one, two, three = export_on_runs(runs, bench.state, Tools())
    assert (output(list(one)), output(list(three))) == ("one", "three")
    assert isinstance(two[0], ExportFailed)
    assert "No space left" in two[0].reason
    assert not [name for name in os.listdir(bench.project / EXPORTS) if "two" in name]


def test_an_export_that_was_under_way_when_env_json_changed_is_made_again(bench: Bench) -> None:
    # given an export whose event comes after that of a changed env.json, which it was made without
    (exported,) = export_on_run(bench.run(), bench.state, Tools())
    changed = bench.discover(ProjectChanged)
    bench.record(exported)
    assert bench.exports()["current"] == 1

    # when, then
    assert names(bench.react(request_on_project, changed)) == ["ExportRequested"]

    # and one that was made with it is not
    env = bench.state.project(str(bench.project)).env_sha256
    bench.record(exported.changed(env_sha256=env))
    assert bench.react(request_on_project, changed) == []


# -- runs of one name ------------------------------------------------------------------------------


def output(events: list[Event]) -> str:
    (event,) = events
    assert isinstance(event, RunExported), event
    return event.output.removeprefix(f"{EXPORTS}/").removesuffix(".finetune.jsonl")


def test_two_runs_of_one_name_have_an_export_each(bench: Bench) -> None:
    # given one.jsonl, exported under the plain name, when one.log.jsonl and others come
    plain = bench.run(suffix=".jsonl")
    assert output(bench.react(export_on_run, plain)) == "one"
    second, third = bench.run(), bench.run(suffix=".ndjson")

    # then each has its own, whoever has the plain name keeps it, and doing it again changes nothing
    for _ in range(2):
        assert output(bench.react(export_on_run, second)) == "one.log.jsonl"
        assert output(bench.react(export_on_run, third)) == "one.ndjson"
        assert output(bench.react(export_on_run, plain)) == "one"
    assert bench.exports()["current"] == 3
    assert len(os.listdir(bench.project / EXPORTS)) == 6


def test_of_two_runs_that_come_together_the_log_has_the_plain_name(bench: Bench) -> None:
    plain, log = bench.run(suffix=".jsonl"), bench.run()
    assert output(bench.react(export_on_run, plain)) == "one.jsonl"
    assert output(bench.react(export_on_run, log)) == "one"


def test_an_orchestrators_log_takes_no_name(bench: Bench) -> None:
    bench.run(format="orchestrator", suffix=".a.jsonl")
    assert output(bench.react(export_on_run, bench.run(suffix=".jsonl"))) == "one"


def test_a_name_that_only_others_have_is_refused(bench: Bench) -> None:
    # given one.log.jsonl and, by its name, the run one.jsonl
    bench.export()
    bench.export("one.jsonl")
    # when one.jsonl comes, then it takes neither's place
    (failed,) = bench.react(export_on_run, bench.run(suffix=".jsonl"))
    assert isinstance(failed, ExportFailed)
    assert "other runs': rename the log" in failed.reason
    assert not failed.retryable
    assert bench.exports()["current"] == 2


def test_exports_that_share_a_file_in_an_old_log_are_made_anew_apart(bench: Bench) -> None:
    # given two runs whose exports went into one file, as they did once
    runs = bench.run(suffix=".jsonl"), bench.run()
    (made,) = bench.react(export_on_run, runs[1])
    assert isinstance(made, RunExported)
    bench.record(made.changed(run_path=".cadenza-env/one.jsonl"))

    # when the daemon looks for exports to try again, then both are asked for, and apart afterwards
    asked = retries(bench.state, str(bench.project), at(0.0))
    assert {event.run_path for event in asked} == {f".cadenza-env/one{s}" for s in SUFFIXES}
    found = [output(bench.react(export_on_request, bench.record(event))) for event in asked]
    assert sorted(found) == ["one", "one.jsonl"]
    assert retries(bench.state, str(bench.project), at(0.0)) == []
    assert len(os.listdir(bench.project / EXPORTS)) == 4


SUFFIXES = (".jsonl", ".log.jsonl")


# -- runs ------------------------------------------------------------------------------------------


def test_a_recorded_run_is_exported_with_its_manifest(bench: Bench) -> None:
    (exported,) = bench.export()
    assert isinstance(exported, RunExported)
    assert (exported.records, exported.origin) == (3, "reactive")
    assert exported.output == f"{EXPORTS}/one.finetune.jsonl"
    assert exported.manifest == f"{EXPORTS}/one.finetune.manifest.json"
    assert len((bench.project / exported.output).read_text().splitlines()) == 3
    assert json.loads((bench.project / exported.manifest).read_text())["counts"]["written"] == 3


def test_doing_it_again_gives_the_same_bytes(bench: Bench) -> None:
    record = bench.run()
    (first,) = bench.react(export_on_run, record)
    (second,) = bench.react(export_on_run, record)
    assert first == second
    assert bench.exports()["current"] == 1


def test_an_orchestrator_log_has_nothing_to_export_even_when_renamed(bench: Bench) -> None:
    session = b'{"ts": 1, "event": "session_start"}\n'
    bench.log("one", session)
    assert bench.react(export_on_run, bench.run("one", format="orchestrator")) == []
    (bench.project / ".cadenza-env/one.log.jsonl").rename(
        bench.project / ".cadenza-env/two.log.jsonl"
    )
    path = ".cadenza-env/two.log.jsonl"
    moved = FileMoved(
        previous_path=".cadenza-env/one.log.jsonl", run_id="two", file=bench.fact(path, 2)
    )
    assert bench.react(export_on_run, bench.record(moved)) == []


def test_a_renamed_run_takes_its_export_along(bench: Bench) -> None:
    bench.export()
    (bench.project / ".cadenza-env/one.log.jsonl").rename(
        bench.project / ".cadenza-env/two.log.jsonl"
    )
    path = ".cadenza-env/two.log.jsonl"
    moved = FileMoved(
        previous_path=".cadenza-env/one.log.jsonl", run_id="two", file=bench.fact(path, 2)
    )
    (exported,) = bench.react(export_on_run, bench.record(moved))
    assert isinstance(exported, RunExported)
    assert exported.output == f"{EXPORTS}/two.finetune.jsonl"
    assert sorted(os.listdir(bench.project / EXPORTS)) == [
        "two.finetune.jsonl",
        "two.finetune.manifest.json",
    ]


def test_an_export_that_somebody_changed_is_not_removed_with_the_old_name(bench: Bench) -> None:
    bench.export()
    mine = bench.project / EXPORTS / "one.finetune.jsonl"
    mine.write_text("my notes")
    (bench.project / ".cadenza-env/one.log.jsonl").rename(
        bench.project / ".cadenza-env/two.log.jsonl"
    )
    path = ".cadenza-env/two.log.jsonl"
    moved = FileMoved(
        previous_path=".cadenza-env/one.log.jsonl", run_id="two", file=bench.fact(path, 2)
    )
    bench.react(export_on_run, bench.record(moved))
    assert mine.read_text() == "my notes"


def test_moved_examples_are_no_run(bench: Bench) -> None:
    moved = FileMoved(previous_path="a", run_id=None, file=bench.fact("b"))
    assert bench.react(export_on_run, bench.record(moved)) == []


def test_a_run_that_went_away_meanwhile_is_left_to_a_later_event(bench: Bench) -> None:
    # removed and recorded as such
    record = bench.run()
    bench.record(FileRemoved(path=".cadenza-env/one.log.jsonl", kind="run"))
    assert bench.react(export_on_run, record) == []

    # rejected
    record = bench.run("two")
    rejected = FileRejected(file=bench.fact(".cadenza-env/two.log.jsonl"), kind="run", reason="x")
    bench.record(rejected)
    assert bench.react(export_on_run, record) == []

    # gone from the disk, not yet recorded
    record = bench.run("three")
    (bench.project / ".cadenza-env/three.log.jsonl").unlink()
    assert bench.react(export_on_run, record) == []


# -- failures --------------------------------------------------------------------------------------


def test_a_log_without_a_record_fails_for_good(bench: Bench) -> None:
    bench.log("one", b"[1]\n")
    (failed,) = bench.export()
    assert isinstance(failed, ExportFailed)
    assert (failed.retryable, failed.run_path) == (False, ".cadenza-env/one.log.jsonl")
    assert "nothing to export" in failed.reason
    assert not (bench.project / EXPORTS).exists() or os.listdir(bench.project / EXPORTS) == []


@pytest.mark.parametrize(
    ("damage", "retryable", "reason"),
    [
        ("broken env.json", False, "env.json"),
        ("no env.json", True, "env.json"),
        ("exports is a file", True, "exports"),
        ("exports leads out", False, "leads out of the project"),
        ("exports is a loop", False, "not a usable path"),
        ("output is a folder", False, "not a regular file"),
        ("log leads out", False, "leads out of the project"),
        ("log is a folder", False, "not a regular file"),
        ("log is a pipe", False, "not a regular file"),
        ("long name", True, "File name too long"),
    ],
)
def test_what_is_in_the_way_is_named(
    bench: Bench, damage: str, retryable: bool, reason: str
) -> None:
    # given
    exports, name = bench.project / EXPORTS, "one"
    log = bench.log()
    outside = bench.project.parent / "outside"
    outside.mkdir()
    match damage:
        case "broken env.json":
            (bench.project / "env.json").write_text("{")
        case "no env.json":
            (bench.project / "env.json").unlink()
        case "exports is a file":
            exports.touch()
        case "exports leads out":
            exports.symlink_to(outside)
        case "exports is a loop":
            exports.symlink_to("exports")
        case "output is a folder":
            (exports / "one.finetune.jsonl").mkdir(parents=True)
        case "log leads out":
            log.rename(outside / "log")
            log.symlink_to(outside / "log")
        case "log is a folder":
            log.unlink()
            log.mkdir()
        case "log is a pipe":
            log.unlink()
            os.mkfifo(log)
        case "long name":
            name = "x" * 244

    # when
    events = bench.export(name)

    # then
    assert names(events) == ["ExportFailed"]
    (failed,) = events
    assert isinstance(failed, ExportFailed)
    assert failed.retryable is retryable
    assert reason in failed.reason
    assert len(failed.reason.splitlines()) == 1
    assert os.listdir(outside) in ([], ["log"])
    assert bench.exports()["failed"] == 1


def test_a_missing_exports_folder_is_made(bench: Bench) -> None:
    bench.export()
    shutil.rmtree(bench.project / EXPORTS)
    (exported,) = bench.react(export_on_run, bench.run("two"))
    assert isinstance(exported, RunExported)
    assert sorted(os.listdir(bench.project / EXPORTS))[0] == "two.finetune.jsonl"


def test_a_refusal_of_the_system_that_nobody_foresaw_is_a_failure_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/robots/rescue")

    monkeypatch.setattr("handlers.export.runs.draft_run", refuse)
    (failed,) = bench.export()
    assert isinstance(failed, ExportFailed)
    assert (failed.reason, failed.retryable) == ("/robots/rescue: Permission denied", True)


def test_a_template_that_cannot_be_rendered_is_a_warning(bench: Bench) -> None:
    env = bench.project / "env.json"
    mission = json.loads(env.read_text()) | {"vla_finetune": {"prompt_template": "{nonsense}"}}
    env.write_text(json.dumps(mission))
    (exported,) = bench.export()
    assert isinstance(exported, RunExported)
    assert any("nonsense" in warning for warning in exported.warnings)


def test_stopping_in_the_middle_leaves_nothing_half_done(bench: Bench) -> None:
    def stop() -> None:
        raise Stopping

    record = bench.run()
    with pytest.raises(Stopping):
        bench.react(export_on_run, record, Tools(checkpoint=stop))
    assert not list((bench.project / EXPORTS).rglob("*"))
    assert names(bench.react(export_on_run, record)) == ["RunExported"]


# -- requests --------------------------------------------------------------------------------------


def test_a_request_is_met_unless_whoever_asked_does_it(bench: Bench) -> None:
    bench.run()
    wish = ExportRequested(run_path=".cadenza-env/one.log.jsonl", reason="test")
    assert names(bench.react(export_on_request, bench.record(wish))) == ["RunExported"]
    elsewhere = wish.changed(output="/out.jsonl")
    assert bench.react(export_on_request, bench.record(elsewhere)) == []


def test_a_request_for_a_run_nobody_knows_is_nothing(bench: Bench) -> None:
    wish = ExportRequested(run_path="../../etc/passwd", reason="test")
    assert bench.react(export_on_request, bench.record(wish)) == []


def test_a_changed_mission_asks_for_every_export_it_made_stale(bench: Bench) -> None:
    for name in ("one", "two"):
        bench.export(name)
    assert bench.exports()["current"] == 2
    changed = bench.discover(ProjectChanged)
    assert bench.exports()["stale"] == 2
    asked = bench.react(request_on_project, changed)
    assert [event.run_path for event in asked] == [
        ".cadenza-env/one.log.jsonl",
        ".cadenza-env/two.log.jsonl",
    ]
    assert {event.reason for event in asked} == {"env.json changed"}


def test_a_new_mission_asks_for_what_failed_and_for_nothing_that_is_about_to_come(
    bench: Bench,
) -> None:
    # given one export that failed, one that is current, one run whose own turn is still to come
    bench.log("bad", b"[1]\n")
    bench.export("bad")
    bench.export("good")
    bench.run("new")

    # when / then
    asked = bench.react(request_on_project, bench.discover())
    assert [event.run_path for event in asked] == [".cadenza-env/bad.log.jsonl"]


def test_a_paused_project_is_left_alone_and_made_up_for(bench: Bench) -> None:
    # given runs before and during a pause, and an orchestrator's
    bench.export("before")
    bench.record(ProjectPaused(by="test"))
    assert bench.react(export_on_run, bench.run("during")) == []
    bench.log("session", b'{"ts": 1, "event": "session_start"}\n')
    bench.react(export_on_run, bench.run("session", format="orchestrator"))
    assert bench.react(request_on_project, bench.discover(ProjectChanged)) == []

    # when
    asked = bench.react(request_on_project, bench.record(ProjectResumed(by="test")))

    # then what is stale and what is lacking is asked for
    assert sorted(event.run_path for event in asked) == [
        ".cadenza-env/before.log.jsonl",
        ".cadenza-env/during.log.jsonl",
    ]


def test_resuming_does_not_ask_for_what_was_pruned(bench: Bench) -> None:
    for name in ("one", "two"):
        bench.export(name)
        output = f"{EXPORTS}/{name}.finetune.jsonl"
        bench.record(FilePruned(path=output, kind="export", bytes=1))
    bench.record(ProjectPaused(by="test"))
    bench.react(export_on_run, bench.run("two"))  # it has come anew since
    asked = bench.react(request_on_project, bench.record(ProjectResumed(by="test")))
    assert [event.run_path for event in asked] == [".cadenza-env/two.log.jsonl"]


def lose(bench: Bench, reason: str) -> list[Event]:
    output = f"{EXPORTS}/one.finetune.jsonl"
    lost = {"run_id": "one", "run_path": LOG, "output": output, "reason": reason}
    return bench.react(export_on_loss, bench.record(ExportLost.of_shape(lost)))


def test_an_export_that_was_lost_is_made_again(bench: Bench) -> None:
    # given
    bench.export()
    export = bench.project / EXPORTS / "one.finetune.jsonl"
    written = export.read_bytes()
    export.unlink()

    # when
    made = lose(bench, "gone")

    # then
    assert [type(event) for event in made] == [RunExported]
    assert export.read_bytes() == written
    assert bench.exports()["missing"] == 0


def test_what_somebody_made_of_an_export_is_kept_beside_it(bench: Bench) -> None:
    # given
    bench.export()
    export = bench.project / EXPORTS / "one.finetune.jsonl"
    export.write_text("mine")

    # when, and again as after a crash before the commit
    lose(bench, "changed")
    lose(bench, "changed")

    # then
    assert export.with_name("one.finetune.jsonl.changed").read_text() == "mine"
    assert export.read_text() != "mine"


@pytest.mark.parametrize("because", ["paused", "the log is gone"])
def test_a_lost_export_that_cannot_be_made_is_missing_and_does_not_count(
    bench: Bench, because: str
) -> None:
    bench.export()
    assert bench.exports()["records"] > 0
    if because == "paused":
        bench.record(ProjectPaused(by="test"))
    else:
        (bench.project / LOG).unlink()
        bench.record(FileRemoved(path=LOG, kind="run"))
    assert lose(bench, "gone") == []
    expected = {"current": 0, "missing": 1, "records": 0}
    assert bench.exports() | expected == bench.exports()
    assert bench.exports()["losses"] == [{"path": LOG, "reason": "gone"}]


# -- retries ---------------------------------------------------------------------------------------


def failing(bench: Bench, retryable: bool = True) -> None:
    failed = ExportFailed(
        run_id="one",
        run_path=".cadenza-env/one.log.jsonl",
        source_sha256="a" * 64,
        reason="no room",
        retryable=retryable,
    )
    bench.record(failed)


def at(moment: float):
    """A clock that stands, and has always been right: what is left is left on the wall."""
    return lambda _key, until, _asked_s: max(0.0, until - moment)


def test_a_failure_that_may_pass_is_tried_again_ever_later_and_given_up(bench: Bench) -> None:
    bench.run()
    project, begin = str(bench.project), 1_000_000.0
    for attempt in range(1, MAX_ATTEMPTS):
        bench.now_us = int(begin * 1e6)
        failing(bench)
        wait = 60 * 2 ** (attempt - 1)
        assert retries(bench.state, project, at(begin + wait - 1)) == []
        (wish,) = retries(bench.state, project, at(begin + wait))
        assert isinstance(wish, ExportRequested)
        assert (wish.run_path, wish.output) == (".cadenza-env/one.log.jsonl", None)
        begin += wait
    failing(bench)
    assert retries(bench.state, project, at(begin + 1e9)) == []


def test_a_failure_that_will_not_pass_is_not_tried_again(bench: Bench) -> None:
    bench.run()
    failing(bench, retryable=False)
    assert retries(bench.state, str(bench.project), at(1e12)) == []


def test_a_clock_that_was_set_back_does_not_make_a_retry_wait_longer(bench: Bench) -> None:
    # given a failure, after which the clock begins anew in 1970
    bench.run()
    bench.now_us = int(2e15)
    failing(bench)
    clocks = {"wall": 1e6, "monotonic": 500.0}
    waits = Waits(lambda: clocks["wall"], lambda: clocks["monotonic"])
    assert retries(bench.state, str(bench.project), waits.left) == []

    # then it is the minute that it would have been
    clocks["monotonic"] += 59
    assert retries(bench.state, str(bench.project), waits.left) == []
    clocks["monotonic"] += 1
    assert len(retries(bench.state, str(bench.project), waits.left)) == 1


def test_the_table_of_contents_names_each_reaction_once() -> None:
    reactions = {reaction for group in REACTIONS.values() for reaction in group}
    assert len({reaction.name for reaction in reactions}) == len(reactions)
    assert {"export_run", "export_requested", "request_exports"} <= {r.name for r in reactions}
