"""The tables of the event log in SQLite, and the bookkeeping of the daemon that writes it.

The schema has no CHECK (json_valid(...)): SQLite builds before 3.41 do not mark it innocuous, and
`trusted_schema = OFF` then refuses every insert. Data is JSON because `store.log` reads each event
before it is stored.
"""

from __future__ import annotations

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
"""

PROGRESS_SQL = """
-- What is true just now (pid, heartbeat, epoch, loss): overwritten, never replayed.
CREATE TABLE progress (
  key        TEXT PRIMARY KEY,
  value      TEXT NOT NULL,
  updated_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

PROJECTIONS_SQL = """
CREATE TABLE projections (
  name         TEXT PRIMARY KEY,
  code_version INTEGER NOT NULL,
  position     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
