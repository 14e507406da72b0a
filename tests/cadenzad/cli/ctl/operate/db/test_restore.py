"""`cadenzactl db restore`: refuses while somebody writes, checks first, keeps the old log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl as main
from store.lock import WriterLock


@pytest.fixture
def backup(home, run_cli) -> Path:
    """A backup of a log with one run; by now there are two."""
    project = home.project()
    home.log(project, "one")
    home.once()
    target = home.root / "b.db"
    assert run_cli(main, "db", "backup", target)[0] == 0
    home.log(project, "two", ticks=4)
    home.once()
    return target


def test_it_says_what_was_restored_and_where_the_old_log_is(home, backup, run_cli) -> None:
    before = len(home.events())
    code, out, err = run_cli(main, "db", "restore", backup)
    assert (code, err) == (0, "")
    (kept,) = home.state.glob("events.db.replaced-*")
    assert out.splitlines()[:2] == [
        f"restored {backup}: {len(home.events())} events",
        f"the log that was there ({before} events) is kept: {kept}",
    ]
    assert len(home.events("RunRecorded")) == 1
    # and the old log can be had back
    code, out, _ = run_cli(main, "db", "restore", kept, "--json")
    assert code == 0
    assert json.loads(out)["position"] == before
    assert run_cli(main, "verify")[0] == 0


def test_a_daemon_that_holds_the_log_is_named(home, backup, run_cli, one_error) -> None:
    before = len(home.events())
    with WriterLock(home.state, "cadenzad").acquire():
        code, out, err = run_cli(main, "db", "restore", backup)
    assert (code, out) == (1, "")
    assert "is in use by cadenzad (pid " in one_error(err)
    assert len(home.events()) == before


def test_a_check_changes_nothing_and_needs_no_lock(home, backup, run_cli) -> None:
    before = sorted(path.name for path in home.state.iterdir())
    with WriterLock(home.state, "cadenzad").acquire():
        code, out, err = run_cli(main, "db", "restore", backup, "--check", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["checked"] == str(backup)
    assert sorted(path.name for path in home.state.iterdir()) == before


def test_an_empty_state_directory_has_nothing_to_keep(home, backup, run_cli) -> None:
    code, out, _ = run_cli(main, "db", "restore", backup, "--state", home.root / "new" / "state")
    assert code == 0
    assert "is kept" not in out


@pytest.mark.parametrize("target", ["", "nowhere.db", "house", "text"])
def test_what_is_no_backup_is_one_error(
    home, backup, run_cli, one_error, target, monkeypatch
) -> None:
    monkeypatch.chdir(home.root.parent)
    Path("text").write_text("text")
    before = len(home.events())
    code, out, err = run_cli(main, "db", "restore", target)
    assert code in (1, 2)
    assert out == ""
    assert one_error(err)
    assert len(home.events()) == before
