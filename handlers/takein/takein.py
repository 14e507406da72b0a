"""A recording becomes a run log beside it: read, mapped, written whole or not at all.

The stamp on the log's first record names the recording and its hash; so does the event of the run,
which has that stamp. The same recording under the same mapping gives the same bytes; where those
are there already nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX
from handlers.project.project import Project
from handlers.takein.frames import Reader
from handlers.takein.lerobot import INFO, LeRobotReader
from handlers.takein.mapping import EXAMPLE, Source, parse_fields
from handlers.takein.mcaps import McapReader
from handlers.takein.minaris import METADATA, MinariReader
from handlers.takein.settings import TakeInSettings
from handlers.takein.ticks import Ticks
from store import identity
from store.durable import Draft, make_folder, sync
from store.errors import InputError

SETTING = "takein.fields"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of a recording. `changed`: False where the log was there, byte for byte."""

    source: Path
    source_hash: str
    log: Path
    episodes: int
    ticks: int
    notes: tuple[str, ...]
    changed: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "source": str(self.source),
            "source_hash": self.source_hash,
            "log": str(self.log),
            "episodes": self.episodes,
            "ticks": self.ticks,
            "notes": list(self.notes),
            "changed": self.changed,
        }


def take_in(source: Path, project: Project, settings: TakeInSettings) -> TakenIn:
    """Make a run log of a recording, in the project's `.cadenza-env/`, called as the recording.

    Raises InputError for what is no recording, cannot be mapped, or would replace a log that was
    not made of this recording; ConfigError for a mapping that says nothing; OSError.
    """
    given = parse_fields(settings.fields, SETTING)
    reader = _reader(source, project, given, settings)
    fields = given or parse_fields(reader.recording.fields, SETTING)
    actions = list(project.library.names)
    ticks = Ticks(fields, actions, settings.alignment)
    log = project.path / CADENZA_DIR / f"{_stem(source)}{RUN_SUFFIX}"
    known = hash_of(source)
    _check_owner(log, source)
    make_folder(log.parent)
    counts = _Counts()
    with Draft(log, mode=None) as draft:
        for line in _lines(reader, ticks, source, known, counts):
            draft.write(line)
        if not counts.ticks:
            raise InputError(f"{source}: {_why_nothing(ticks, reader)}", hint=EXAMPLE)
        changed = not _is_same(draft.path, log)
        if changed:
            draft.sync()
            draft.replace()
            sync(log.parent)
    notes = list(reader.recording.notes)
    if ticks.doubts:
        notes.append(f"{ticks.doubts:,} frames left out: their action is none of the robot's")
    return TakenIn(source, known, log, counts.episodes, counts.ticks, tuple(notes), changed)


@dataclass
class _Counts:
    episodes: int = 0
    ticks: int = 0


def _lines(
    reader: Reader, ticks: Ticks, source: Path, known: str, counts: _Counts
) -> Iterator[bytes]:
    """The log's lines; the first of all names the recording."""
    first = True
    for episode in reader.episodes():
        counts.episodes += 1
        for tick in ticks.of(episode):
            if first:
                made_of = {"source": source.name[:255], "source_hash": known}
                tick = {**tick, "stamp": {**_stamp(tick), **made_of}}
                first = False
            counts.ticks += tick.get("action") is not None
            yield orjson.dumps(tick, option=orjson.OPT_APPEND_NEWLINE)


def _stamp(tick: Mapping[str, Any]) -> dict[str, Any]:
    """What a log of ours, that was exported and is taken in again, says of its run."""
    stamp = tick.get("stamp")
    return stamp if isinstance(stamp, dict) else {}


def _reader(
    source: Path, project: Project, fields: dict[str, Source], settings: TakeInSettings
) -> Reader:
    """The reader for what a path is, by its content. Raises InputError."""
    if source.is_file():
        if source.suffix == ".mcap":
            return McapReader(source, fields, settings.rate)
    elif (source / INFO).is_file():
        return LeRobotReader(source, project.library.names)
    elif (source / METADATA).is_file():
        return MinariReader(source)
    elif source.is_dir() and next(source.glob("*.mcap"), None) is not None:
        return McapReader(source, fields, settings.rate)
    raise InputError(
        f"{source}: is no recording that can be taken in",
        hint="an .mcap file, or the folder of a rosbag2 with MCAP in it, a LeRobot v3.0 "
        "or a Minari dataset",
    )


def hash_of(source: Path) -> str:
    """What a recording is known by: a file's bytes, or the names and bytes of a folder's files."""
    if source.is_file():
        return identity.of_file(source)
    digest = identity.Digest()
    for folder, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            told = f"{path.relative_to(source)}\0{identity.of_file(path)}\n"
            digest.update(os.fsencode(told))
    return digest.value()


def _check_owner(log: Path, source: Path) -> None:
    """Raises InputError where the log that is there was not made of this recording."""
    try:
        with log.open("rb") as stream:
            line = stream.readline(1 << 20)
    except FileNotFoundError:
        return
    try:
        stamp = _stamp(orjson.loads(line))
    except (orjson.JSONDecodeError, AttributeError):
        stamp = {}
    if stamp.get("source") != source.name[:255]:
        raise InputError(
            f"{log}: is another run's log, and stays as it is",
            hint=f"rename {source.name}: the log is called as the recording",
        )


def _stem(source: Path) -> str:
    return source.stem if source.is_file() else source.name


def _is_same(made: Path, there: Path) -> bool:
    return there.is_file() and identity.of_file(made) == identity.of_file(there)


def _why_nothing(ticks: Ticks, reader: Reader) -> str:
    if ticks.doubts:
        return f"none of its {ticks.doubts:,} actions is one of the robot's"
    cut = "; ".join(reader.recording.notes)
    return f"gives no tick{': ' + cut if cut else ''}; say in cadenzad.toml what its action is"
