"""Commands over an event log that a disk has changed: an answer or one line, never a traceback."""

from __future__ import annotations

import gzip
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fuzzing import numbers

from cadenzad.cli.programs import cadenzactl
from cadenzad.config.paths import make_state_dir
from store.opening import open_writer
from store.schema import DATABASE

STORED = Path(__file__).parents[2] / "store" / "data" / "log-of-2026-11.db.gz"
"""Every event type and every table of the view, many times."""

COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("status", "--at", "300"),
    ("events",),
    ("events", "--json", "--since", "2026-01-01"),
    ("jobs",),
    ("metrics",),
    ("verify",),
    ("verify", "--json"),
    ("doctor",),
    ("db", "rebuild"),
)
PAGE = 4096


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """A sound log, as a daemon leaves it."""
    folder = make_state_dir(tmp_path / "whole")
    (folder / DATABASE).write_bytes(gzip.decompress(STORED.read_bytes()))
    writer = open_writer(folder)
    live = {"pid": 1, "state": "running", "watching": {"projects": 1, "directories": 2}}
    writer.run(lambda step: step.set_progress("daemon", live))
    writer.close()
    return (folder / DATABASE).read_bytes()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return make_state_dir(tmp_path / "state")


def with_damage(rng: random.Random, whole: bytes) -> bytes:
    """A log with bits, bytes, texts or pages changed, or cut short."""
    data = bytearray(whole)
    kind = rng.choice(("bit", "bit", "byte", "text", "text", "cut", "zeros", "pages"))
    if kind == "cut":
        return whole[: rng.randrange(len(data) + 1)]
    for _ in range(rng.choice((1, 1, 3, 10, 60))):
        at = rng.randrange(len(data))
        if kind == "bit":
            data[at] ^= 1 << rng.randrange(8)
        elif kind == "byte":
            data[at] = rng.randrange(256)
        elif kind == "text":
            while not 32 <= data[at] < 127:
                at = (at + 1) % len(data)
            data[at] = rng.choice(b'\x00\xff\x80"{9-')
        elif kind == "zeros":
            size = rng.choice((1, 16, 512, PAGE))
            data[at : at + size] = bytes(len(data[at : at + size]))
        else:
            one, two = (rng.randrange(len(data) // PAGE) * PAGE for _ in range(2))
            data[one : one + PAGE], data[two : two + PAGE] = (
                data[two : two + PAGE],
                data[one : one + PAGE],
            )
    return bytes(data)


def try_commands(count: int, whole: bytes, state: Path, run_cli: Callable[..., tuple]) -> None:
    for number, rng in numbers(count):
        for left in state.iterdir():
            if left.is_file():
                left.unlink()
        (state / DATABASE).write_bytes(with_damage(rng, whole))
        (state / DATABASE).chmod(0o600)
        arguments = rng.choice(COMMANDS)
        told = f"number {number}: {' '.join(arguments)}"
        try:
            code, out, err = run_cli(cadenzactl, *arguments, "--state", state)
        except Exception as error:
            raise AssertionError(told) from error
        assert code in range(5), told
        lines = [line for line in err.splitlines() if not line.startswith("warning: ")]
        if code == 1 and not out:
            assert "error: " in lines[0], told
            assert len(lines) <= 2, told


def test_a_changed_byte_anywhere_ends_in_an_answer_or_one_line(whole, state, run_cli) -> None:
    try_commands(150, whole, state, run_cli)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_a_hundred_thousand_damaged_logs(whole, state, run_cli) -> None:
    try_commands(100_000, whole, state, run_cli)


def test_a_column_of_another_name_is_told_as_damage(whole, state, run_cli, one_error) -> None:
    column = b"exports_failed INTEGER"
    assert column in whole
    (state / DATABASE).write_bytes(whole.replace(column, b"exports_falled INTEGER"))
    for arguments in (("status",), ("status", "--json")):
        code, _, err = run_cli(cadenzactl, *arguments, "--state", state)
        assert code == 1
        assert "exports_failed" in one_error(err)


def test_a_schema_that_is_no_text_is_told_as_damage(whole, state, run_cli, one_error) -> None:
    name = b"tableview_filesview_files"
    assert name in whole
    broken = whole.replace(name, b"tableview_\xff\xff\xffesview_files")
    broken = broken.replace(b"CREATE TABLE view_files", b"CREATE TABLE \xff\xff(w_files")
    (state / DATABASE).write_bytes(broken)
    for arguments in COMMANDS:
        if arguments[0] in ("status", "events", "jobs", "metrics"):
            code, _, err = run_cli(cadenzactl, *arguments, "--state", state)
            assert code == 1
            assert "damaged" in one_error(err)


@pytest.mark.parametrize(
    ("change", "arguments"),
    [
        ("UPDATE view_projects SET last_run = '{' WHERE last_run NOT NULL", ("status",)),
        ("UPDATE view_adapters SET checks = '[1'", ("status",)),
        ("UPDATE events SET recorded_at_us = 1 << 60", ("events",)),
        ("UPDATE progress SET value = 'x'", ("status",)),
    ],
)
def test_a_text_that_sqlite_knows_nothing_of_is_told_as_damage(
    whole, state, run_cli, one_error, change, arguments
) -> None:
    (state / DATABASE).write_bytes(whole)
    with closing(sqlite3.connect(state / DATABASE)) as log:
        log.execute("DROP TRIGGER events_no_update")
        assert log.execute(change).rowcount
        log.commit()
    code, _, err = run_cli(cadenzactl, *arguments, "--state", state)
    assert code == 1
    assert "damaged" in one_error(err) or "cannot be read" in one_error(err)
    assert "verify" in err or "rebuild" in err


def test_a_mistake_of_ours_is_not_taken_for_damage(whole, state, run_cli, monkeypatch) -> None:
    (state / DATABASE).write_bytes(whole)
    monkeypatch.setattr("store.reads.state.State", None)
    with pytest.raises(TypeError):
        run_cli(cadenzactl, "jobs", "--state", state)


def test_every_event_of_old_is_shown(whole, state, run_cli) -> None:
    (state / DATABASE).write_bytes(whole)
    code, out, _ = run_cli(cadenzactl, "events", "--state", state)
    assert code == 0
    assert len(out.splitlines()) == 650
