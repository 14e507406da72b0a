"""Events with everything filled in, of one project."""

from __future__ import annotations

from store.events.envelope import NewEvent, project_stream
from store.events.files import (
    EpisodeFact,
    ExamplesRecorded,
    FileFact,
    LineCounts,
    Outcome,
    ProjectDiscovered,
    RunExtended,
    RunRecorded,
)

PROJECT = "/robots/rescue"
STREAM = project_stream(PROJECT)


class Make:
    """Builders of events with everything filled in."""

    project = PROJECT
    stream = STREAM

    @staticmethod
    def file(
        path: str = ".cadenza-env/a.log.jsonl", content: str = "a", **changes: object
    ) -> FileFact:
        values = {
            "path": path,
            "dev": 1,
            "ino": abs(hash(path)) % 10_000,
            "size": 10,
            "mtime_ns": 1,
            "sha256": content * 64,
        }
        return FileFact.of_shape(values | changes)

    @staticmethod
    def episode(index: int = 0, outcome: Outcome = "succeeded") -> EpisodeFact:
        return EpisodeFact(index=index, first_line=1, ticks=3, outcome=outcome, reward=1.5)

    def discovered(self) -> NewEvent:
        event = ProjectDiscovered(
            name="rescue",
            path=PROJECT,
            mission="m",
            robot="go1",
            phases=("a",),
            file=self.file("env.json", "e"),
        )
        return NewEvent(STREAM, event)

    def run(self, name: str = "a", outcome: Outcome = "succeeded", **envelope: object) -> NewEvent:
        event = RunRecorded(
            run_id=name,
            format="mission",
            file=self.file(f".cadenza-env/{name}.log.jsonl"),
            episodes=(self.episode(outcome=outcome),),
            lines=LineCounts(read=3, valid=3),
        )
        return NewEvent(STREAM, event, **envelope)  # type: ignore[arg-type]

    def extended(self, name: str, episodes: tuple[EpisodeFact, ...]) -> NewEvent:
        event = RunExtended(
            run_id=name,
            format="mission",
            file=self.file(f".cadenza-env/{name}.log.jsonl", "b", revision=2),
            episodes=episodes,
            lines=LineCounts(read=6, valid=6),
            previous_size=10,
            previous_sha256="a" * 64,
        )
        return NewEvent(STREAM, event)

    def examples(
        self, rows: int, split: str = "train", name: str = "x", revision: int = 1
    ) -> NewEvent:
        event = ExamplesRecorded.of_shape(
            {
                "file": self.file(f".cadenza-env/{name}.examples.jsonl", "c", revision=revision),
                "split": split,
                "rows": rows,
            }
        )
        return NewEvent(STREAM, event)
