"""Tables, triggers, pragmas and migrations of `events.db`; the only place connections are opened.

Three kinds of table share the file:

    events                       history: append-only and gap-free, enforced by triggers
    view_*, projections          state folded from history; `rebuild` makes them anew
    cursors, seen, progress      bookkeeping of the running daemon; no history, no view

The writer is one connection of one process (see `store.lock`). SQLite from 3.7.0 to 3.51.2 can
corrupt a WAL database when two connections write and checkpoint at once; with one writer it cannot
happen. Readers are opened `mode=ro` and `query_only`.

The schema has no CHECK (json_valid(...)): SQLite builds before 3.41 do not mark it innocuous, and
`trusted_schema = OFF` then refuses every insert. Data is JSON because only pydantic writes it.
"""

from __future__ import annotations

import os
import sqlite3

from store.errors import NoEventLog, SchemaError, StoreError
from store.ownership import make_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

DATABASE = "events.db"
SET_NAME = "cadenzad"

EVENTS_SQL = """
CREATE TABLE events (
  position       INTEGER PRIMARY KEY CHECK (position > 0),
  stream         TEXT    NOT NULL,
  version        INTEGER NOT NULL CHECK (version > 0),
  type           TEXT    NOT NULL,
  schema_version INTEGER NOT NULL CHECK (schema_version > 0),
  data           TEXT    NOT NULL CHECK (substr(data, 1, 1) = '{'),
  meta           TEXT,
  dedup_key      TEXT,
  causation      INTEGER REFERENCES events (position),
  correlation    INTEGER NOT NULL,  -- position of the event that began the chain; maybe its own
  recorded_at_us INTEGER NOT NULL,
  occurred_at_us INTEGER,           -- NULL: when it was recorded
  UNIQUE (stream, version)
) STRICT;

CREATE UNIQUE INDEX events_dedup ON events (dedup_key) WHERE dedup_key IS NOT NULL;

-- UNIQUE keeps versions apart and the writer counts them; `verify` checks that none is missing.
CREATE TRIGGER events_gap_free BEFORE INSERT ON events
  WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN
  SELECT RAISE(ABORT, 'positions are gap-free: this is not the next one');
END;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN
  SELECT RAISE(ABORT, 'the event log is append-only');
END;

CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN
  SELECT RAISE(ABORT, 'the event log is append-only');
END;
"""

BOOKKEEPING_SQL = """
-- How far each reaction has come; committed with the events it made.
CREATE TABLE cursors (
  reaction TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The stat of each file as last read: spares a restart from hashing everything again.
CREATE TABLE seen (
  path     TEXT PRIMARY KEY,
  dev      INTEGER NOT NULL,
  ino      INTEGER NOT NULL,
  size     INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is true just now (pid, heartbeat, epoch, loss): overwritten, never replayed.
CREATE TABLE progress (
  key        TEXT PRIMARY KEY,
  value      TEXT NOT NULL,
  updated_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

ABSENT = 0.5
"""Bound for NULL, as `nullif(?, 0.5)`: a number that no column of ours can hold.

Python's sqlite3 looks through its adapters for every None that is bound, which takes longer than
the rest of the row's binding.
"""

VIEW_NAME = "state"
CODE_VERSION = 11
"""Raise when `views.fold` or a view table changes: the daemon then rebuilds at its next start."""

VIEW_TABLES = (
    "view_projects",
    "view_files",
    "view_episodes",
    "view_exports",
    "view_datasets",
    "view_degraded",
    "view_jobs",
    "view_prompts",
    "view_judged",
    "view_tokens",
    "view_adapters",
    "view_trust",
)

VIEW_SQL = """
CREATE TABLE view_projects (
  path               TEXT PRIMARY KEY,
  name               TEXT NOT NULL,
  mission            TEXT,
  robot              TEXT,
  phases             TEXT,
  state              TEXT NOT NULL,
  paused             INTEGER NOT NULL DEFAULT 0,
  reason             TEXT NOT NULL DEFAULT '',
  env_sha256         TEXT,
  env_since          INTEGER NOT NULL DEFAULT 0,  -- position since which env.json is that
  runs_total         INTEGER NOT NULL DEFAULT 0,
  runs_succeeded     INTEGER NOT NULL DEFAULT 0,
  runs_failed        INTEGER NOT NULL DEFAULT 0,
  runs_interrupted   INTEGER NOT NULL DEFAULT 0,
  files_rejected     INTEGER NOT NULL DEFAULT 0,
  last_run           TEXT,
  exports_current    INTEGER NOT NULL DEFAULT 0,
  exports_stale      INTEGER NOT NULL DEFAULT 0,
  exports_failed     INTEGER NOT NULL DEFAULT 0,
  exports_records    INTEGER NOT NULL DEFAULT 0,
  examples_train     INTEGER NOT NULL DEFAULT 0,
  examples_exam      INTEGER NOT NULL DEFAULT 0,
  trials             INTEGER NOT NULL DEFAULT 0,  -- decided ones, which share one error budget
  trial_level        REAL NOT NULL DEFAULT 0,     -- what the last of them could spend
  trial_improved     INTEGER NOT NULL DEFAULT 0,  -- whether it said "improved"
  reactions_failed   INTEGER NOT NULL DEFAULT 0,
  last_failure       TEXT NOT NULL DEFAULT '',
  checked_sha256     TEXT,     -- of the env.json that the check below is of; NULL: none yet
  check_errors       INTEGER,
  check_warnings     INTEGER,
  check_hints        INTEGER,
  check_findings     TEXT NOT NULL DEFAULT '[]'  -- JSON of CheckFacts, the first of them
) STRICT, WITHOUT ROWID;

