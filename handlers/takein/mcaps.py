"""MCAP files, and rosbag2 folders of them: messages -> frames.

Messages are JSON, or ROS 2's CDR where `mcap-ros2-support` is installed. What cannot be read of a
file is noted, or an error where nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from handlers.takein.frames import Episode, Frame, Recording
from handlers.takein.mapping import EXAMPLE, Source
from handlers.takein.mcapfile import McapFile, Message
from store.errors import InputError
from store.text import counted

TOPIC = "/cadenza/tick"
"""Where `cadenza env finetune --format mcap` puts a log's lines."""
LONGEST_GAP_S = 86_400.0
"""Between two messages that a rate fills with ticks: more is two recordings, or a bad clock."""


class McapReader:
    """A recording of one MCAP file, or of a folder's in the order of their names.

    `fields`: empty, each message of TOPIC is a tick. `rate`: ticks a second, each with the last
    values before it; 0: a tick for each message of the action's topic.
    """

    def __init__(self, path: Path, fields: Mapping[str, Source], rate: float) -> None:
        self.recording = Recording(path)
        self._files = sorted(path.glob("*.mcap")) if path.is_dir() else [path]
        self._fields, self._rate = fields, rate
        if not self._files:
            raise InputError(f"{path}: holds no .mcap file", hint="a rosbag2 folder has some")

    def episodes(self) -> Iterator[Episode]:
        if not self._fields:
            # A run's own channel says which it is, so that its end need not be guessed.
            messages = self._messages(frozenset({TOPIC}))
            for _, run in groupby(messages, key=lambda message: message.run):
                yield Episode(self._whole_ticks(run), whole=True)
            return
        wanted = frozenset(source.name for source in self._fields.values())
        messages = self._messages(wanted)
        action = self._fields["action"].name
        yield Episode(self._at_rate(messages) if self._rate else _at_each(messages, action))

    def _whole_ticks(self, messages: Iterator[Message]) -> Iterator[Frame]:
        left_out = 0
        for message in messages:
            if isinstance(message.value, dict):
                yield Frame(None, message.value)
            else:
                left_out += 1
        if left_out:
            self.recording.notes.append(
                f"{counted(left_out, 'message')} of {TOPIC} left out: no JSON object"
            )

    def _messages(self, wanted: frozenset[str]) -> Iterator[Message]:
        """Every message of the wanted topics, as they were logged."""
        topics: set[str] = set()
        for path in self._files:
            file = McapFile(path, wanted)
            yield from file.messages()
            topics |= file.topics
            self._note(file)
        missing = sorted(wanted - topics)
        if missing and self.recording.notes:
            raise InputError(
                f"{self.recording.path}: no whole message of {missing[0]} is left of it: "
                + "; ".join(self.recording.notes),
                hint="copy it again from where it was recorded",
            )
        if missing:
            there = ", ".join(sorted(topics)) or "none"
            raise InputError(
                f"{self.recording.path}: has no topic {missing[0]}: there are {there}", hint=EXAMPLE
            )

    def _note(self, file: McapFile) -> None:
        notes = self.recording.notes
        if file.trouble is not None:
            notes.append(
                f"{file.path.name}: {file.trouble}; read to the last whole message, "
                f"{file.count:,} of them"
            )
        if file.unread:
            left = ", ".join(f"{count:,} of {topic}" for topic, count in file.unread.items())
            notes.append(f"{file.path.name}: messages left out: {left}; {file.first}")

    def _at_rate(self, messages: Iterator[Message]) -> Iterator[Frame]:
        """A frame every 1/rate seconds, with what was last said on each topic by then."""
        last: dict[str, Any] = {}
        begin: float | None = None
        time_s, done, rate = 0.0, 0, self._rate
        for message in messages:
            if begin is not None and message.time_s - max(time_s, begin) > LONGEST_GAP_S:
                days = (message.time_s - time_s) / 86_400
                raise InputError(
                    f"{self.recording.path}: a message of {message.topic} is {days:,.0f} days "
                    "after the one before, which no rate fills",
                    hint="cut the recording there (`mcap filter`), or set takein.rate = 0",
                )
            time_s = message.time_s
            begin = time_s if begin is None else begin
            while time_s - begin > done / rate:
                yield Frame(done / rate, dict(last))
                done += 1
            last[message.topic] = message.value
        if begin is not None and time_s - begin >= done / rate:
            yield Frame(done / rate, dict(last))


def _at_each(messages: Iterator[Message], action: str) -> Iterator[Frame]:
    """A frame for each message of the action's topic, with what was last said on the others."""
    last: dict[str, Any] = {}
    begin: float | None = None
    for message in messages:
        last[message.topic] = message.value
        begin = message.time_s if begin is None else begin
        if message.topic == action:
            yield Frame(message.time_s - begin, dict(last))
    if last:
        yield Frame(None, {name: value for name, value in last.items() if name != action})
