"""Versions on disk: whole or not there, and exact bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from handlers.judge.prompt import versions
from handlers.judge.prompt.versions import diff_of, load, save
from handlers.project.paths import PROMPTS_DIR
from store.errors import InputError, UnsafePathError

BEFORE = b'SYSTEM_PROMPT = "Be good."\r\n'
AFTER = b'SYSTEM_PROMPT = "Be good.\\nAlways."\r\n\x0c# \xe9'


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def facts(number: int, before: bytes = BEFORE, after: bytes = AFTER) -> dict[str, Any]:
    return {
        "type": "PromptRewritten",
        "version": number,
        "before_sha256": sha(before),
        "after_sha256": sha(after),
        "diff": diff_of("main.py", before, after),
        "model": "größer \ud800",
    }


def put(project: Path, number: int, before: bytes = BEFORE, after: bytes = AFTER) -> None:
    save(project, number, facts(number, before, after), before, after)


def test_a_version_comes_back_to_the_byte(tmp_path: Path) -> None:
    put(tmp_path, 3)
    saved = load(tmp_path, 3)
    assert (saved.number, saved.before, saved.after) == (3, BEFORE, AFTER)
    assert saved.facts["model"].startswith("größer")
    assert saved.facts["diff"] == facts(3)["diff"]
    folder = tmp_path / PROMPTS_DIR / "0003"
    assert {path.name for path in folder.iterdir()} == {
        "version.json",
        "before.py",
        "after.py",
        "prompt.diff",
    }


def test_saving_again_replaces_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    put(tmp_path, 1)
    (tmp_path / PROMPTS_DIR / ".version-of-the-dead").mkdir()
    put(tmp_path, 1, after=b"new")
    assert load(tmp_path, 1).after == b"new"
    assert [path.name for path in (tmp_path / PROMPTS_DIR).iterdir()] == ["0001"]


def test_a_version_that_could_not_be_written_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a disk that is full after the first file
    put(tmp_path, 1)
    write_file = versions.write_file

    def full(path: Path, data: bytes) -> None:
        if path.name == "after.py":
            raise OSError(28, "No space left on device")
        write_file(path, data)

    monkeypatch.setattr(versions, "write_file", full)
    with pytest.raises(OSError, match="No space"):
        put(tmp_path, 2)
    with pytest.raises(OSError, match="No space"):
        put(tmp_path, 1, after=b"new")

    # then what was there is there
    assert load(tmp_path, 1).after == AFTER
    with pytest.raises(InputError, match="prompt version 2 is not there"):
        load(tmp_path, 2)


@pytest.mark.parametrize("name", ["version.json", "before.py", "after.py"])
def test_a_version_without_one_of_its_files_is_not_whole(name: str, tmp_path: Path) -> None:
    put(tmp_path, 1)
    (tmp_path / PROMPTS_DIR / "0001" / name).unlink()
    with pytest.raises(InputError, match="version 1 is not there, or not whole"):
        load(tmp_path, 1)


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"null", b"{}", b'{"after_sha256": 3}'])
def test_a_record_that_says_nothing_is_not_whole(record: bytes, tmp_path: Path) -> None:
    put(tmp_path, 1)
    (tmp_path / PROMPTS_DIR / "0001" / "version.json").write_bytes(record)
    with pytest.raises(InputError, match="not whole"):
        load(tmp_path, 1)


@pytest.mark.parametrize("name", ["before.py", "after.py"])
def test_a_version_that_was_changed_on_disk_is_not_used(name: str, tmp_path: Path) -> None:
    put(tmp_path, 1)
    (tmp_path / PROMPTS_DIR / "0001" / name).write_bytes(b"other")
    with pytest.raises(InputError, match="was changed on disk"):
        load(tmp_path, 1)


def test_versions_stay_in_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".cadenza-env").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (project / PROMPTS_DIR).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafePathError):
        put(project, 1)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_version_elsewhere_is_not_read(tmp_path: Path) -> None:
    put(tmp_path / "other", 1)
    project = tmp_path / "project"
    (project / PROMPTS_DIR).mkdir(parents=True)
    (project / PROMPTS_DIR / "0001").symlink_to(tmp_path / "other" / PROMPTS_DIR / "0001")
    with pytest.raises(UnsafePathError):
        load(project, 1)


def test_a_diff_shows_what_changed_and_what_is_no_text() -> None:
    diff = diff_of("main.py", b"a\nb\nc\n", b"a\n\xffB\nc\n")
    assert diff.splitlines() == [
        "--- a/main.py",
        "+++ b/main.py",
        "@@ -1,3 +1,3 @@",
        " a",
        "-b",
        "+\ufffdB",
        " c",
    ]
    assert diff_of("main.py", BEFORE, BEFORE) == ""
    assert json.loads(json.dumps(diff)) == diff
