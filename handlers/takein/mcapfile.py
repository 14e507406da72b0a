"""One MCAP file as messages, however it ends: read from its beginning, without its index.

A file that was cut off by a crash, or has bad bytes in it, gives all messages up to the last whole
one. Chunks are compared with their checksums, so that no flipped bit becomes a number.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from handlers.takein.recognise import MAGIC
from store.errors import InputError, one_line

_NS = 1e-9

Decoder = Callable[[bytes], Any]


class Message(NamedTuple):
    """A message as it was logged, at seconds since 1970. `run`: what its channel says it is of."""

    time_s: float
    topic: str
    value: Any
    run: str


class McapFile:
    """A file's messages of some topics, once through; afterwards the fields say what was there.

    `trouble`: why not all of it could be read, None where it could. `count`: whole messages of any
    topic. `unread`: topic -> its messages that are not what their encoding says. `first`: the first
    of those, for people.
    """

    def __init__(self, path: Path, topics: frozenset[str]) -> None:
        self.path, self._wanted = path, topics
        self.topics: set[str] = set()
        self.trouble: str | None = None
        self.count = 0
        self.unread: Counter[str] = Counter()
        self.first = ""

    def messages(self) -> Iterator[Message]:
        """Raises InputError for what is no MCAP file or in no encoding that is read; OSError."""
        from mcap.records import Channel, Schema
        from mcap.records import Message as Logged

        schemas: dict[int, Any] = {}
        channels: dict[int, tuple[Any, Decoder]] = {}
        with self.path.open("rb") as stream:
            self._check_magic(stream)
            for record in self._records(stream):
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    self.topics.add(record.topic)
                    if record.topic in self._wanted and record.id not in channels:
                        decode = _decoder(self.path, record, schemas.get(record.schema_id))
                        channels[record.id] = record, decode
                elif isinstance(record, Logged):
                    self.count += 1
                    if record.channel_id in channels:
                        yield from self._message(record, *channels[record.channel_id])

    def _check_magic(self, stream: IO[bytes]) -> None:
        begin = stream.read(len(MAGIC))
        stream.seek(0)
        if not MAGIC.startswith(begin):
            raise InputError(
                f"{self.path}: is no MCAP file: it begins with {begin[:8]!r}",
                hint="`mcap convert` makes one of a ROS 1 bag; a text is taken in as a *.log.jsonl",
            )

    def _records(self, stream: IO[bytes]) -> Iterator[Any]:
        """The file's records up to the end of its data, or to the first that is not whole."""
        from mcap.exceptions import EndOfFile
        from mcap.records import DataEnd, Statistics
        from mcap.stream_reader import StreamReader

        size = os.fstat(stream.fileno()).st_size
        whole: Any = _Whole(stream, size, EndOfFile)
        records = iter(StreamReader(whole, validate_crcs=True).records)
        ended = False
        while True:
            try:
                record = next(records)
            except StopIteration:
                return
            except EndOfFile:
                self.trouble = None if ended else "cut off"
                return
            except OSError:
                raise  # the disk's word, not the file's
            except Exception as error:  # noqa: BLE001
                # Of bad bytes the decompressors and the parser raise what they like, and nowhere
                # is it written down what that may be.
                told = one_line(str(error) or type(error).__name__)[:120]
                self.trouble = None if ended else f"damaged ({told})"
                return
            if isinstance(record, DataEnd):
                ended = True
            elif not ended:
                yield record
            elif isinstance(record, Statistics) and record.message_count != self.count:
                # Of what follows the data, which else repeats what was in it. A chunk whose kind
                # is a bad byte is passed over as one of a later version's.
                self.trouble = f"damaged (it had {record.message_count:,} messages)"

    def _message(self, record: Any, channel: Any, decode: Decoder) -> Iterator[Message]:
        try:
            value = decode(record.data)
        except Exception as error:  # noqa: BLE001  a ROS message of bad bytes, too
            self.unread[channel.topic] += 1
            self.first = self.first or (
                f"message {self.count:,}, on {channel.topic}: {one_line(str(error))[:120]}"
            )
            return
        run = channel.metadata.get("run_id", "")
        yield Message(record.log_time * _NS, channel.topic, value, run)


class _Whole:
    """A stream that gives as many bytes as are asked for, or says that the file is at its end.

    A length of bad bytes is compared with what there is before memory is asked for.
    """

    def __init__(self, stream: IO[bytes], size: int, at_end: type[Exception]) -> None:
        self._stream, self._left, self._at_end = stream, size, at_end

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise self._at_end
        data = self._stream.read(size)
        self._left -= len(data)
        if len(data) < size:  # it became shorter meanwhile
            raise self._at_end
        return data


def _decoder(file: Path, channel: Any, schema: Any) -> Decoder:
    """What makes a value of a channel's messages. Raises InputError for what nobody here reads."""
    encoding = channel.message_encoding
    if encoding == "json":
        return _from_json
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


def _from_json(data: bytes) -> Any:
    """A message's value. Raises ValueError or RecursionError for what is no JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)  # knows NaN and Infinity, as Python and JavaScript libraries write
