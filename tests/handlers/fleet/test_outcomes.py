"""What is compared when an adapter is offered: runs that it drove, with those of the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from eventmaking import Make

from handlers.fleet.outcomes import gains_of_adapter
from store.events.envelope import NewEvent
from store.events.files import RunRecorded, RunStamp
from store.opening import open_writer
from store.schema import connect_reader
from store.writer import Writer


class Bench:
    """Runs of a project, each driven by somebody."""

    def __init__(self, writer: Writer, state: Path) -> None:
        self.writer, self.state, self.count = writer, state, 0
        writer.append(Make().discovered())

    def drive(self, adapter: int | None, *won: bool, policy: str = "lora") -> None:
        for success in won:
            self.count += 1
            made = Make().run(f"run{self.count}", "succeeded" if success else "failed")
            assert isinstance(made.event, RunRecorded)
            (episode,) = made.event.episodes
            stamp = RunStamp(policy=policy, adapter=adapter, seed=self.count)
            told = episode.changed(stamp=stamp)
            file = made.event.file.changed(sha256=f"{self.count:064x}")
            event = made.event.changed(episodes=(told,), file=file)
            self.writer.append(NewEvent(Make.stream, event))

    def gains(self, version: int) -> list[float]:
        with closing(connect_reader(self.state)) as reader:
            return gains_of_adapter(reader, Make.project, version)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with closing(open_writer(tmp_path)) as writer:
        yield Bench(writer, tmp_path)


def test_runs_are_paired_with_those_of_the_adapter_that_drove_before(bench: Bench) -> None:
    bench.drive(1, False, False, False)  # long ago
    bench.drive(2, False, True)
    bench.drive(None, False, policy="scripted")
    bench.drive(3, True, True, True)
    # the first with the newest; for the third there is none before
    assert bench.gains(3) == [0.0, 0.5]
    assert bench.gains(2) == [0.0, 0.5]


def test_what_drove_since_says_nothing_and_without_a_before_there_is_no_pair(bench: Bench) -> None:
    bench.drive(2, True)
    assert bench.gains(2) == []
    assert bench.gains(7) == []
    bench.drive(3, True)
    bench.drive(2, False)  # it was gone back to
    bench.drive(3, False)
    assert bench.gains(3) == [0.0]
