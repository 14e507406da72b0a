"""A realistic history for the benchmarks: projects, then recorded and exported runs in turn."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from store import views
from store.events.envelope import NewEvent, project_stream
from store.events.exports import RunExported
from store.events.files import EpisodeFact, FileFact, LineCounts, ProjectDiscovered, RunRecorded
from store.log import EventLog
from store.schema import connect_writer

PROJECTS = 10
BATCH = 5000


def events(count: int, projects: int = PROJECTS) -> Iterator[NewEvent]:
    """`count` events: the projects' discoveries, then RunRecorded and the RunExported it caused."""
    history = itertools.chain(map(_discovered, range(projects)), _runs(projects))
    return itertools.islice(history, count)


def build(state_dir: Path, count: int, projects: int = PROJECTS) -> sqlite3.Connection:
    """A log of `count` events with its view, made by the code that makes every log.

    Returns the writing connection. Durability is switched off meanwhile: nothing is acknowledged.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    connection = connect_writer(state_dir)
    connection.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;")
    log = EventLog(connection, views.fold)
    history = events(count, projects)
    while batch := list(itertools.islice(history, BATCH)):
        connection.execute("BEGIN IMMEDIATE")
        log.append(batch)
        connection.execute("COMMIT")
    connection.executescript("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE);")
    return connection


def _path(project: int) -> str:
    return f"/home/ada/robots/robot-{project}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _file(path: str, key: str, number: int) -> FileFact:
    return FileFact(
        path=path,
        dev=65024,
        ino=1_000_000 + number,
        size=61_440 + number % 4096,
        mtime_ns=1_700_000_000_000_000_000 + number * 20_000_000,
        sha256=_sha256(key),
    )


def _discovered(project: int) -> NewEvent:
    path = _path(project)
    event = ProjectDiscovered(
        name=f"robot-{project}",
        path=path,
        mission="find the casualty and come back",
        robot="go1",
        phases=("search", "approach", "return"),
        file=_file("env.json", path, project),
    )
    return NewEvent(project_stream(path), event)


def _runs(projects: int) -> Iterator[NewEvent]:
    for number in itertools.count():
        stream = project_stream(_path(number % projects))
        recorded = _recorded(number)
        yield NewEvent(stream, recorded)
        # Discoveries come first, then two events a run: this is where the recorded run stands.
        yield NewEvent(stream, _exported(recorded), causation=projects + 2 * number + 1)


def _recorded(number: int) -> RunRecorded:
    run_id = f"run-{number:07}"
    episode = EpisodeFact(
        index=0,
        first_line=1,
        ticks=120,
        outcome="failed" if number % 4 == 0 else "succeeded",
        reason="fell" if number % 4 == 0 else "",
        reward=12.5,
        phases_done=3,
        last_phase="return",
    )
    return RunRecorded(
        run_id=run_id,
        format="mission",
        file=_file(f".cadenza-env/{run_id}.log.jsonl", run_id, PROJECTS + number),
        episodes=(episode,),
        lines=LineCounts(read=120, valid=120),
    )


def _exported(run: RunRecorded) -> RunExported:
    exports = ".cadenza-env/exports"
    return RunExported(
        run_id=run.run_id,
        run_path=run.file.path,
        source_sha256=run.file.sha256,
        output=f"{exports}/{run.run_id}.finetune.jsonl",
        output_sha256=run.file.sha256[::-1],
        manifest=f"{exports}/{run.run_id}.manifest.json",
        format="jsonl",
        alignment="reference",
        template_sha256="7" * 64,
        records=118,
        rejected=0,
        filtered=2,
    )
