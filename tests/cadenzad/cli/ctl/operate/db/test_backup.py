"""`cadenzactl db backup`: a copy while the daemon runs, told in one line."""

from __future__ import annotations

import hashlib
import json
import sys

import pytest
import tqdm

from cadenzad.cli.ctl.operate.db import backup
from cadenzad.cli.programs import cadenzactl as main
from store.lock import WriterLock
from store.opening import open_writer


@pytest.fixture
def recorded_home(home):
    home.log(home.project())
    home.once()
    return home


def test_it_says_what_it_wrote(recorded_home, run_cli) -> None:
    target = recorded_home.root / "b.db"
    code, out, err = run_cli(main, "db", "backup", target)
    assert (code, err) == (0, "")
    events = len(recorded_home.events())
    assert out.startswith(f"wrote {target}: {events} events, ")
    code, out, _ = run_cli(main, "db", "backup", target, "--force", "--json")
    answer = json.loads(out)
    assert answer["position"] == events
    assert answer["bytes"] == target.stat().st_size
    assert answer["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()


def test_a_daemon_at_work_is_not_in_the_way(recorded_home, run_cli) -> None:
    with WriterLock(recorded_home.state, "cadenzad").acquire():
        writer = open_writer(recorded_home.state)
        code, _, _ = run_cli(main, "db", "backup", recorded_home.root / "b.db")
        writer.close()
    assert code == 0


def test_an_existing_file_is_one_error_with_its_hint(recorded_home, run_cli, one_error) -> None:
    target = recorded_home.root / "b.db"
    target.write_text("mine")
    code, out, err = run_cli(main, "db", "backup", target)
    assert (code, out) == (1, "")
    assert one_error(err) == f"{target}: is there already"
    assert "--force" in err
    assert target.read_text() == "mine"


@pytest.mark.parametrize("target", ["", "nowhere/b.db", "."])
def test_a_target_that_is_none_is_one_error(recorded_home, run_cli, one_error, target) -> None:
    code, _, err = run_cli(main, "db", "backup", target)
    assert code in (1, 2)
    assert one_error(err)


def test_without_a_log_it_is_one_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "db", "backup", home.root / "b.db")
    assert code == 1
    assert "no event log yet" in one_error(err)


@pytest.mark.parametrize(("after", "shown"), [(0.0, True), (60.0, False)])
def test_a_bar_is_shown_on_a_terminal_for_what_takes_long(monkeypatch, capsys, after, shown):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)
    monkeypatch.setattr(backup, "BAR_AFTER_S", after)
    with backup.bar("copying", "page") as progress:
        progress(50_000, 100_000)
    assert ("50%" in capsys.readouterr().err) is shown
