"""What `cadenzad` says on stderr: a line for each thing that happened, whatever names it holds."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenzad.cli.daemon import main


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """The root logger as it was: the command sets up the whole process's logging."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.fixture
def once(home, run_cli, tmp_path: Path):
    """`cadenzad --once` on a home: its stderr by lines. It only looks; it trains nothing."""
    plain = tmp_path / "plain.toml"
    plain.write_text("judge.mode = 'off'\nlora.retrain = false\ncheck.enabled = false\n")

    def call(*words: object) -> list[str]:
        home.begin_log()
        config = () if "--config" in words else ("--config", plain)
        code, out, err = run_cli(main, "--workspace", home.workspace, "--once", *config, *words)
        assert (code, out) == (0, "")
        return err.splitlines()

    return call


def test_each_event_is_a_line_that_names_the_file(home, once) -> None:
    home.log(home.project())
    lines = once()
    assert [line for line in lines if "RunRecorded" in line and "one.log.jsonl" in line]
    assert all(" INFO " in line for line in lines)


def test_a_rejected_file_is_a_warning_with_its_reason(home, once) -> None:
    home.log(home.project()).write_bytes(b"[1]\n")
    (line,) = [line for line in once() if " WARNING " in line]
    assert "rejected" in line
    assert "one.log.jsonl" in line
    assert "line 1" in line


def test_a_newline_in_a_name_does_not_make_a_line_of_its_own(home, once) -> None:
    home.log(home.project(), "a\n2026-01-31 12:00:00,000 ERROR all is lost")
    lines = once()
    assert not [line for line in lines if line.startswith("2026-01-31 12:00:00,000 ERROR")]
    assert [line for line in lines if "a\\n2026-01-31" in line]


def test_names_that_are_not_utf8_are_shown_with_escapes(home, once) -> None:
    home.log(home.project(), "one\udcff")
    assert [line for line in once() if "one\\xff.log.jsonl" in line.replace("\\\\", "\\")]


def test_the_level_is_the_configurations(home, once, tmp_path: Path) -> None:
    config = tmp_path / "cadenzad.toml"
    config.write_text("log = {level = 'error'}\nlora.retrain = false\ncheck.enabled = false\n")
    home.log(home.project()).write_bytes(b"[1]\n")
    assert once("--config", config) == []


def test_json_lines_are_json(home, once) -> None:
    home.log(home.project())
    lines = [json.loads(line) for line in once("--log-json")]
    assert lines
    assert {line["level"] for line in lines} == {"info"}


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        ([], 2, "no workspace to watch"),
        (["--workspace", ""], 2, "must not be empty"),
        (["--workspace", "robots", "--config", "missing.toml"], 2, "missing.toml"),
        (["--workspace", "robots", "--config", ""], 2, "must not be empty"),
        (["--workspace", "robots\udcff"], 2, "not UTF-8"),
        (["--workspace", "robots", "--state", "file"], 1, "file"),
        (["--workspace", "robots", "--state", "file/below"], 1, "file"),
        (["--workspace", "robots", "--state", "x" * 300], 1, "File name too long"),
        (["--workspace", "robots", "--state", "~nobody-of-that-name"], 2, "home folder"),
        (["--workspace", "robots", "--frobnicate"], 2, "unrecognized arguments"),
        (["robots"], 2, "unrecognized arguments"),
    ],
)
def test_a_start_that_cannot_be_is_one_line(
    home, run_cli, one_error, monkeypatch: pytest.MonkeyPatch, words, code, reason
) -> None:
    monkeypatch.chdir(home.root)
    Path("file").touch()
    done, out, err = run_cli(main, "--once", *words)
    assert (done, out) == (code, "")
    assert reason in one_error(err)


@pytest.mark.parametrize("content", [b"garbage" * 1000, None])
def test_an_event_log_that_is_of_no_use_is_one_line(
    home, run_cli, one_error, content: bytes | None
) -> None:
    database = home.state / "events.db"
    if content is None:
        database.mkdir()
    else:
        database.write_bytes(content)
    code, _, err = run_cli(main, "--workspace", home.workspace, "--once")
    assert code == 1
    assert "events.db" in one_error(err)


def test_a_full_disk_at_the_start_is_one_line(home, run_cli, one_error, full_disk) -> None:
    with full_disk(1024):
        code, _, err = run_cli(main, "--workspace", home.workspace, "--once")
    assert code == 1
    assert one_error(err)


def test_a_state_directory_that_may_not_be_written_is_one_line(
    home, run_cli, one_error, without_privilege
) -> None:
    home.state.chmod(0o500)
    try:
        with without_privilege():
            code, _, err = run_cli(main, "--workspace", home.workspace, "--once")
    finally:
        home.state.chmod(0o700)
    assert code == 1
    assert "Permission denied" in one_error(err)
