"""The tables of the hub in PostgreSQL's words.

    origins        the robots: one row and one login each, and where its log ends
    events         the logs, each gap-free and append-only, as they are at the robots
    folded         how far the view of each has been folded
    offers, offer_*   versions that are offered to robots (offers.py)
    view_*         the views, the tables of `store.database.view` with an origin in their keys

A log grows by `append` alone, which checks under the lock of its origin's row that what comes
follows what is there. What is there already is compared and left as it is, so that a batch may
come twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from store.database.table import Column, Index, Table
from store.database.view import TABLES

HUB_VERSION = 2
"""Of the tables that are no view. Raise when they change, and add to UPGRADES what changes them."""

GAP, DIFFERENT, NOBODY, OTHER_LOG = "CZ001", "CZ002", "CZ003", "CZ004"
"""What `append` and `hello` refuse, as SQLSTATE."""

EVENT_COLUMNS = {
    "stream": "text",
    "version": "bigint",
    "type": "text",
    "schema_version": "integer",
    "data": "text",
    "meta": "text",
    "dedup_key": "text",
    "causation": "bigint",
    "correlation": "bigint",
    "recorded_at_us": "bigint",
    "occurred_at_us": "bigint",
}
"""Of an event beside its position, in the order in which they are shipped."""

_OPTIONAL = frozenset({"meta", "dedup_key", "causation", "occurred_at_us"})
_TYPES = {
    "text": 'text COLLATE "C"',  # compared by its bytes, as in SQLite
    "integer": "bigint",
    "real": "double precision",
    "truth": "boolean",
}
_TRUTH = {"0": "false", "1": "true"}
_FOR_INTAKE = ("view_files_by_bytes", "view_files_by_inode")
"""Indexes that only whoever reads run logs asks."""

_EVENTS = ",\n".join(
    f"  {name} {_TYPES['text'] if kind == 'text' else kind}"
    f"{'' if name in _OPTIONAL else ' NOT NULL'}"
    for name, kind in EVENT_COLUMNS.items()
)

BASE_SQL = f"""
CREATE TABLE cadenzad.about (
  hub_version  integer NOT NULL,
  code_version integer NOT NULL  -- of the view's tables and of what is in them
);

CREATE TABLE cadenzad.origins (
  id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name     text COLLATE "C" NOT NULL UNIQUE,
  login    text COLLATE "C" NOT NULL UNIQUE,  -- the role that it comes as
  log      text COLLATE "C" UNIQUE,           -- the id that the log made of itself; NULL: none yet
  head     bigint NOT NULL DEFAULT 0,         -- the last position that is here
  seen_at  timestamptz,
  added_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cadenzad.events (
  origin integer NOT NULL,
  position bigint NOT NULL CHECK (position > 0),
{_EVENTS},
  PRIMARY KEY (origin, position),
  UNIQUE (origin, stream, version)
);
-- All robots' events in the order of time, a page after another.
CREATE INDEX events_by_time ON cadenzad.events (recorded_at_us, origin, position);

CREATE TABLE cadenzad.folded (
  origin   integer PRIMARY KEY REFERENCES cadenzad.origins (id),
  position bigint NOT NULL DEFAULT 0,
  trouble  text NOT NULL DEFAULT ''  -- why it goes no further
);

CREATE FUNCTION cadenzad.scope() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('cadenzad.origin', true), '')::integer;

CREATE FUNCTION cadenzad.own_origin() RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  RETURN (SELECT id FROM cadenzad.origins WHERE login = session_user);

CREATE FUNCTION cadenzad.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the event log is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cadenzad.events
  FOR EACH STATEMENT EXECUTE FUNCTION cadenzad.refuse();
"""

OFFER_BYTES = 64 << 20
"""The most that an offered version may come to."""

OFFERS_SQL = f"""
-- A version that is offered to every project of one goal: the same mission, robot and phases.
CREATE TABLE cadenzad.offers (
  id      text COLLATE "C" PRIMARY KEY,
  kind    text COLLATE "C" NOT NULL CHECK (kind IN ('prompt', 'adapter')),
  project text NOT NULL,                -- what people call it
  mission text COLLATE "C" NOT NULL,
  model   text COLLATE "C" NOT NULL,    -- of robot
  phases  text COLLATE "C" NOT NULL,
  source  text COLLATE "C" NOT NULL,    -- the robot whose version it is
  version bigint NOT NULL,              -- which one there
  content text COLLATE "C" NOT NULL     -- the hash of what is offered
);

