"""A recording becomes a run log beside it: read, mapped, written whole or not at all.

The stamp on each run's first record names the recording and its hash; so does the event of the log,
which has those stamps. The same recording under the same mapping gives the same bytes; where those
are there already nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from handlers.project.formats.runlog import MissionFold
from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX
from handlers.project.project import Project
from handlers.takein.frames import Reader
from handlers.takein.lerobot import LeRobotReader
from handlers.takein.mapping import EXAMPLE, Source, parse_fields
from handlers.takein.mcaps import McapReader
from handlers.takein.minaris import MinariReader
from handlers.takein.recognise import kind_of
from handlers.takein.settings import TakeInSettings
from handlers.takein.ticks import Ticks
from store import identity
from store.durable import Draft, make_folder, sync
from store.errors import InputError
from store.text import counted

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
    made = _Log(ticks, source, known)
    with Draft(log, mode=None) as draft:
        for line in made.lines(reader):
            draft.write(line)
        if not made.steps:
            raise InputError(f"{source}: {_why_nothing(ticks, reader)}", hint=EXAMPLE)
        changed = not _is_same(draft.path, log)
        if changed:
            draft.sync()
            draft.replace()
            sync(log.parent)
    notes = (*reader.recording.notes, *made.notes())
    return TakenIn(source, known, log, made.episodes, made.steps, notes, changed)


class _Log:
    """The log that is made of a recording; afterwards what there is to say of it."""

    def __init__(self, ticks: Ticks, source: Path, known: str) -> None:
        self._ticks = ticks
        self._made_of = {"source": source.name[:255], "source_hash": known}
        self._fold = MissionFold()
        self._lines = self._unwritten = self.steps = 0

    def lines(self, reader: Reader) -> Iterator[bytes]:
        """The log's lines; the first of each episode names the recording."""
        for episode in reader.episodes():
            first = True
            for tick in self._ticks.of(episode):
                if first:
                    tick = {**tick, "stamp": {**_stamp(tick), **self._made_of}}
                try:
                    line = orjson.dumps(tick, option=orjson.OPT_APPEND_NEWLINE)
                except TypeError:  # nested too deep, or a text that is not Unicode
                    self._unwritten += 1
                    continue
                first = False
                self._lines += 1
                self._fold.add(self._lines, tick)
                self.steps += tick.get("action") is not None
                yield line
        self._fold.finish()

    @property
    def episodes(self) -> int:
        """How many its reader will find."""
        return self._fold.next_index

    def notes(self) -> Iterator[str]:
        if self._ticks.doubts:
            doubts = counted(self._ticks.doubts, "frame")
            yield f"{doubts} left out: the action is none of the robot's"
        if self._unwritten:
            yield f"{counted(self._unwritten, 'tick')} left out: nested too deep, or not Unicode"
        unsaid = sum(fact.outcome == "unknown" for fact in self._fold.finish())
        if unsaid:
            yield (
                f"whether the mission succeeded is not said of {counted(unsaid, 'episode')}: "
                "their outcome is unknown"
            )


def _stamp(tick: Mapping[str, Any]) -> dict[str, Any]:
    """What a log of ours, that was exported and is taken in again, says of its run."""
    stamp = tick.get("stamp")
    return stamp if isinstance(stamp, dict) else {}


def _reader(
    source: Path, project: Project, fields: dict[str, Source], settings: TakeInSettings
) -> Reader:
    """The reader for what a path is, by its content. Raises InputError."""
    match kind_of(source):
        case "mcap" | "bag":
            return McapReader(source, fields, settings.rate)
        case "lerobot":
            return LeRobotReader(source, project.library.names)
        case "minari":
            return MinariReader(source)
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
        return f"none of its {counted(ticks.doubts, 'action')} is one of the robot's"
    cut = "; ".join(reader.recording.notes)
    return f"gives no tick{': ' + cut if cut else ''}; say in cadenzad.toml what its action is"
