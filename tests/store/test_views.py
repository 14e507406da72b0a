"""Projections: what status counts, and that a replay gives the same view."""

from __future__ import annotations

import random
from contextlib import closing
from functools import partial

import pytest

from store.events.envelope import NewEvent
from store.events.exports import ExportFailed, ExportLost, RunExported
from store.events.files import (
    FileMoved,
    FileRejected,
    FileRemoved,
    ProjectChanged,
    ProjectRemoved,
    RunRecorded,
    RunReplaced,
)
from store.events.process import ReactionFailed, WatchDegraded, WatchRestored
from store.reads.improvements import adapter_status, episodes, prompt_status
from store.reads.live import daemon_status
from store.reads.rows import PAGE
from store.reads.state import State
from store.reads.status import NO_ADAPTER, NO_PROMPT, project_statuses
from store.schema import is_outdated
from store.views import replay


def status(writer):
    return writer.run(lambda t: project_statuses(t.connection))[0]


def exported(make, name="a", records=3, **changes):
    values = {
        "run_id": name,
        "run_path": f".cadenza-env/{name}.log.jsonl",
        "source_sha256": "a" * 64,
        "output": f".cadenza-env/exports/{name}.finetune.jsonl",
        "output_sha256": "f" * 64,
        "manifest": None,
        "format": "jsonl",
        "alignment": "reference",
        "template_sha256": "0" * 64,
        "records": records,
        "rejected": 0,
        "filtered": 0,
    }
    return NewEvent(make.stream, RunExported.of_shape(values | changes))


def export_failed(make, name="a"):
    event = ExportFailed(
        run_id=name,
        run_path=f".cadenza-env/{name}.log.jsonl",
        source_sha256="a" * 64,
        reason="disk full",
        retryable=True,
    )
    return NewEvent(make.stream, event)


def export_lost(make, name="a"):
    event = ExportLost(
        run_id=name,
        run_path=f".cadenza-env/{name}.log.jsonl",
        output=f".cadenza-env/exports/{name}.finetune.jsonl",
        reason="gone",
    )
    return NewEvent(make.stream, event)


def test_runs_are_counted_by_outcome(writer, make):
    writer.append(
        make.discovered(),
        make.run("a", "succeeded"),
        make.run("b", "failed"),
        make.run("c", "unfinished"),
        make.run("d", "interrupted"),
    )
    runs = status(writer)["runs"]
    assert (runs["total"], runs["succeeded"], runs["failed"], runs["unfinished"]) == (4, 1, 1, 1)
    assert runs["interrupted"] == 1
    assert runs["last"]["run"] == "d"


def test_an_extension_changes_the_last_episode_and_adds_new_ones(writer, make):
    writer.append(make.discovered(), make.run("a", "unfinished"))
    writer.append(make.extended("a", (make.episode(0, "succeeded"), make.episode(1, "failed"))))
    runs = status(writer)["runs"]
    assert (runs["total"], runs["succeeded"], runs["failed"]) == (2, 1, 1)


def test_a_batch_asks_at_once_for_the_rows_that_it_changes(writer, make):
    # given exports, some of which failed
    names = [f"run-{number}" for number in range(20)]
    writer.append(make.discovered(), *(make.run(name) for name in names))
    writer.append(*(exported(make, name) for name in names[:15]))
    writer.append(*(export_failed(make, name) for name in names[15:]))

    # when all are made anew, one of them twice in a batch
    again = [exported(make, name, records=5) for name in (*names, names[0])]
    asked: list[str] = []
    writer.run(lambda unit: unit.connection.set_trace_callback(asked.append))
    writer.append(*again)
    writer.run(lambda unit: unit.connection.set_trace_callback(None))

    # then
    looks = [text for text in asked if "FROM view_exports" in text or "JOIN view_exports" in text]
    assert len(looks) == 1
    exports = status(writer)["exports"]
    assert (exports["current"], exports["failed"], exports["records"]) == (20, 0, 100)


def first_told(writer, make):
    rows = writer.run(lambda t: episodes(t.connection, make.project))
    return [(row.path.removeprefix(".cadenza-env/"), row.first) for row in rows]