CREATE TABLE cadenzad.offer_contents (
  hash text COLLATE "C" PRIMARY KEY,
  data bytea NOT NULL CHECK (octet_length(data) <= {OFFER_BYTES})
);

-- The robots that are offered it first.
CREATE TABLE cadenzad.offer_canaries (
  offer  text COLLATE "C" NOT NULL REFERENCES cadenzad.offers (id),
  origin integer NOT NULL REFERENCES cadenzad.origins (id),
  PRIMARY KEY (offer, origin)
);

-- What became of it, each step once: `widened` to all, `pulled` for good.
CREATE TABLE cadenzad.offer_history (
  offer    text COLLATE "C" NOT NULL REFERENCES cadenzad.offers (id),
  step     text COLLATE "C" NOT NULL CHECK (step IN ('offered', 'widened', 'pulled')),
  why      text NOT NULL,
  evidence text NOT NULL DEFAULT '{{}}',  -- JSON: what the test said then
  made_by  text COLLATE "C" NOT NULL DEFAULT session_user,
  made_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (offer, step)
);

CREATE FUNCTION cadenzad.refuse_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the history of offers is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cadenzad.offers
  FOR EACH STATEMENT EXECUTE FUNCTION cadenzad.refuse_offers();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cadenzad.offer_contents
  FOR EACH STATEMENT EXECUTE FUNCTION cadenzad.refuse_offers();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cadenzad.offer_canaries
  FOR EACH STATEMENT EXECUTE FUNCTION cadenzad.refuse_offers();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cadenzad.offer_history
  FOR EACH STATEMENT EXECUTE FUNCTION cadenzad.refuse_offers();

-- Whether the robot that asks is among those that an offer is made to by now.
CREATE FUNCTION cadenzad.is_meant(p_offer text) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own integer := cadenzad.own_origin();
BEGIN
  RETURN EXISTS (
      SELECT 1 FROM cadenzad.offer_canaries WHERE offer = p_offer AND origin = own
    ) OR EXISTS (
      SELECT 1 FROM cadenzad.offers o JOIN cadenzad.offer_history h ON h.offer = o.id
        JOIN cadenzad.view_projects p ON p.mission = o.mission AND p.robot = o.model
          AND p.phases = o.phases
        WHERE o.id = p_offer AND h.step = 'widened' AND p.origin = own
    );
END $$;

CREATE FUNCTION cadenzad.tell_of_offer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('cadenzad_offers', NEW.offer);  -- CHANNEL in offers.py
  RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON cadenzad.offer_history
  FOR EACH ROW EXECUTE FUNCTION cadenzad.tell_of_offer();
"""

PRUNING_SQL = """
-- The events up to here were pruned: the first one that is kept follows.
ALTER TABLE cadenzad.origins ADD COLUMN pruned bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION cadenzad.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('cadenzad.pruning', true) = 'on' THEN
    RETURN NULL;  -- the owner's, who alone may delete: store.hub.prune
  END IF;
  RAISE EXCEPTION 'the event log is append-only';
END $$;
"""

UPGRADES = {2: OFFERS_SQL + PRUNING_SQL}
"""Version of the hub -> what makes it of the one before."""

_ARGUMENTS = ", ".join(f"p_{name} {kind}[]" for name, kind in EVENT_COLUMNS.items())
_ARRAYS = ", ".join(f"p_{name}" for name in EVENT_COLUMNS)
_NAMES = ", ".join(EVENT_COLUMNS)
_THERE = ", ".join(f"e.{name}" for name in EVENT_COLUMNS)
_COMING = ", ".join(f"b.{name}" for name in EVENT_COLUMNS)

APPEND_SQL = f"""
-- A robot says which log is its own; returns where that ends here.
CREATE OR REPLACE FUNCTION cadenzad.hello(p_log text) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own cadenzad.origins;
  other text := (SELECT name FROM cadenzad.origins WHERE log = p_log AND login != session_user);
BEGIN
  IF other IS NOT NULL THEN
    RAISE EXCEPTION 'this log has the login of % already', other USING ERRCODE = '{OTHER_LOG}';
  END IF;
  UPDATE cadenzad.origins SET seen_at = now(), log = coalesce(log, p_log)
    WHERE login = session_user RETURNING * INTO own;
  IF NOT FOUND THEN
    RAISE EXCEPTION '% is no robot of this hub', session_user USING ERRCODE = '{NOBODY}';
  END IF;
  IF own.log != p_log THEN
    RAISE EXCEPTION 'the login of % has shipped another log', own.name
      USING ERRCODE = '{OTHER_LOG}', HINT = 'each log has a login of its own: cadenzactl hub add';
  END IF;
  RETURN own.head;
