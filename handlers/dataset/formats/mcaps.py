"""The log's own lines as MCAP messages (JSON schema channels): for players, and to take in again.

One channel a run on TOPIC, its metadata naming run and mission. A message is a line of the log as
it stands there, its time the simulated one where the log has that, else a second for each tick;
runs follow one another. Lines that are no objects are left out and counted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
from mcap.writer import CompressionType, Writer

from handlers.dataset.formats.source import Sources
from handlers.project.formats.lines import BadLine, LineReader, parse_line
from handlers.project.paths import run_id_of

TOPIC = "/cadenza/tick"
SCHEMA_NAME = "cadenza.Tick"
LIBRARY = "cadenzad"
_NS = 1_000_000_000
_GAP_NS = 10 * _NS
"""Between the end of one run and the beginning of the next."""

_numbers = {"type": "object", "additionalProperties": True}
_SCHEMA = {
    "type": "object",
    "title": SCHEMA_NAME,
    "properties": {
        "tick": {"type": "integer"},
        "phase": {"type": "string"},
        "action": {"type": "string"},
        "action_params": _numbers,
        "obs": _numbers,
        "reward": {"type": "number"},
        "motion": _numbers,
        "judgment": _numbers,
    },
}


def write(sources: Sources, target: Path) -> int:
    """All lines of all logs into a file; returns the number of steps that they hold."""
    now = 0
    with target.open("wb") as stream:
        writer = Writer(stream, compression=CompressionType.ZSTD)
        writer.start(library=LIBRARY)
        schema = writer.register_schema(SCHEMA_NAME, "jsonschema", json.dumps(_SCHEMA).encode())
        for rows in sources.rows():
            log = rows.log
            told = {"run_id": run_id_of(log), "mission": sources.mission.name}
            channel = writer.register_channel(TOPIC, "json", schema, told)
            begin = now
            for number, line in _lines(log):
                now = max(now, begin + _time(line))
                writer.add_message(channel, now, orjson.dumps(line), now, sequence=number)
            sources.steps[rows.run_id] += rows.counts.rows
            now += _GAP_NS
        writer.finish()
    return sum(sources.steps.values())


def _lines(log: Path) -> Any:
    with log.open("rb") as stream:
        reader = LineReader(stream, hashing=False)
        for number, line in reader:
            if line is None or not line.strip():
                continue
            try:
                yield number, parse_line(line)
            except BadLine:
                continue  # the rows count it, by its reason
        if reader.tail.strip():
            try:
                yield reader.number + 1, parse_line(reader.tail)
            except BadLine:
                return


def _time(tick: dict[str, Any]) -> int:
    """Nanoseconds since the run began."""
    for name in ("sim_time_s", "tick"):
        value = tick.get(name)
        if isinstance(value, int | float) and 0 <= value < 1e9:
            return int(value * _NS)
    return 0
