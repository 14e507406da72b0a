"""Missions as TensorBoard's event files: a curve for each run by tick, and all runs by number.

Trainings have theirs beside each adapter (handlers.lora.hub.curves); one `tensorboard --logdir`
shows both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from cadenzad.dashboard.panels.replay import Replay
from cadenzad.dashboard.panels.runs import Run
from store.errors import MissingExtraError

HINT = "pip install 'cadenzad[tensorboard]'"
ALL = "all runs"
WON = {"succeeded": 1.0, "failed": 0.0}

Scalar = tuple[str, float, int, float]
"""Name, value, step, and when it was recorded (Unix seconds)."""


def write_missions(folder: Path, runs: Sequence[Run], replays: Sequence[Replay]) -> int:
    """Write event files below `folder`, one folder for each run and one for all; the files written.

    A folder that has some already is left as it is: the same run is not told twice. What a run does
    not say is left out. Raises MissingExtraError without tensorboard, OSError.
    """
    written = 0
    named = {ALL: list(_of_all(runs))}
    named |= {item.run.name: list(_of_one(item)) for item in replays if item.frames}
    for name, scalars in named.items():
        place = folder / _folder_name(name)
        if name == ALL:
            for old in place.glob("events.out.tfevents.*"):
                old.unlink()  # it has grown, and is written anew
        elif place.is_dir() and any(place.iterdir()):
            continue
        with _writer(place) as add:
            for scalar in scalars:
                add(*scalar)
        written += 1
    return written


def _of_all(runs: Sequence[Run]) -> Iterator[Scalar]:
    """Each run by its number, from 1 on."""
    for number, run in enumerate(runs, 1):
        told = run.told_us / 1e6
        if run.outcome in WON:
            yield "succeeded", WON[run.outcome], number, told
        if run.reward is not None:
            yield "reward", run.reward, number, told
        yield "ticks", float(run.ticks), number, told
        yield "phases_done", float(run.phases_done), number, told


def _of_one(item: Replay) -> Iterator[Scalar]:
    told = item.run.told_us / 1e6
    for frame in item.frames:
        for name, value in (
            ("reward", frame.reward),
            ("reward_so_far", frame.total),
            ("pos_x", frame.x),
            ("pos_y", frame.y),
        ):
            if value is not None:
                yield name, value, frame.tick, told


def _folder_name(run: str) -> str:
    """A run's name as one folder's, whatever it is."""
    plain = "".join(char if char.isalnum() or char in "-_. #" else "_" for char in run)
    return plain.strip(". ")[:100] or "run"


@contextmanager
def _writer(place: Path) -> Iterator[Any]:
    """A function (name, value, step, told) that writes a scalar into the folder."""
    try:
        files = import_module("tensorboard.summary.writer.event_file_writer")
        events = import_module("tensorboard.compat.proto.event_pb2")
        summaries = import_module("tensorboard.compat.proto.summary_pb2")
    except ImportError as error:
        name = error.name or "tensorboard"
        raise MissingExtraError(f"event files need {name}, not installed", hint=HINT) from None
    writer = files.EventFileWriter(str(place))

    def add(name: str, value: float, step: int, told: float) -> None:
        summary = summaries.Summary(value=[summaries.Summary.Value(tag=name, simple_value=value)])
        writer.add_event(events.Event(wall_time=told, step=step, summary=summary))

    try:
        yield add
    finally:
        writer.close()