def test_a_run_stays_as_old_as_it_is_when_its_log_grows_or_comes_back(writer, make):
    writer.append(make.discovered(), make.run("a", "failed"))
    writer.append(make.extended("a", (make.episode(0, "failed"), make.episode(1, "failed"))))
    assert first_told(writer, make) == [("a.log.jsonl", 2), ("a.log.jsonl", 3)]

    # the same bytes again, after the folder was away
    log = ".cadenza-env/a.log.jsonl"
    writer.append(NewEvent(make.stream, FileRemoved(path=log, kind="run")))
    again = make.extended("a", (make.episode(0, "failed"), make.episode(1, "failed"))).event
    facts = again.as_shape(without={"previous_size", "previous_sha256"})
    writer.append(NewEvent(make.stream, RunRecorded.of_shape(facts)))
    assert first_told(writer, make) == [("a.log.jsonl", 2), ("a.log.jsonl", 3)]


def test_a_copy_of_a_log_is_no_further_run(writer, make):
    writer.append(make.discovered(), make.run("a", "failed"))
    copy = make.run("b", "failed").event.changed(twin_of=".cadenza-env/a.log.jsonl")
    writer.append(NewEvent(make.stream, copy))
    assert first_told(writer, make) == [("a.log.jsonl", 2)]


def test_an_extension_without_new_episodes_keeps_the_count(writer, make):
    writer.append(make.discovered(), make.run("a"), make.extended("a", ()))
    assert status(writer)["runs"]["total"] == 1


def test_a_replaced_run_is_counted_once(writer, make):
    writer.append(make.discovered(), make.run("a", "failed"))
    values = make.run("a", "succeeded").event.as_shape() | {"previous_sha256": "a" * 64}
    writer.append(NewEvent(make.stream, RunReplaced.of_shape(values)))
    runs = status(writer)["runs"]
    assert (runs["total"], runs["succeeded"], runs["failed"]) == (1, 1, 0)


def test_exports_go_stale_when_the_run_or_the_project_changes(writer, make):
    # given
    writer.append(make.discovered(), make.run("a"), make.run("b"))
    writer.append(exported(make, "a", 3), exported(make, "b", 4))
    assert status(writer)["exports"]["current"] == 2
    assert status(writer)["exports"]["records"] == 7

    # when one run grows
    writer.append(make.extended("a", (make.episode(),)))
    assert (status(writer)["exports"]["current"], status(writer)["exports"]["stale"]) == (1, 1)

    # and then env.json changes
    values = make.discovered().event.as_shape() | {"previous_sha256": "e" * 64}
    writer.append(NewEvent(make.stream, ProjectChanged.of_shape(values)))
    assert (status(writer)["exports"]["current"], status(writer)["exports"]["stale"]) == (0, 2)

    # and one is exported again
    writer.append(exported(make, "a", 5))
    exports = status(writer)["exports"]
    assert (exports["current"], exports["stale"], exports["records"]) == (1, 1, 9)


def test_a_failed_export_shows_its_reason_and_counts_attempts(writer, make):
    writer.append(make.discovered(), make.run("a"), export_failed(make), export_failed(make))
    exports = status(writer)["exports"]
    assert exports["failed"] == 1
    assert exports["failures"] == [
        {"path": ".cadenza-env/a.log.jsonl", "reason": "disk full", "attempts": 2}
    ]
    writer.append(exported(make))
    assert status(writer)["exports"]["failed"] == 0


def test_a_manual_export_leaves_the_projects_own_alone(writer, make):
    writer.append(make.discovered(), make.run("a"), exported(make, origin="manual"))
    assert status(writer)["exports"]["current"] == 0


def test_examples_are_counted_by_split_and_follow_their_file(writer, make):
    writer.append(make.discovered(), make.examples(5), make.examples(2, "exam", "y"))
    assert status(writer)["examples"] == {"train": 5, "exam": 2}
    writer.append(make.examples(8, revision=2))
    assert status(writer)["examples"] == {"train": 8, "exam": 2}
    gone = FileRemoved(path=".cadenza-env/x.examples.jsonl", kind="examples")
    writer.append(NewEvent(make.stream, gone))
    assert status(writer)["examples"] == {"train": 0, "exam": 2}


def rejected(make, path=".cadenza-env/bad.log.jsonl", kind="run", **changes):
    event = FileRejected(
        file=make.file(path, "d", **changes),
        kind=kind,
        reason="no run record",
        line=1,
        project_name="rescue",
    )
    return NewEvent(make.stream, event)


def test_a_rejected_file_shows_until_it_is_good_or_gone(writer, make):
    writer.append(make.discovered(), rejected(make), rejected(make, ".cadenza-env/b.log.jsonl"))
    runs = status(writer)["runs"]
    assert runs["rejected"] == 2
    assert runs["rejected_files"][0]["reason"] == "no run record"
    writer.append(make.run("bad"))
    assert status(writer)["runs"]["rejected"] == 1
    writer.append(NewEvent(make.stream, FileRemoved(path=".cadenza-env/b.log.jsonl", kind="run")))
    assert status(writer)["runs"]["rejected"] == 0


