"""The hub's tables, functions, roles and policies: made once, and brought up to date later."""

from __future__ import annotations

from store.database.view import CODE_VERSION
from store.hub.connection import Hub, HubError
from store.hub.prune import tell_of_pruned
from store.hub.security import grants, make_groups, policies
from store.hub.tables import (
    APPEND_SQL,
    BASE_SQL,
    HUB_VERSION,
    UPGRADES,
    create_view_tables,
    drop_view_tables,
)

OLDEST = 150_000
"""PostgreSQL 15: views that are read with the rights of whoever asks (`security_invoker`)."""


def install(hub: Hub) -> str:
    """Make a database the hub, or bring one up to date; returns what was done, in a few words.

    Whoever calls owns it. The views of all robots are folded anew where their tables changed.
    Raises HubError, ConfigError; nothing is half done then.
    """
    version = hub.connection.info.server_version
    if version < OLDEST:
        raise HubError(
            f"the hub's server is PostgreSQL {version // 10_000}", hint="15 or newer is needed"
        )
    database = hub.connection.info.dbname
    with hub.transaction():
        hub.execute("SELECT pg_advisory_xact_lock(hashtext('cadenzad hub'))")
        there = is_installed(hub)
        make_groups(hub, database)
        if not there:
            hub.run("CREATE SCHEMA cadenzad")
            hub.run("CREATE SCHEMA cadenzad_one")
            hub.run(BASE_SQL)
            hub.run("INSERT INTO cadenzad.about VALUES (1, 0)")
        hub.run(APPEND_SQL)
        made_by, folded_by = versions(hub)
        for version, script in UPGRADES.items():
            if version > made_by:
                hub.run(script)
                hub.execute("UPDATE about SET hub_version = ?", (version,))
        if folded_by != CODE_VERSION:
            for statement in (*drop_view_tables(), *create_view_tables()):
                hub.run(statement)
            hub.execute("UPDATE folded SET position = 0, trouble = ''")
            tell_of_pruned(hub)
            hub.execute("UPDATE about SET code_version = ?", (CODE_VERSION,))
        for statement in (*grants(database), *policies(database)):
            hub.run(statement)
    if not there:
        return "made"
    return "is up to date" if folded_by == CODE_VERSION else "has new views, to be folded anew"


def is_installed(hub: Hub) -> bool:
    row = hub.execute("SELECT to_regclass('cadenzad.about') IS NOT NULL").fetchone()
    return bool(row and row[0])


def versions(hub: Hub) -> tuple[int, int]:
    """Of the hub's own tables, and of its views. Raises HubError where there is none."""
    row = hub.execute("SELECT hub_version, code_version FROM about").fetchone()
    if row is None:
        raise HubError("the hub's `about` is empty", hint="cadenzactl hub init")
    if row[0] > HUB_VERSION:
        raise HubError(f"the hub is a newer version's ({row[0]})", hint="upgrade cadenzad")
    return int(row[0]), int(row[1])


def expect_hub(hub: Hub) -> None:
    """Raise HubError for a database that is no hub, or one of a newer version."""
    if not is_installed(hub):
        name = hub.connection.info.dbname
        raise HubError(f"the database {name} is no hub yet", hint="cadenzactl --hub DSN hub init")
    versions(hub)


def expect_views(hub: Hub) -> None:
    """Raise HubError where the views are to be read or folded by another version than this."""
    _, code_version = versions(hub)
    if code_version != CODE_VERSION:
        raise HubError(
            f"the hub's views are another version's ({code_version}, this program's is"
            f" {CODE_VERSION})",
            hint="upgrade cadenzad here, or have the owner of the hub run `cadenzactl hub init`",
        )
