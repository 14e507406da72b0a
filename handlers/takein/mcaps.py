"""MCAP files, and rosbag2 folders of them: messages -> frames.

A file is read from its beginning, without its index, so that one that was cut off by a crash gives
all messages up to the last whole one; that is noted. Messages are JSON, or ROS 2's CDR where
`mcap-ros2-support` is installed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from handlers.takein.frames import Episode, Frame, Recording
from handlers.takein.mapping import EXAMPLE, Source
from store.errors import InputError

TOPIC = "/cadenza/tick"
"""Where `cadenza env finetune --format mcap` puts a log's lines."""
_NS = 1e-9

Decoder = Callable[[bytes], Any]


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
            yield Episode(self._whole_ticks(), whole=True)
            return
        wanted = frozenset(source.name for source in self._fields.values())
        messages = self._messages(wanted)
        action = self._fields["action"].name
        yield Episode(_at_rate(messages, self._rate) if self._rate else _at_each(messages, action))

    def _whole_ticks(self) -> Iterator[Frame]:
        for _, _, tick in self._messages(frozenset({TOPIC})):
            if isinstance(tick, dict):
                yield Frame(None, tick)

    def _messages(self, wanted: frozenset[str]) -> Iterator[tuple[float, str, Any]]:
        """(seconds, topic, value) of every message of the wanted topics, as they were logged."""
        topics: set[str] = set()
        for file in self._files:
            yield from self._of_file(file, wanted, topics)
        missing = sorted(wanted - topics)
        if missing and self.recording.notes:
            raise InputError(
                f"{self.recording.path}: is cut off before the first whole message of {missing[0]}",
                hint="copy it again from where it was recorded",
            )
        if missing:
            there = ", ".join(sorted(topics)) or "none"
            raise InputError(
                f"{self.recording.path}: has no topic {missing[0]}: there are {there}", hint=EXAMPLE
            )

    def _of_file(
        self, file: Path, wanted: frozenset[str], topics: set[str]
    ) -> Iterator[tuple[float, str, Any]]:
        from mcap.exceptions import InvalidMagic, McapError
        from mcap.records import Channel, Footer, Message, Schema
        from mcap.stream_reader import StreamReader

        schemas: dict[int, Any] = {}
        decoders: dict[int, tuple[str, Decoder]] = {}
        count, ended = 0, False
        with file.open("rb") as stream:
            records = iter(StreamReader(stream).records)
            while True:
                try:
                    record = next(records)
                except StopIteration:
                    break
                except InvalidMagic:
                    if count or schemas:
                        break
                    raise InputError(f"{file}: is no MCAP file") from None
                except (McapError, struct.error, EOFError, ValueError, RuntimeError, OSError):
                    break  # cut off in the middle of a record or of a compressed chunk
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    topics.add(record.topic)
                    if record.topic in wanted:
                        decode = _decoder(file, record, schemas.get(record.schema_id))
                        decoders[record.id] = record.topic, decode
                elif isinstance(record, Message):
                    count += 1
                    if (known := decoders.get(record.channel_id)) is not None:
                        yield record.log_time * _NS, known[0], known[1](record.data)
                elif isinstance(record, Footer):
                    ended = True
        if not ended:
            self.recording.notes.append(
                f"{file.name}: cut off; read to the last whole message, {count:,} of them"
            )


def _decoder(file: Path, channel: Any, schema: Any) -> Decoder:
    """What makes a value of a channel's messages. Raises InputError for what nobody here reads."""
    encoding = channel.message_encoding
    if encoding == "json":
        return orjson.loads
    if encoding == "cdr":
        try:
            from mcap_ros2.decoder import DecoderFactory
        except ImportError:
            hint = "pip install 'cadenzad[formats]'"
            raise InputError(f"{file}: ROS 2 messages need mcap-ros2-support", hint=hint) from None
        made: Decoder | None = DecoderFactory().decoder_for(encoding, schema)
        if made is not None:
            return made
    raise InputError(
        f"{file}: messages of {channel.topic} are {encoding or 'unnamed'}, which is not read",
        hint="JSON and ROS 2's CDR are; `mcap convert` makes CDR of a ROS 1 bag",
    )


def _at_each(messages: Iterator[tuple[float, str, Any]], action: str) -> Iterator[Frame]:
    """A frame for each message of the action's topic, with what was last said on the others."""
    last: dict[str, Any] = {}
    begin: float | None = None
    for time_s, topic, value in messages:
        last[topic] = value
        begin = time_s if begin is None else begin
        if topic == action:
            yield Frame(time_s - begin, dict(last))
    if last:
        yield Frame(None, {name: value for name, value in last.items() if name != action})


def _at_rate(messages: Iterator[tuple[float, str, Any]], rate: float) -> Iterator[Frame]:
    """A frame every 1/rate seconds, with what was last said on each topic by then."""
    last: dict[str, Any] = {}
    begin: float | None = None
    time_s, done = 0.0, 0
    for time_s, topic, value in messages:
        begin = time_s if begin is None else begin
        while time_s - begin > done / rate:
            yield Frame(done / rate, dict(last))
            done += 1
        last[topic] = value
    if begin is not None and time_s - begin >= done / rate:
        yield Frame(done / rate, dict(last))
