"""Runs that leave in another tool's format and come back are the runs that they were."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import runlogs

pytest.importorskip("minari", reason="the formats extra is not installed")
pytest.importorskip("mcap", reason="the formats extra is not installed")

import numpy as np

from handlers.dataset.formats.export import export
from handlers.dataset.formats.names import Format
from handlers.dataset.formats.source import Sources
from handlers.dataset.formats.trajectories import Trajectory
from handlers.dataset.mission import Mission
from handlers.project.project import Project
from handlers.project.scaffold import init_project
from handlers.takein.settings import TakeInSettings
from handlers.takein.takein import TakenIn, take_in

ENDS: dict[str, dict[str, Any]] = {
    "succeeded": {"terminated": True, "mission_success": True},
    "failed": {"terminated": True, "phase_failed": True, "mission_success": False},
    "timeout": {"terminated": True, "truncated": True, "mission_success": False},
    "unfinished": {"terminated": False, "mission_success": False},
    "unknown": {"terminated": True, "end_reason": "ended without a result", "mission_success": ...},
    "interrupted": {"terminated": False, "mission_success": False},
}


def run(end: str, seed: int, steps: int) -> list[dict[str, Any]]:
    """A run of random moves and rewards in two phases, that ends in one of the ways there are."""
    rng = Random(seed)
    records = runlogs.judged(steps, seed=seed)
    for record in records[1:]:
        second = record["tick"] > steps // 2
        record["action"] = rng.choice(("walk_forward", "turn_left", "crawl_forward", "sit"))
        record |= {"phase": "look" if second else "approach", "phase_idx": int(second)}
        record["goal_prompt"] = "look around" if second else "walk forward 1.0 meters"
    last = {key: value for key, value in ENDS[end].items() if value is not ...}
    records[-1] = {k: v for k, v in records[-1].items() if k not in ENDS[end]} | last
    if end == "interrupted":
        records.append({"tick": steps + 1, "action": None, "end_reason": "interrupted"})
    return records


@pytest.fixture
def project(tmp_path: Path) -> Project:
    init_project(tmp_path / "rescue")
    return Project.open(tmp_path / "rescue")


def trajectories(project: Project, logs: list[Path]) -> list[Trajectory]:
    return list(Sources(Mission.of(project), logs).trajectories())


def there_and_back(project: Project, kind: Format, logs: list[Path]) -> TakenIn:
    name = project.path.parent / ("back-v0.mcap" if kind == "mcap" else "back-v0")
    export(kind, Sources(Mission.of(project), logs), name, force=False)
    return take_in(name, project, TakeInSettings())


@pytest.mark.parametrize("kind", ["mcap", "lerobot", "minari", "minari-arrow"])
def test_outcomes_actions_and_rewards_are_what_they_were(project: Project, kind: Format) -> None:
    # given runs that end in every way, in any order, two of them in one file
    rng = Random(kind)
    ends = rng.sample(sorted(ENDS), len(ENDS)) + rng.choices(sorted(ENDS), k=4)
    logs = []
    for number, end in enumerate(ends):
        log = project.path / ".cadenza-env" / f"r{number:02}.log.jsonl"
        log.write_bytes(runlogs.as_log(run(end, number, rng.randrange(2, 9))))
        logs.append(log)
    with logs[0].open("ab") as stream:
        stream.write(runlogs.as_log(run("failed", 99, 4)))
    before = trajectories(project, logs)
    # when
    taken = there_and_back(project, kind, logs)
    # then
    after = trajectories(project, [taken.log])
    assert taken.episodes == len(after) == len(before) == len(ends) + 1
    assert taken.ticks == sum(map(len, before))
    assert [back.outcome for back in after] == [was.outcome for was in before]
    assert {"succeeded", "failed", "unfinished", "unknown", "interrupted"} == {
        back.outcome for back in after
    }
    exactly = 1e-6 if kind == "lerobot" else 0.0  # its numbers are of 32 bits
    for was, back in zip(before, after, strict=True):
        assert (back.actions == was.actions).all()
        assert (back.phases == was.phases).all()
        assert (back.ended == was.ended).all()
        assert (back.cut_off == was.cut_off).all()
        assert list(back.goals) == list(was.goals)
        for name in ("rewards", "observations", "params"):
            np.testing.assert_allclose(
                getattr(back, name), getattr(was, name), rtol=exactly, atol=exactly
            )


def test_an_episode_that_does_not_say_how_it_went_is_unknown_and_counted(project: Project) -> None:
    # given a dataset of another tool's, which has no word of success
    log = project.path / ".cadenza-env" / "one.log.jsonl"
    log.write_bytes(runlogs.as_log(run("failed", 1, 4)))
    there_and_back(project, "minari", [log])
    import h5py

    data = project.path.parent / "back-v0/data/main_data.hdf5"
    with h5py.File(data, "a") as stored:
        for name in ("outcome", "mission_success"):
            del stored["episode_0"].attrs[name]
    # when
    taken = take_in(project.path.parent / "back-v0", project, TakeInSettings())
    # then
    (back,) = trajectories(project, [taken.log])
    assert (back.outcome, back.success, back.ended[-1]) == ("unknown", None, np.True_)
    assert taken.notes == (
        "whether the mission succeeded is not said of 1 episode: their outcome is unknown",
    )
    # and where only success is said, that is how it went
    with h5py.File(data, "a") as stored:
        stored["episode_0"].attrs["mission_success"] = True
    taken = take_in(project.path.parent / "back-v0", project, TakeInSettings())
    (back,) = trajectories(project, [taken.log])
    assert (back.outcome, taken.notes) == ("succeeded", ())
