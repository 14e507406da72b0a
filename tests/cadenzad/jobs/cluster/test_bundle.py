"""Files that travel arrive as they were, and nowhere but in the copy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cadenzad.jobs.cluster.bundle import SMALL, Bundle
from cadenzad.jobs.cluster.cache import UNUSED_S, Cache
from store.errors import InputError


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    home = tmp_path / "home"
    (home / "lora").mkdir(parents=True)
    made = {"env.json": b"{}", "lora/patterns.jsonl": b"", "big.bin": os.urandom(SMALL)}
    for name, data in made.items():
        (home / name).write_bytes(data)
    os.utime(home / "env.json", ns=(5, 1_790_000_000_123_456_789))
    return {name: home / name for name in made}


def test_a_copy_has_bytes_times_and_links(tmp_path: Path, files: dict[str, Path]) -> None:
    # given a node that has nothing yet
    sent = Bundle.of(files, {"lora/latest": "patterns.jsonl"})
    came = Bundle.from_manifest(sent.manifest(), sent.small)
    cache = Cache(tmp_path / "node")
    (big,) = cache.missing(came)
    assert (big.name, len(sent.small) < SMALL) == ("big.bin", True)

    # when
    cache.keep(big, files["big.bin"].read_bytes())
    copy, held = cache.job(came, "rescue")

    # then
    assert copy.name == "rescue"
    for name, path in files.items():
        assert (copy / name).read_bytes() == path.read_bytes()
        assert (copy / name).stat().st_mtime_ns == path.stat().st_mtime_ns
    assert os.readlink(copy / "lora" / "latest") == "patterns.jsonl"
    assert cache.missing(came) == []

    # and it lasts while somebody holds it, and no longer
    cache.tidy()
    assert copy.is_dir()
    os.close(held)
    cache.tidy()
    assert not copy.exists()


def test_parts_share_a_copy_and_what_nobody_uses_goes(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    cache = Cache(tmp_path / "node")
    whole = Bundle.of(files, whole=True)
    assert cache.missing(whole) == []
    copy = cache.copy(whole)
    assert (copy / "big.bin").read_bytes() == files["big.bin"].read_bytes()
    assert cache.copy(Bundle.of(files, whole=True)) == copy
    os.utime(copy, (0, copy.stat().st_mtime - UNUSED_S - 1))
    cache.tidy()
    assert not copy.exists()


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../b", "", "a\0b"])
def test_a_name_that_leaves_the_copy_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(InputError, match="is no name"):
        Bundle.of({name: tmp_path / "x"})
    sent = Bundle.of({"x": tmp_path / "x"})
    rows, links, whole = sent.manifest()
    came = Bundle.from_manifest([[[name, *rows[0][1:]]], links, whole], sent.small)
    with pytest.raises(InputError, match="is no name"):
        came.unpack(tmp_path, lambda _entry: b"")


def test_a_link_that_leaves_the_copy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no name"):
        Bundle(links={"a/link": "../../out"}).unpack(tmp_path, lambda _entry: b"")


def test_a_file_that_changes_while_it_is_sent_is_said(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    sent = Bundle.of(files)
    (big,) = sent.big
    with pytest.raises(InputError, match=r"big\.bin: changed while it was sent"):
        Cache(tmp_path / "node").keep(big, b"other")
    files["env.json"].unlink()
    with pytest.raises(InputError, match=r"env\.json: cannot be sent: No such file"):
        Bundle.of(files)


def test_a_folder_that_others_can_read_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node").chmod(0o755)
    with pytest.raises(InputError, match="not a folder of this user's alone"):
        Cache(tmp_path / "node")