CREATE INDEX view_projects_by_name ON view_projects (name);

CREATE TABLE view_files (
  project        TEXT NOT NULL,
  path           TEXT NOT NULL,
  kind           TEXT NOT NULL,
  run_id         TEXT,
  revision       INTEGER NOT NULL,
  dev            INTEGER NOT NULL,
  ino            INTEGER NOT NULL,
  size           INTEGER NOT NULL,
  mtime_ns       INTEGER NOT NULL,
  sha256         TEXT NOT NULL,
  accepted       INTEGER NOT NULL,
  present        INTEGER NOT NULL DEFAULT 1,
  reason         TEXT NOT NULL DEFAULT '',
  line           INTEGER,
  rows           INTEGER NOT NULL DEFAULT 0,
  rows_rejected  INTEGER NOT NULL DEFAULT 0,
  twin_of        TEXT,
  format         TEXT,
  position       INTEGER NOT NULL,
  PRIMARY KEY (project, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_episodes (
  project     TEXT NOT NULL,
  path        TEXT NOT NULL,
  idx         INTEGER NOT NULL,
  outcome     TEXT NOT NULL,
  reason      TEXT NOT NULL,
  ticks       INTEGER NOT NULL,
  reward      REAL,
  phases_done INTEGER NOT NULL,
  last_phase  TEXT,
  first_line  INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  first       INTEGER NOT NULL,  -- position of the event that first told of it
  stamp       TEXT,              -- JSON of a RunStamp
  PRIMARY KEY (project, path, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_exports (
  project         TEXT NOT NULL,
  run_path        TEXT NOT NULL,
  run_id          TEXT NOT NULL,
  state           TEXT NOT NULL,
  output          TEXT,
  output_sha256   TEXT,
  manifest        TEXT,
  records         INTEGER NOT NULL DEFAULT 0,
  rejected        INTEGER NOT NULL DEFAULT 0,
  filtered        INTEGER NOT NULL DEFAULT 0,
  reason          TEXT NOT NULL DEFAULT '',
  retryable       INTEGER NOT NULL DEFAULT 0,
  attempts        INTEGER NOT NULL DEFAULT 0,
  warnings        TEXT NOT NULL DEFAULT '[]',
  position        INTEGER NOT NULL,
  PRIMARY KEY (project, run_path)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_datasets (
  project       TEXT PRIMARY KEY,
  manifest      TEXT NOT NULL,
  manifest_hash TEXT NOT NULL,
  content       TEXT NOT NULL,
  runs          INTEGER NOT NULL,
  rows          TEXT NOT NULL,  -- JSON: config -> rows
  labels        TEXT NOT NULL,  -- JSON: KTO's, true and false
  failed        TEXT NOT NULL,  -- JSON of DatasetProblems
  position      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE view_jobs (
  id            INTEGER PRIMARY KEY,
  project       TEXT NOT NULL,
  kind          TEXT NOT NULL,
  state         TEXT NOT NULL,  -- queued running succeeded failed cancelled
  attempt       INTEGER NOT NULL DEFAULT 0,
  spec          TEXT NOT NULL,
  reason        TEXT NOT NULL,
  result        TEXT NOT NULL DEFAULT '',
  queued_us     INTEGER NOT NULL,
  not_before_us INTEGER NOT NULL DEFAULT 0,
  started_us    INTEGER,
  ended_us      INTEGER
) STRICT;

CREATE UNIQUE INDEX view_jobs_queued ON view_jobs (project, kind) WHERE state = 'queued';
CREATE UNIQUE INDEX view_jobs_running ON view_jobs (project) WHERE state = 'running';
CREATE INDEX view_jobs_by_project ON view_jobs (project, id);
CREATE INDEX view_jobs_by_kind ON view_jobs (kind, state, ended_us);

CREATE TABLE view_prompts (
  project       TEXT NOT NULL,
  version       INTEGER NOT NULL,
  parent        INTEGER,
  state         TEXT NOT NULL,  -- proposed current superseded rejected rolled_back theirs
  file          TEXT NOT NULL,
  before_sha256 TEXT NOT NULL,
  after_sha256  TEXT NOT NULL,
  rules         TEXT NOT NULL,
  gates         TEXT NOT NULL,
  improved      INTEGER NOT NULL,
  watching      INTEGER NOT NULL,  -- 1 while the runs since are compared with those before
  position      INTEGER NOT NULL,
  since         INTEGER NOT NULL,  -- position since which it was in the file; 0: never
  unread        TEXT NOT NULL,     -- logs that lay on disk then and were not read yet
  undoes        INTEGER,           -- the version it took back
  watch         TEXT NOT NULL,     -- how its watch ended; '' while it has not
  unwanted      INTEGER NOT NULL,  -- position where it was taken back or rejected; 0: never
  PRIMARY KEY (project, version)
) STRICT, WITHOUT ROWID;

-- The last judging of a project, and what came of it.
CREATE TABLE view_judged (
  project     TEXT PRIMARY KEY,
  position    INTEGER NOT NULL,
  recorded_us INTEGER NOT NULL,
  key         TEXT,
  findings    TEXT NOT NULL,
  claims      TEXT NOT NULL,
  code        TEXT NOT NULL,
  reason      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE view_tokens (
  day     TEXT NOT NULL,  -- UTC
  project TEXT NOT NULL,
  tokens  INTEGER NOT NULL,
  PRIMARY KEY (day, project)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_adapters (
  project        TEXT NOT NULL,
  version        INTEGER NOT NULL,
  state          TEXT NOT NULL,  -- trained deployed blocked needs_data ready retired
  path           TEXT NOT NULL,
  sha256         TEXT NOT NULL,
  dataset_sha256 TEXT NOT NULL,
  verdict        TEXT,
  checks         TEXT NOT NULL,
  reasons        TEXT NOT NULL,
  next_steps     TEXT NOT NULL,
  position       INTEGER NOT NULL,
  scored         INTEGER NOT NULL,  -- position of its scorecard; 0: none
  promoted       INTEGER NOT NULL,  -- position of its last promotion; 0: never
  PRIMARY KEY (project, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_trust (
  project  TEXT NOT NULL,
  path     TEXT NOT NULL,
  sha256   TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (project, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_degraded (
  code     TEXT PRIMARY KEY,
  detail   TEXT NOT NULL,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

LATE_INDEXES = {
    # Of runs that are there, by size, the hash's algorithm and its first 24 bits: who asks compares
    # the rest.
    "view_files_by_bytes": "view_files (project, size, substr(sha256, 1, 13))"
    " WHERE kind = 'run' AND accepted AND present",
    "view_files_by_inode": "view_files (project, ino)",
    "view_files_rejected": "view_files (project, position) WHERE NOT accepted",
    "view_exports_open": "view_exports (project, state) WHERE state != 'current'",
}
"""Indexes that no folding asks: a fold of all history makes them when all rows are there."""

PROJECTIONS_SQL = """
CREATE TABLE projections (
  name         TEXT PRIMARY KEY,
  code_version INTEGER NOT NULL,
  position     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""


class Connection(sqlite3.Connection):
    """A connection on which damage is a sqlite3.DatabaseError, whatever the module makes of it.

    SQLite quotes a damaged schema in its messages, and Python's module fails at decoding those.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        try:
            return super().execute(sql, parameters)
        except UnicodeDecodeError as error:
            raise damage(error) from error


def damage(error: UnicodeDecodeError) -> sqlite3.DatabaseError:
    """What a message that is no text comes to."""
    text = error.object.decode("utf-8", "backslashreplace")
    return sqlite3.DatabaseError(f"the database is damaged: {text[:200]}")


BUSY_TIMEOUT_MS = 5000
WRITER_PRAGMAS = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA recursive_triggers = ON;
PRAGMA busy_timeout = {BUSY_TIMEOUT_MS};
PRAGMA trusted_schema = OFF;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA journal_size_limit = 67108864;
"""


def connect_writer(state_dir: Path) -> sqlite3.Connection:
    """The one writing connection, with the schema brought up to date.

    The caller must hold the writer lock. Raises SchemaError when the file is newer than this
    program and StoreError when it is not a usable database.
    """
    path = state_dir / DATABASE
    try:
        for name in ("", "-wal", "-shm"):  # SQLite makes the others as private as the first
            file = path.with_name(path.name + name)
            if not name or file.exists():
                make_private(file)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Connection
        )
        connection.executescript(WRITER_PRAGMAS)
        _migrate(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: {error}",
            hint="restore a backup of the file, or move it away to begin a new history",
        ) from error
    return connection


def is_migrated(state_dir: Path) -> bool:
    """Whether the database exists and needs no migration."""
    if not (state_dir / DATABASE).exists():
        return False
    try:
        connection = sqlite3.connect(state_dir / DATABASE, isolation_level=None, factory=Connection)
        try:
            return _applied(connection) == set(MIGRATIONS)
        finally:
            connection.close()
    except sqlite3.DatabaseError:
        return False


def connect_reader(state_dir: str | Path) -> sqlite3.Connection:
    """A read-only connection that never blocks the writer.

    Raises StoreError when there is no database yet or it cannot be read.
    """
    path = os.path.join(os.getcwd(), state_dir, DATABASE)
    nothing = NoEventLog(
        f"{path}: there is no event log yet", hint="start the daemon: cadenzad --workspace DIR"
    )
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # of the last: no file's name
        raise nothing from None
    # What an URI gives a meaning to, as https://www.sqlite.org/uri.html has it.
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    uri = f"file:{quoted}?mode=ro"
    try:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, factory=Connection
        )
        connection.executescript("PRAGMA busy_timeout = 2000; PRAGMA query_only = ON;")
        query = "SELECT 1 FROM sqlite_master WHERE name = 'projections'"
        if connection.execute(query).fetchone() is None:
            connection.close()
            raise nothing  # somebody is creating it at this moment
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: {error}", hint="`cadenzactl verify` checks the file; is the disk full?"
        ) from error
    return connection


def memory_view(*, empty: bool = True) -> sqlite3.Connection:
    """An empty view in memory, for replaying history without touching the file.

    Not even its tables are there unless `empty`: for a copy of another one.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    if empty:
        connection.executescript(VIEW_SQL + PROJECTIONS_SQL)
        make_late_indexes(connection)
    return connection


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Execute a script inside the running transaction (`executescript` would commit it)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def reset_view(connection: sqlite3.Connection) -> None:
    """Drop and create the view tables, inside the caller's transaction."""
    for table in VIEW_TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    run_script(connection, VIEW_SQL)
    make_late_indexes(connection)


def make_late_indexes(connection: sqlite3.Connection) -> None:
    for name, where in LATE_INDEXES.items():
        connection.execute(f"CREATE INDEX {name} ON {where}")


def drop_late_indexes(connection: sqlite3.Connection) -> None:
    for name in LATE_INDEXES:
        connection.execute(f"DROP INDEX {name}")


MIGRATIONS = ("m001_events", "m002_hash_index")
"""Names of all migrations, oldest first. View tables need none: new code rebuilds them.
"""


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply what is pending, all or nothing."""
    # `atomic()` of sqlite-utils begins a deferred transaction; inside ours it uses a savepoint.
    connection.execute("BEGIN IMMEDIATE")
    try:
        applied = _applied(connection)
        newer = sorted(applied.difference(MIGRATIONS))
        if newer:
            raise SchemaError(
                f"the event log has migrations this program does not know: {', '.join(newer)}",
                hint="upgrade cadenzad",
            )
        if applied != set(MIGRATIONS):
            _apply_pending(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it
            connection.execute("ROLLBACK")
        raise


def _applied(connection: sqlite3.Connection) -> set[str]:
    """What sqlite-utils noted as applied; asked without importing it, as every start asks."""
    table = "_sqlite_migrations"
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    if connection.execute(query, (table,)).fetchone() is None:
        return set()
    rows = connection.execute(f"SELECT name FROM {table} WHERE migration_set = ?", (SET_NAME,))
    return {name for (name,) in rows}


def _apply_pending(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database, Migrations

    migrations = Migrations(SET_NAME)

    @migrations(name=MIGRATIONS[0])
    def create(db: Database) -> None:
        for script in (EVENTS_SQL, BOOKKEEPING_SQL, PROJECTIONS_SQL, VIEW_SQL):
            run_script(connection, script)
        make_late_indexes(connection)

    @migrations(name=MIGRATIONS[1])
    def shorten_hash_index(db: Database) -> None:
        """Nothing any more: the view whose index it changed is folded anew by this code."""

    migrations.apply(Database(connection, execute_plugins=False))
