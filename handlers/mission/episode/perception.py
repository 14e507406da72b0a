"""What the robot knows of its surroundings at one instant: observation, view, goal, situation."""

from __future__ import annotations

from math import degrees, hypot
from typing import Any

from handlers.mission.episode.conditions import SignalEvent, TickState, nearest_tag
from handlers.mission.episode.judgment import Situation
from handlers.mission.episode.motion import Point
from handlers.mission.policies.prompts import calls_of, read_prompt
from handlers.mission.world.model import SceneModel
from handlers.mission.world.sense import Sense
from handlers.mission.world.vision import (
    Sight,
    bearing,
    highest_ahead,
    nearest_obstacle,
    place_of,
)
from handlers.project.spec import Phase, ProjectSpec

UPRIGHT_M = 0.16


class Perception:
    """Reads the state of the robot in the terms of its mission."""

    def __init__(self, spec: ProjectSpec, scene: SceneModel) -> None:
        self.spec, self.scene = spec, scene
        self.sight = Sight(spec.scene.objects, spec.vision, scene)

    def upright(self, sense: Sense) -> bool:
        """Whether the robot is on its feet."""
        ground = self.scene.terrain.height(sense.x, sense.y)
        return not sense.flipped and sense.z - ground > UPRIGHT_M

    def observe(self, sense: Sense) -> dict[str, Any]:
        """The `obs` of a record."""
        limit = self.spec.vision.max_distance_m
        return {
            "body_height": sense.z,
            "roll_deg": degrees(sense.roll),
            "pitch_deg": degrees(sense.pitch),
            "feet_grounded": sense.feet_grounded,
            "nearest_m": nearest_obstacle(self.scene.terrain, sense.x, sense.y, limit),
            "pos_x": sense.x,
            "pos_y": sense.y,
        }

    def state(
        self, sense: Sense, signal: str | None, event: SignalEvent, touched_person: bool = False
    ) -> TickState:
        """What predicates and rewards look at."""
        seen = self.sight.look(sense.x, sense.y, sense.z, sense.yaw)
        return TickState(
            sense.x,
            sense.y,
            sense.z,
            sense.flipped,
            {tag: thing.distance for tag, thing in seen.items()},
            {tag: thing.bearing for tag, thing in seen.items()},
            signal,
            event,
            touched_person,
        )

    def goal(self, phase: Phase, sense: Sense) -> Point | None:
        """The middle of what the phase is after."""
        wanted, reward = phase.success_when, phase.reward
        zone = wanted.enter_zone or (reward.distance_to_zone and reward.distance_to_zone.zone)
        if zone:
            return self.spec.scene.zone(zone).centre
        tag = (
            (wanted.near_object and wanted.near_object.tag)
            or (wanted.see_object and wanted.see_object.tag)
            or (reward.distance_to_tag and reward.distance_to_tag.tag)
        )
        if not tag:
            return None
        x, y = sense.x, sense.y
        places = [place_of(item) for item in self.spec.scene.tagged(tag)]
        return min(places, key=lambda p: (p[0] - x) ** 2 + (p[1] - y) ** 2)

    def situation(
        self, phase: Phase, sense: Sense, state: TickState, elapsed: int, signal: str | None
    ) -> Situation:
        """What the canonical action is decided from; `signal` is the one the phase waits for."""
        wanted, terrain = phase.success_when, self.scene.terrain
        goal = self.goal(phase, sense) if wanted.enter_zone or wanted.near_object else None
        needed = self.spec.control_panel.requires_visible_tag
        instructions = calls_of(read_prompt(phase)) if goal is None else []
        sought = wanted.see_object
        return Situation(
            height=sense.z - terrain.height(sense.x, sense.y),
            roll=sense.roll,
            pitch=sense.pitch,
            feet_grounded=sense.feet_grounded,
            off_axis=bearing(sense.x, sense.y, sense.yaw, goal[0], goal[1]) if goal else None,
            target_m=self._way_left(phase, sense, goal) if goal else None,
            step_m=highest_ahead(terrain, sense.x, sense.y, sense.yaw, 0.6),
            scans=sought is not None,
            seen=sought is not None and sought.tag in state.visible,
            signal=signal,
            signal_clear=needed is None or needed in state.visible,
            instructed=(
                instructions[min(elapsed, len(instructions) - 1)] if instructions else None
            ),
        )

    def _way_left(self, phase: Phase, sense: Sense, goal: Point) -> float:
        wanted = phase.success_when
        way = hypot(goal[0] - sense.x, goal[1] - sense.y)
        if wanted.enter_zone:
            inside = self.spec.scene.zone(wanted.enter_zone).contains((sense.x, sense.y, sense.z))
            return 0.0 if inside else way
        if wanted.near_object:
            near = nearest_tag(self.spec, wanted.near_object.tag, sense.x, sense.y)
            return max(0.0, near - wanted.near_object.max_distance_m)
        return way