def test_rejected_examples_no_longer_count(writer, make):
    writer.append(make.discovered(), make.examples(5))
    writer.append(rejected(make, ".cadenza-env/x.examples.jsonl", "examples", revision=2))
    assert status(writer)["examples"]["train"] == 0
    writer.append(make.examples(4, revision=3))
    assert status(writer)["examples"]["train"] == 4


def test_a_project_with_a_broken_env_json_is_known_as_invalid(writer, make):
    writer.append(rejected(make, "env.json", "config"))
    assert (status(writer)["state"], status(writer)["reason"]) == ("invalid", "no run record")
    writer.append(make.discovered())
    assert (status(writer)["state"], status(writer)["runs"]["rejected"]) == ("ready", 0)
    writer.append(NewEvent(make.stream, ProjectRemoved(name="rescue", path=make.project)))
    assert status(writer)["state"] == "removed"


def moved(make, old, new):
    event = FileMoved(
        previous_path=f".cadenza-env/{old}.log.jsonl",
        run_id=new,
        file=make.file(f".cadenza-env/{new}.log.jsonl", revision=2),
    )
    return NewEvent(make.stream, event)


def test_a_moved_run_is_the_same_run_under_a_new_name(writer, make):
    writer.append(make.discovered(), make.run("a"), exported(make, "a"), moved(make, "a", "b"))
    assert status(writer)["runs"]["total"] == 1
    assert status(writer)["exports"]["stale"] == 1
    state = writer.run(lambda t: State(t.connection).runs(make.project))
    assert [(file.path, file.run_id) for file in state] == [(".cadenza-env/b.log.jsonl", "b")]


def test_a_move_over_a_known_run_replaces_it(writer, make):
    writer.append(make.discovered(), make.run("a"), make.run("b", "failed"), exported(make, "b"))
    writer.append(moved(make, "a", "b"))
    now = status(writer)
    assert (now["runs"]["total"], now["runs"]["failed"], now["exports"]["current"]) == (1, 0, 0)


def test_a_removed_run_keeps_its_history_but_is_no_longer_there(writer, make):
    writer.append(make.discovered(), make.run("a"))
    writer.append(NewEvent(make.stream, FileRemoved(path=".cadenza-env/a.log.jsonl", kind="run")))
    assert status(writer)["runs"]["total"] == 1
    assert writer.run(lambda t: State(t.connection).runs(make.project)) == []


def test_degraded_reasons_come_and_go(writer):
    writer.append(NewEvent("daemon", WatchDegraded(code="overflow", detail="lost some")))
    degraded = writer.run(lambda t: daemon_status(t.connection, None))["degraded"]
    assert degraded == [{"code": "overflow", "detail": "lost some"}]
    writer.append(NewEvent("daemon", WatchRestored(code="overflow")))
    assert writer.run(lambda t: daemon_status(t.connection, None))["degraded"] == []


@pytest.mark.parametrize("holder", [{}, {"pid": 7}])
def test_who_holds_the_lock_and_never_reported_is_no_running_daemon(writer, holder) -> None:
    status = writer.run(lambda t: daemon_status(t.connection, holder))
    assert (status["state"], status["pid"]) == ("stopped", None)


def test_a_failed_reaction_is_shown(writer, make):
    first = writer.append(make.discovered(), make.run("a"))[1]
    event = ReactionFailed(
        reaction="export_run", event_type="RunRecorded", error="ValueError", message="odd"
    )
    writer.append(NewEvent(make.stream, event, causation=first.position))
    assert status(writer)["reactions_failed"] == 1
    assert "odd" in status(writer)["last_failure"]


# -- replay ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_a_replay_gives_the_identical_view(writer, make, seed):
    # given a random history of everything
    rng = random.Random(seed)
    names = "abcdef"

    def some():
        name = rng.choice(names)
        return rng.choice(
            [
                lambda: make.run(
                    name, rng.choice(["succeeded", "failed", "interrupted", "unfinished"])
                ),
                lambda: make.extended(name, (make.episode(rng.randrange(3), "failed"),)),
                lambda: exported(make, name, rng.randrange(9)),
                lambda: export_failed(make, name),
                lambda: rejected(make, f".cadenza-env/{name}.log.jsonl"),
                lambda: rejected(make, f".cadenza-env/{name}.examples.jsonl", "examples"),
                lambda: make.examples(rng.randrange(9), rng.choice(["train", "exam"]), name),
                lambda: moved(make, name, rng.choice(names)),
                lambda: NewEvent(
                    make.stream, FileRemoved(path=f".cadenza-env/{name}.log.jsonl", kind="run")
                ),
                lambda: make.discovered(),
                lambda: export_lost(make, name),
            ]
        )()

    writer.append(make.discovered(), *(some() for _ in range(200)))
    live = writer.run(lambda t: replay.view_hash(t.connection))

    # when / then
    with closing(writer.run(lambda t: replay.view_as_of(t.connection, 201))) as view:
        assert replay.view_hash(view) == live
    writer.run(lambda t: replay.rebuild(t.connection))
    assert writer.run(lambda t: replay.view_hash(t.connection)) == live
    _counters_agree_with_rows(writer, make)


