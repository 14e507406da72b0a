"""The hub's roles, and what each may see and do.

None is a superuser. Whoever runs `hub init` owns all of it, and needs CREATEROLE. The others are
groups, and each login belongs to one:

    robot    its own log and its own view, and offers that are made to it, to read; its own log, to
             append to (`hello`, `append`)
    reader   everything, to read
    keeper   everything, to read; the views, to fold; of offers, to say that they are widened or
             pulled

Row-level security holds robots apart whatever statement they send. The functions that write run as
the owner and act for the login that the session began with (`session_user`), which no role can
change. Roles belong to all databases of a server: their names begin with this one's.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

from psycopg import sql
from psycopg.conninfo import make_conninfo

from store.database.view import TABLES
from store.errors import ConfigError
from store.hub.connection import Hub, HubError
from store.hub.dsn import Dsn
from store.hub.tables import EVENT_COLUMNS

KINDS = ("robot", "reader", "keeper")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_BASE = ("about", "origins", "events", "folded")
_APPEND = f"cadenzad.append(bigint, {', '.join(f'{kind}[]' for kind in EVENT_COLUMNS.values())})"


def group(database: str, kind: str) -> str:
    """The role whose members may do what a kind may. Raises ConfigError for the database's name."""
    if not _NAME.fullmatch(database):
        raise ConfigError(
            f"a database called {database!r} cannot be a hub: its roles are called after it",
            hint="up to 40 of a-z, 0-9 and _; for example: createdb fleet",
        )
    return f"{database}_{kind}"


def make_groups(hub: Hub, database: str) -> None:
    """The three groups, where they are not there yet."""
    for kind in KINDS:
        name = group(database, kind)
        if hub.execute("SELECT 1 FROM pg_roles WHERE rolname = ?", (name,)).fetchone() is None:
            hub.run(f"CREATE ROLE {name} NOLOGIN")


def grants(database: str) -> Iterator[str]:
    """Statements that give each group what it may have, and nothing to anybody else."""
    robot, reader, keeper = (group(database, kind) for kind in KINDS)
    everybody = f"{robot}, {reader}, {keeper}"
    yield "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cadenzad FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA cadenzad, cadenzad_one TO {everybody}"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA cadenzad, cadenzad_one TO {everybody}"
    asked = "cadenzad.scope(), cadenzad.own_origin(), cadenzad.is_meant(text)"
    yield f"GRANT EXECUTE ON FUNCTION {asked} TO {everybody}"
    yield f"GRANT EXECUTE ON FUNCTION cadenzad.hello(text), {_APPEND} TO {robot}"
    views = ", ".join(f"cadenzad.{name}, cadenzad_one.{name}" for name in TABLES)
    yield f"GRANT INSERT, UPDATE, DELETE ON {views} TO {keeper}"
    yield f"GRANT UPDATE ON cadenzad.folded TO {keeper}"
    yield f"GRANT INSERT ON cadenzad.offer_history TO {keeper}"


def policies(database: str) -> Iterator[str]:
    """Row-level security: a robot meets its own rows, readers and keepers meet all."""
    robot, reader, keeper = (group(database, kind) for kind in KINDS)
    yield from _policies_of_offers(robot, reader, keeper)
    for name in ("origins", "events", "folded", *TABLES):
        table, origin = f"cadenzad.{name}", "id" if name == "origins" else "origin"
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        for policy in ("robots", "readers", "keepers"):
            yield f"DROP POLICY IF EXISTS {policy} ON {table}"
        yield (
            f"CREATE POLICY robots ON {table} FOR SELECT TO {robot}"
            f" USING ({origin} = (SELECT cadenzad.own_origin()))"
        )
        yield f"CREATE POLICY readers ON {table} FOR SELECT TO {reader} USING (true)"
        yield f"CREATE POLICY keepers ON {table} TO {keeper} USING (true) WITH CHECK (true)"


def _policies_of_offers(robot: str, reader: str, keeper: str) -> Iterator[str]:
    """A robot meets the offers that are made to it; nobody but the owner makes one."""
    asked = {
        "offers": "cadenzad.is_meant(id)",
        "offer_contents": "EXISTS (SELECT 1 FROM cadenzad.offers WHERE content = hash)",
        "offer_canaries": "origin = (SELECT cadenzad.own_origin())",
        "offer_history": "cadenzad.is_meant(offer)",
    }
    for name, condition in asked.items():
        table = f"cadenzad.{name}"
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        for policy in ("robots", "others", "keepers"):
            yield f"DROP POLICY IF EXISTS {policy} ON {table}"
        yield f"CREATE POLICY robots ON {table} FOR SELECT TO {robot} USING ({condition})"
        yield f"CREATE POLICY others ON {table} FOR SELECT TO {reader}, {keeper} USING (true)"
    yield (
        f"CREATE POLICY keepers ON cadenzad.offer_history FOR INSERT TO {keeper}"
        " WITH CHECK (step IN ('widened', 'pulled'))"
    )


def add_login(hub: Hub, dsn: Dsn, kind: str, name: str, *, renew: bool = False) -> str:
    """A login of a kind; returns the connection string it comes with, password and all.

    A robot gets the row of its log as well. `renew`: it is there, and gets another password. The
    server never sees the password. Raises HubError.
    """
    info = hub.connection.info
    parent = group(info.dbname, kind)
    if kind == "robot":
        login = _robot_login(hub, parent, name, renew=renew)
    else:
        login = f"{parent}_{_word(name)}"
    known = hub.execute("SELECT 1 FROM pg_roles WHERE rolname = ?", (login,)).fetchone()
    if (known is not None) != renew:
        raise _there(name) if known is not None else _missing(name)
    password = secrets.token_urlsafe(24)
    verifier = hub.connection.pgconn.encrypt_password(
        password.encode(), login.encode(), b"scram-sha-256"
    ).decode()
    statement = "ALTER ROLE" if renew else "CREATE ROLE"
    secret = sql.Literal(verifier).as_string(hub.connection)
    hub.run(f"{statement} {login} LOGIN PASSWORD {secret}")
    if not renew:
        hub.run(f"GRANT {parent} TO {login}")
    given = dsn.arguments()
    kept = {name: given[name] for name in given if name.startswith("ssl") or name == "hostaddr"}
    return str(
        make_conninfo(
            "",
            host=given.get("host", info.host),
            port=str(info.port),
            dbname=info.dbname,
            user=login,
            password=password,
            **kept,
        )
    )


def _robot_login(hub: Hub, parent: str, name: str, *, renew: bool) -> str:
    row = hub.execute("SELECT login FROM origins WHERE name = ?", (name,)).fetchone()
    if row is not None:
        if not renew:
            raise _there(name)
        return str(row[0])
    if renew:
        raise _missing(name)
    (number,) = hub.execute(
        "INSERT INTO origins (name, login) VALUES (?, ?) RETURNING id", (name, f"new {name}")
    ).fetchone() or (0,)
    login = f"{parent}_{number}"
    hub.execute("UPDATE origins SET login = ? WHERE id = ?", (login, number))
    hub.execute("INSERT INTO folded (origin) VALUES (?)", (number,))
    return login


def _word(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,15}", name):
        raise ConfigError(f"{name!r} cannot be part of a login", hint="up to 15 of a-z, 0-9 and _")
    return name


def _there(name: str) -> HubError:
    return HubError(f"{name} is there already", hint="--renew gives it another password")


def _missing(name: str) -> HubError:
    return HubError(f"there is no {name}", hint="`cadenzactl hub status` lists the robots")