END $$;

-- Events of the caller's log, of which the first has position p_first; returns where it ends then.
CREATE OR REPLACE FUNCTION cadenzad.append(p_first bigint, {_ARGUMENTS}) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own cadenzad.origins;
  last bigint := p_first + cardinality(p_stream) - 1;
  differing bigint;
BEGIN
  SELECT * INTO own FROM cadenzad.origins WHERE login = session_user FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION '% is no robot of this hub', session_user USING ERRCODE = '{NOBODY}';
  END IF;
  IF p_first > own.head + 1 OR p_first < 1 THEN
    RAISE EXCEPTION 'the log of % ends at %: position % does not follow', own.name, own.head,
      p_first USING ERRCODE = '{GAP}';
  END IF;
  IF p_first <= own.head THEN
    SELECT min(e.position) INTO differing
      FROM unnest({_ARRAYS}) WITH ORDINALITY AS b ({_NAMES}, nth)
      JOIN cadenzad.events AS e ON e.origin = own.id AND e.position = p_first + b.nth - 1
      WHERE ({_THERE}) IS DISTINCT FROM ({_COMING});
    IF differing IS NOT NULL THEN
      RAISE EXCEPTION 'the log of % has another event at position %', own.name, differing
        USING ERRCODE = '{DIFFERENT}',
        HINT = 'was its event log restored or replaced? one more log needs a login of its own';
    END IF;
  END IF;
  INSERT INTO cadenzad.events (origin, position, {_NAMES})
    SELECT own.id, p_first + b.nth - 1, {_COMING}
      FROM unnest({_ARRAYS}) WITH ORDINALITY AS b ({_NAMES}, nth)
      WHERE p_first + b.nth - 1 > own.head
      ORDER BY b.nth;
  IF last > own.head THEN
    UPDATE cadenzad.origins SET head = last, seen_at = now() WHERE id = own.id;
    PERFORM pg_notify('cadenzad', own.id::text);
  END IF;
  RETURN greatest(last, own.head);
END $$;
"""


def create_view_tables() -> Iterator[str]:
    """The tables of the view, and how one origin's part of everything is seen."""
    for table in TABLES.values():
        yield _create(table)
        for index in table.indexes:
            if index.name not in _FOR_INTAKE:
                yield _create_index(table, index)
        yield _seen_alone(table.name, ", ".join(column.name for column in table.columns))
    yield _seen_alone("events", f"position, {_NAMES}")
    yield (
        "CREATE VIEW cadenzad_one.projections WITH (security_invoker = true) AS"
        " SELECT 'state' AS name, code_version, position FROM cadenzad.about, cadenzad.folded"
        " WHERE origin = cadenzad.scope()"
    )
    # What is true just now at a robot is known there alone.
    yield (
        "CREATE VIEW cadenzad_one.progress AS"
        " SELECT '' AS key, '' AS value, 0::bigint AS updated_us WHERE false"
    )


def drop_view_tables() -> Iterator[str]:
    for name in ("events", "projections", "progress", *TABLES):
        yield f"DROP VIEW IF EXISTS cadenzad_one.{name}"
    for name in TABLES:
        yield f"DROP TABLE IF EXISTS cadenzad.{name}"


def _create(table: Table) -> str:
    columns = [
        "  origin integer NOT NULL DEFAULT cadenzad.scope()",
        *(_column(column) for column in table.columns),
        f"  PRIMARY KEY (origin, {', '.join(table.key)})",
    ]
    return f"CREATE TABLE cadenzad.{table.name} (\n" + ",\n".join(columns) + "\n)"


def _column(column: Column) -> str:
    given = _TRUTH[column.default] if column.kind == "truth" and column.default else column.default
    return (
        f"  {column.name} {_TYPES[column.kind]}{'' if column.optional else ' NOT NULL'}"
        f"{f' DEFAULT {given}' if given else ''}"
    )


def _create_index(table: Table, index: Index) -> str:
    unique = "UNIQUE " if index.unique else ""
    where = f" WHERE {index.where}" if index.where else ""
    return (
        f"CREATE {unique}INDEX {index.name} ON cadenzad.{table.name} (origin, {index.columns})"
        f"{where}"
    )


def _seen_alone(name: str, columns: str) -> str:
    return (
        f"CREATE VIEW cadenzad_one.{name} WITH (security_invoker = true) AS"
        f" SELECT {columns} FROM cadenzad.{name} WHERE origin = cadenzad.scope()"
    )
