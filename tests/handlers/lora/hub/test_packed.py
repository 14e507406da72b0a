"""An adapter as one file: the same for the same folder, and nothing else is unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from adapter_files import fill

from handlers.lora.hub.packed import FILES, RECORD, pack, unpack
from handlers.lora.model.names import CARD, KNOWN, SCORECARD, WEIGHTS, folder_sha256
from store.errors import InputError
from store.events.adapter import AdapterTrained


def trained_in(folder: Path) -> AdapterTrained:
    return AdapterTrained(
        version=3, path=".cadenza-env/adapters/0003", sha256=folder_sha256(folder),
        dataset_sha256="d", base_sha256="a" * 64, encoder="light", rows=7, exam_rows=2,
        epochs=2, seed=0, threads=1,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "0003"
    made.mkdir()
    fill(made)
    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


def zipped(members: list[tuple[str, bytes]], how: int = zipfile.ZIP_STORED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", how) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


def members_of(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def test_what_is_unpacked_is_what_was_packed_but_its_scorecard(folder: Path, out: Path) -> None:
    trained = trained_in(folder)
    (folder / SCORECARD).write_text("{}")
    (folder / CARD).write_text("# card")
    data = pack(folder, trained)
    assert unpack(data, out) == trained
    assert folder_sha256(out) == trained.sha256
    assert {path.name for path in out.iterdir()} == set(FILES) - {"training.csv"}
    assert pack(folder, trained) == data


def test_one_that_is_not_what_was_recorded_is_not_packed(folder: Path) -> None:
    trained = trained_in(folder)
    (folder / "training.csv").write_text("epoch,loss,validation\n")
    with pytest.raises(InputError, match="is not the adapter that was recorded"):
        pack(folder, trained)
    (folder / WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(InputError, match="is not the file that was trained"):
        pack(folder, trained)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../evil.py", "a file that belongs to none: '../evil.py'"),
        ("/etc/passwd", "belongs to none"),
        ("lora_encoder.py", "belongs to none"),
        ("sub/head.json", "belongs to none"),
        (KNOWN, "is in it twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_other_file_comes_along(folder: Path, out: Path, name: str, says: str) -> None:
    members = [*members_of(pack(folder, trained_in(folder))), (name, b"evil")]
    with pytest.raises(InputError, match=says):
        unpack(zipped(members), out)
    assert list(out.iterdir()) == []
    assert list(out.parent.glob("evil*")) == []


@pytest.mark.parametrize("missing", [WEIGHTS, KNOWN, "head.json", "adapter_config.json", RECORD])
def test_a_part_that_is_missing_is_named(folder: Path, out: Path, missing: str) -> None:
    members = members_of(pack(folder, trained_in(folder)))
    with pytest.raises(InputError, match=f"an offered adapter without {missing}"):
        unpack(zipped([item for item in members if item[0] != missing]), out)


def test_other_weights_a_false_record_and_what_would_grow_are_refused(
    folder: Path, out: Path
) -> None:
    data = pack(folder, trained_in(folder))
    members = dict(members_of(data))
    with pytest.raises(InputError, match="not the one its record speaks of"):
        unpack(zipped([*(members | {WEIGHTS: b"other"}).items()]), out)
    with pytest.raises(InputError, match=r"training\.json: .*required field `version`"):
        unpack(zipped([*(members | {RECORD: b"{}"}).items()]), out)
    with pytest.raises(InputError, match="is compressed"):
        unpack(zipped([*(members | {WEIGHTS: b"0" * 9999}).items()], zipfile.ZIP_DEFLATED), out)
    for cut in (b"", b"PK", data[:-30], data[40:], b"x" * 1000):
        with pytest.raises(InputError, match=r"no whole archive|without"):
            unpack(cut, out)
