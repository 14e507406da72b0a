"""Logs that are exported elsewhere: the same records, and the same said of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import runlogs

from handlers.export.elsewhere import export_there, gather, spec_of, taken
from handlers.export.export import export_run
from handlers.export.records import Recipe
from handlers.jobs import JobContext
from handlers.spread import NoRoom

RECIPE = Recipe("rescue", 1, "{mission_name} {goal_prompt}", include_failures=False)


class There:
    """Another machine: copies of what was named, and JSON, until there is no room any more."""

    width = 2

    def __init__(self, project: Path, room: int) -> None:
        self.project, self.room = project, room

    def map(
        self,
        function: str,
        parts: Sequence[Mapping[str, Any]],
        files: Sequence[str],
        own: Sequence[Sequence[str]] = (),
    ) -> Generator[Any, None, None]:
        assert function == "handlers.export.elsewhere:export_there"
        for index, part in enumerate(parts):
            if index == self.room:
                raise NoRoom
            copy = self.project.parent / f"copy{index}"
            for name in (*files, *own[index]):
                (copy / name).parent.mkdir(parents=True)
                shutil.copy(self.project / name, copy / name)
            yield json.loads(json.dumps(export_there(copy, json.loads(json.dumps(part)))))


def test_what_comes_back_is_what_would_be_made_here(tmp_path: Path) -> None:
    # given logs, one of which holds nothing, and room for three
    project, folder = tmp_path / "rescue", tmp_path / "pieces"
    folder.mkdir()
    logs = {}
    for number, data in enumerate(
        (runlogs.run(3), runlogs.run(4, success=False) + b"{torn", b"\n", runlogs.run(2))
    ):
        log = project / ".cadenza-env" / f"run-{number}.log.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(data)
        logs[f"{number}.jsonl"] = str(log.relative_to(project))

    # when
    spec = spec_of(logs, RECIPE, folder)
    gather(JobContext(spec, project, tmp_path, lambda _values: None, spread=There(project, 3)))

    # then the first two are there as they would be made here, and the others are not
    for name in ("0.jsonl", "1.jsonl"):
        here = tmp_path / "here.jsonl"
        report = export_run(project / logs[name], here, RECIPE, manifest=None)
        assert (folder / name).read_bytes() == here.read_bytes()
        assert taken(folder / name) == replace(report, output=folder / name)
    assert taken(folder / "1.jsonl").tally.samples  # type: ignore[union-attr]
    assert [taken(folder / name) for name in ("2.jsonl", "3.jsonl")] == [None, None]