def _counters_agree_with_rows(writer, make):
    def count(query):
        return writer.run(lambda t: t.connection.execute(query).fetchone()[0] or 0)

    now = status(writer)
    assert now["runs"]["total"] == count("SELECT count(*) FROM view_episodes")
    assert now["runs"]["failed"] == count(
        "SELECT count(*) FROM view_episodes WHERE outcome = 'failed'"
    )
    assert now["runs"]["rejected"] == count("SELECT count(*) FROM view_files WHERE NOT accepted")
    assert now["examples"]["train"] == count(
        "SELECT sum(rows) FROM view_files WHERE kind = 'examples' AND accepted"
    )
    for state in ("current", "stale", "failed", "missing"):
        assert now["exports"][state] == count(
            f"SELECT count(*) FROM view_exports WHERE state = '{state}'"
        )
    assert now["exports"]["records"] == count("SELECT sum(records) FROM view_exports")


def test_files_are_gone_through_by_page_whatever_changes_meanwhile(writer, make):
    # given more files than a page has, and some that have gone
    many = [f"{number:04}" for number in range(2 * PAGE + 3)]
    gone = NewEvent(make.stream, FileRemoved(path=f".cadenza-env/{many[0]}.log.jsonl", kind="run"))
    writer.append(make.discovered(), *map(make.run, many), *(exported(make, n) for n in many), gone)

    # when another comes in the middle of it
    def read(transaction):
        state = State(transaction.connection)
        for number, row in enumerate(state.present_files(make.project)):
            if number == PAGE // 2:
                transaction.append(make.run("9999"))
            yield row.run_id

    found = writer.run(lambda t: list(read(t)))
    exports = writer.run(lambda t: list(State(t.connection).exported_files(make.project)))

    # then each is met once
    assert found == [*many[1:], "9999", None]  # env.json, the last, has no run
    assert [row.run_id for row in exports] == many
    assert exports[0].seen == (None,) * 5


def test_the_view_of_a_past_moment(writer, make):
    writer.append(make.discovered(), make.run("a"), make.run("b"))
    with closing(writer.run(lambda t: replay.view_as_of(t.connection, 2))) as view:
        (past,) = project_statuses(view)
    assert past["runs"]["total"] == 1


def test_a_view_folded_by_other_code_is_outdated(writer):
    assert writer.run(lambda t: is_outdated(t.connection))
    writer.run(lambda t: replay.rebuild(t.connection))
    assert not writer.run(lambda t: is_outdated(t.connection))
    writer.run(lambda t: t.connection.execute("UPDATE projections SET code_version = 0") and None)
    assert writer.run(lambda t: is_outdated(t.connection))


def test_a_twin_is_found_by_an_index_of_runs_alone(writer, make):
    writer.append(make.discovered(), make.run("a"), make.run("b"))
    seen = []

    def look(transaction):
        transaction.connection.set_trace_callback(seen.append)
        find = partial(State(transaction.connection).run_with_bytes, make.project, but_not="x")
        twin, *others = find(10, "a" * 64), find(10, "a" * 63 + "b"), find(11, "a" * 64)
        transaction.connection.set_trace_callback(None)
        plan = transaction.connection.execute(f"EXPLAIN QUERY PLAN {seen[0]}").fetchall()
        return twin.run_id, others, plan[0][3]

    run_id, others, plan = writer.run(look)
    assert (run_id, others) == ("a", [None, None])
    assert "view_files_by_bytes (project=? AND size=? AND <expr>=?)" in plan


def test_what_is_said_of_a_project_without_rows_is_what_reading_them_would_say(writer) -> None:
    def look(transaction) -> tuple[object, object]:
        view = transaction.connection
        return prompt_status(view, "/nobody"), adapter_status(view, "/nobody", view)

    assert writer.run(look) == (NO_PROMPT, NO_ADAPTER)
