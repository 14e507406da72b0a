"""Where state is kept, and paths as typed and as stored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cadenzad.config.paths import expand, make_state_dir, state_dir
from handlers.project.paths import printable
from store.errors import ConfigError, StoreError


@pytest.mark.parametrize(
    ("flag", "environ", "expected"),
    [
        ("/a", {"CADENZAD_STATE": "/b"}, "/a"),
        (None, {"CADENZAD_STATE": "/b", "STATE_DIRECTORY": "/c"}, "/b"),
        (None, {"STATE_DIRECTORY": "/c:/d", "XDG_STATE_HOME": "/e"}, "/c"),
        (None, {"XDG_STATE_HOME": "/e"}, "/e/cadenzad"),
        ("", {"CADENZAD_STATE": "", "STATE_DIRECTORY": "", "XDG_STATE_HOME": "/e"}, "/e/cadenzad"),
    ],
)
def test_the_nearest_wish_wins(flag, environ, expected) -> None:
    assert state_dir(flag, environ) == Path(expected)


def test_without_a_wish_it_is_below_the_home_folder(tmp_path: Path) -> None:
    assert state_dir(None, {}) == tmp_path / "home" / ".local" / "state" / "cadenzad"


def test_a_relative_state_directory_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert state_dir("state", {}) == tmp_path / "state"


def test_an_unknown_home_is_one_line() -> None:
    with pytest.raises(ConfigError, match="~nobody-of-that-name/x: "):
        state_dir("~nobody-of-that-name/x", {})
    with pytest.raises(ConfigError):
        expand("~nobody-of-that-name")


def test_a_state_directory_is_for_its_user_alone(tmp_path: Path) -> None:
    made = make_state_dir(tmp_path / "a" / "b")
    assert (made.stat().st_mode & 0o777, (made / "inbox").stat().st_mode & 0o777) == (0o700, 0o700)
    assert make_state_dir(made) == made


def test_a_state_directory_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="state directory"):
            make_state_dir(path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "inbox").touch()
    with pytest.raises(StoreError, match="inbox"):
        make_state_dir(tmp_path / "state")


def test_a_state_directory_that_cannot_be_made_is_one_line(
    tmp_path: Path, without_privilege
) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with without_privilege(), pytest.raises(StoreError, match="Permission denied"):
        make_state_dir(tmp_path / "closed" / "state")
    with pytest.raises(StoreError, match="too long"):
        make_state_dir(tmp_path / ("x" * 300))


def test_a_name_that_is_not_utf8_is_stored_with_escapes() -> None:
    assert printable(os.fsdecode(b"/a/\xff.jsonl")) == "/a/\\xff.jsonl"
    assert printable("/ä/✓") == "/ä/✓"
