"""An adapter as one file, for robots of a fleet: its own files, and what is recorded of it.

A ZIP archive, its members stored as they are, with known names alone: nothing that is unpacked can
lead out of its folder, or be larger than what came. The scorecard stays behind, as each robot makes
one of its own.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

from handlers.lora.model.files import read_head
from handlers.lora.model.names import CONFIG, CURVE, HEAD, KNOWN, NEEDED, WEIGHTS, folder_sha256
from store.errors import InputError
from store.events.adapter import AdapterTrained

FILES = (CONFIG, WEIGHTS, HEAD, KNOWN, CURVE)
RECORD = "training.json"
"""The member that holds what the log says of the training, as the event has it."""

ARRIVED = "offered"
"""The folder of the state directory where offered adapters wait for the job that looks at them."""

_DAMAGED = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError,
            struct.error)  # fmt: skip


def arrived(state_dir: Path, content: str) -> Path:
    """Where an offered adapter lies that is known by a hash."""
    return state_dir / ARRIVED / content.replace(":", "-")


def pack(folder: Path, trained: AdapterTrained) -> bytes:
    """An adapter's folder as bytes, the same for the same adapter.

    Raises InputError for one that is damaged, or not the one that was recorded.
    """
    read_head(folder)
    _expect_same(folder, trained, f"{folder}: is not the adapter that was recorded")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in FILES:
            if (folder / name).is_file():
                archive.writestr(zipfile.ZipInfo(name), (folder / name).read_bytes())
        archive.writestr(zipfile.ZipInfo(RECORD), trained.as_json())
    return data.getvalue()


def unpack(data: bytes, folder: Path) -> AdapterTrained:
    """Fill an empty folder with an adapter that came, and say what is recorded of it.

    Raises InputError for what is no whole adapter, or not the one that its record speaks of.
    """
    members = _members(data)
    for name in (*NEEDED, RECORD):
        if name not in members:
            raise InputError(f"an offered adapter without {name}")
    try:
        trained = AdapterTrained.of_json(members.pop(RECORD))
    except ValueError as error:
        raise InputError(f"an offered adapter's {RECORD}: {error}") from None
    for name, content in members.items():
        (folder / name).write_bytes(content)
    _expect_same(folder, trained, "an offered adapter that is not the one its record speaks of")
    read_head(folder)
    return trained


def _members(data: bytes) -> dict[str, bytes]:
    """What is in an archive, by name. Raises InputError for anything that `pack` does not make."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = archive.infolist()
            for member in found:
                _expect_plain(member)
            if len({member.filename for member in found}) < len(found):
                raise InputError("an offered adapter with a file that is in it twice")
            return {member.filename: archive.read(member) for member in found}
    except _DAMAGED as error:
        raise InputError(f"an offered adapter that is no whole archive: {error}") from None


def _expect_plain(member: zipfile.ZipInfo) -> None:
    if member.filename not in (*FILES, RECORD):
        raise InputError(
            f"an offered adapter with a file that belongs to none: {member.filename[:80]!r}",
            hint=f"there may be {', '.join((*FILES, RECORD))}",
        )
    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
        raise InputError(f"an offered adapter whose {member.filename} is compressed")


def _expect_same(folder: Path, trained: AdapterTrained, otherwise: str) -> None:
    if folder_sha256(folder) != trained.sha256:
        raise InputError(otherwise, hint="offer it again, from the robot that has it")
