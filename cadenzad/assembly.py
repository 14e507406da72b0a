"""The composition root: builds the daemon's parts, and is the only place where they are joined."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Set
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cadenzad.config.credentials import hub_file
from cadenzad.config.files import Config
from cadenzad.config.paths import INBOX
from cadenzad.config.project import ProjectConfigs, reaction_policy
from cadenzad.hub.forwarder import Forwarder
from cadenzad.jobs.cgroup import Confinement
from cadenzad.jobs.runner import Jobs
from cadenzad.reactor import Reactor
from cadenzad.service_manager.liveness import Liveness
from cadenzad.watch.changes import ChangeQueue
from cadenzad.watch.exports import Exports
from cadenzad.watch.folders import Folders
from cadenzad.watch.inotify import FolderWatches
from cadenzad.watch.record import Recorder
from cadenzad.watch.recordings import Recordings
from handlers.reactions import Tools
from handlers.recovery import recover
from handlers.routes import EFFECTS, JOBS, REACTIONS
from store.lock import WriterLock
from store.opening import open_writer, prepare_in_child
from store.reads.state import State
from store.schema import connect_reader
from store.writer import Writer

JOB_NEWS = frozenset(
    {"JobQueued", "JobPostponed", "JobCancelled", "JobRetried"}
    | {"JobFailed", "JobRequeued", "JobSucceeded"}
    | {"ProjectPaused", "ProjectResumed"}
)
"""Events after which another job may start, or a running one is no longer wanted."""


@dataclass(frozen=True)
class Parts:
    """What the daemon's loop works with. `reader` and `state` are the loop's own connection."""

    writer: Writer
    reactor: Reactor
    jobs: Jobs
    reader: sqlite3.Connection
    state: State
    recorder: Recorder
    folders: Folders
    liveness: Liveness
    forwarder: Forwarder | None


def assemble(
    stack: ExitStack,
    state_dir: Path,
    lock: WriterLock,
    config: Callable[[], Config],
    changes: ChangeQueue,
    *,
    trouble: Callable[[Exception], object],
    checkpoint: Callable[[], None],
    look_again: Callable[[str], None],
    once: bool,
) -> Parts:
    """Build the parts, innermost first; none is started, and the stack takes them down again.

    `config()` is what holds now. `trouble`, `checkpoint` and `look_again` are called from the
    parts' threads; `trouble` when the event log cannot be read or written.
    `once`: nothing is watched, and nothing waits for what may still come.
    """

    def committed(types: Set[str]) -> None:
        reactor.wake()
        if forwarder is not None:
            forwarder.wake()
        if not JOB_NEWS.isdisjoint(types):
            jobs.wake()

    def open_reader() -> sqlite3.Connection:
        reader = connect_reader(state_dir)
        stack.callback(reader.close)
        return reader

    prepare_in_child(state_dir, lock)
    writer = open_writer(state_dir, on_commit=committed)
    stack.callback(writer.close)
    configs = ProjectConfigs()
    tools = Tools(
        checkpoint,
        lambda project: reaction_policy(project, config(), configs, at_once=once),
        lambda: time.time_ns() // 1000,
    )
    reactor = Reactor(open_reader(), writer, REACTIONS, tools, trouble)
    jobs = Jobs(
        config(),
        state_dir,
        open_reader(),
        writer,
        JOBS,
        configs=configs,
        confinement=Confinement() if once else Confinement.prepare(),
        ended=lambda job: recover(Path(job.project), writer, EFFECTS) if job.project else None,
        trouble=trouble,
    )
    stack.callback(jobs.stop)
    reader = open_reader()
    state = State(reader)
    watches = None
    if not once:
        watches = FolderWatches(changes)
        watches.start()
        stack.callback(watches.stop)
    hub = hub_file(config().hub.dsn_file)
    forwarder = Forwarder(state_dir, hub, open_reader(), writer) if hub is not None else None
    if forwarder is not None:
        stack.callback(forwarder.stop)
    recorder = Recorder(reader, writer, look_again, trouble)
    exports = Exports(reader, writer, lambda path, why: folders.cannot_look(path, why))
    recordings = Recordings(reader, writer)
    folders = Folders(config(), state, writer, recorder, exports, recordings, changes, watches)
    liveness = Liveness(state_dir / INBOX, writer, folders.probe)
    folders.on_cookie = liveness.came_back
    folders.on_trouble = trouble
    return Parts(writer, reactor, jobs, reader, state, recorder, folders, liveness, forwarder)
