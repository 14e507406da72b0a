"""Log files in the state directory: private, bounded, without secrets, and read as they grow."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path

import pytest

from cadenzad import logfiles
from cadenzad.logfiles import daemon_log, forget_old, job_log, logged_to, read_log

log = logging.getLogger("cadenzad.test")


def messages(path: Path, last: int = 100) -> list[str]:
    return [record["message"] for record in read_log(path, last)]


def test_what_is_logged_meanwhile_is_in_the_file(tmp_path: Path) -> None:
    path = daemon_log(tmp_path)
    log.warning("before")
    with logged_to(path, hidden=["hush-hush"]):
        log.warning("with hush-hush and gsk_abcdefgh", extra={"job": 7})
    log.warning("after")
    (record,) = read_log(path, 10)
    assert record["message"] == "with [redacted] and [redacted]"
    assert (record["level"], record["job"]) == ("warning", 7)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_logged_leaves_no_file(tmp_path: Path) -> None:
    with logged_to(job_log(tmp_path, 1)):
        pass
    assert list(tmp_path.iterdir()) == []
    assert messages(job_log(tmp_path, 1)) == []


def test_a_file_does_not_grow_without_end(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(logfiles, "MOST_BYTES", 2000)
    path = job_log(tmp_path, 1)
    with logged_to(path):
        for number in range(100):
            log.warning("line %d", number)
    assert {file.name for file in path.parent.iterdir()} == {"job-1.log", "job-1.log.1"}
    assert sum(file.stat().st_size for file in path.parent.iterdir()) <= 4000
    assert messages(path, 3) == ["line 97", "line 98", "line 99"]


def test_where_nothing_can_be_written_nothing_is_said(tmp_path: Path, capfd) -> None:
    with logged_to(daemon_log(tmp_path / "gone")):
        log.warning("x")
    assert "Traceback" not in capfd.readouterr().err
    assert not (tmp_path / "gone").exists()


def test_old_jobs_logs_are_forgotten(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(logfiles, "KEPT", 2)
    folder = daemon_log(tmp_path).parent
    folder.mkdir()
    names = ["cadenzad.log", "job-2.log", "job-10.log", "job-10.log.1", "job-9.log"]
    for name in names:
        (folder / name).touch()
    forget_old(tmp_path)
    assert {file.name for file in folder.iterdir()} == set(names) - {"job-2.log"}


def test_it_is_followed_until_it_is_over(tmp_path: Path, monkeypatch) -> None:
    # given a job that logs while somebody reads, fills its file, and is cut short
    monkeypatch.setattr(logfiles, "MOST_BYTES", 300)
    path = job_log(tmp_path, 1)
    steps = iter(range(20))
    ended = []

    def work(_seconds: float) -> None:
        number = next(steps)
        if number < 12:
            log.warning("line %d", number)
        elif number == 12:
            with path.open("a") as file:
                file.write('{"message": "half')
        elif number == 13:
            with path.open("a") as file:
                file.write(' a line"}\n')
        else:
            ended.append(True)

    # when
    with logged_to(path):
        log.warning("first")
        found = read_log(path, 10, follow=True, over=lambda: bool(ended), sleep=work)
        seen = [record["message"] for record in found]

    # then
    assert seen == ["first", *(f"line {number}" for number in range(12)), "half a line"]


@pytest.mark.parametrize("line", ["no json", "[1]", '{"message": "cut'])
def test_a_line_that_is_no_record_is_shown_as_it_is(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.log"
    path.write_text(f"{line}\n" + json.dumps({"message": "good"}) + "\n")
    assert messages(path) == [line, "good"]
