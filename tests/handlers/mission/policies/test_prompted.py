"""What a brain gets to see: what a robot can observe, the same in a run and in a trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

pytest.importorskip("mujoco")

from handlers.mission.episode.environment import Mission
from handlers.mission.episode.episode import run_episode
from handlers.mission.policies.prompted import Prompted
from handlers.mission.world.model import compile_scene
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec

LEAVE = {"name": "leave", "success_when": {"exit_zone": "near"}, "max_ticks": 4}
COME = {"name": "come", "success_when": {"enter_zone": "near"}, "max_ticks": 3}
SCENE = {
    "objects": [],
    "zones": [{"name": "near", "aabb": [[-0.9, -1.0, 0.0], [-0.3, 1.0, 1.0]]}],
}


def driven(spec: ProjectSpec, judged: bool) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]]]:
    """What the brain saw, and the records, of a robot that walks on."""
    seen: list[Mapping[str, Any]] = []

    def decide(
        observation: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        seen.extend([observation, *recent])
        return {"action": "walk_forward", "distance_m": 0.4}

    prompted = Prompted(decide)
    library = library_for(spec.robot, None, spec.signals)
    scene = compile_scene(spec.scene.objects)
    mission = Mission(spec, library, scene, seed=3, policy="prompt", judged=judged)
    records: list[dict[str, Any]] = []

    def sink(record: dict[str, Any]) -> None:
        records.append(record)
        prompted.note(record)

    run_episode(mission, prompted, sink)
    return seen, records


def test_a_brain_sees_the_same_whether_or_not_its_actions_are_judged(
    make_spec: Callable[..., ProjectSpec],
) -> None:
    # given a mission with a zone to come into and one to leave, judged or not
    spec = make_spec(scene=SCENE, phases=[COME, LEAVE])
    seen, records = driven(spec, judged=True)
    seen_in_trial, unjudged = driven(spec, judged=False)

    # then a brain cannot tell, and the run is the same
    assert seen == seen_in_trial
    assert seen
    assert not any(
        {"judgment", "reward", "signal_event"} & observation.keys() for observation in seen
    )
    assert records[-1]["mission_success"] is unjudged[-1]["mission_success"] is True
    assert all(record["judgment"] is None for record in unjudged)
    assert [record["obs"] for record in records] == [record["obs"] for record in unjudged]
    assert records[1]["judgment"]["canonical_action"]
