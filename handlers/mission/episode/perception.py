"""What the robot knows of its surroundings at one instant: observation, view, goal."""

from __future__ import annotations

from math import degrees, hypot
from typing import Any

from handlers.mission.episode.conditions import SignalEvent, TickState
from handlers.mission.episode.motion import Point
from handlers.mission.world.model import SceneModel
from handlers.mission.world.sense import Sense
from handlers.mission.world.vision import (
    Sight,
    bearing,
    clear_sides,
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

    def clear(self, sense: Sense) -> dict[str, float]:
        """How far (m) it is to the nearest obstacle to the left, ahead and to the right."""
        limit = self.spec.vision.max_distance_m
        return clear_sides(self.scene.terrain, sense.x, sense.y, sense.yaw, limit)

    def target(self, phase: Phase, sense: Sense) -> dict[str, float] | None:
        """Where the phase is to be done: how far (m, 0 within) and in which direction (degrees).

        A zone to be entered, else the nearest object to be near to or to see. A zone's distance is
        that of its edge, its direction half way from there to its middle: a grazed edge is no aim.
        """
        wanted, x, y = phase.success_when, sense.x, sense.y
        if wanted.enter_zone:
            (x1, y1, _), (x2, y2, _) = self.spec.scene.zone(wanted.enter_zone).aabb
            edge = min(max(x, x1), x2), min(max(y, y1), y2)
            way = hypot(edge[0] - x, edge[1] - y)
            to = (edge[0] + (x1 + x2) / 2) / 2, (edge[1] + (y1 + y2) / 2) / 2
        else:
            thing = wanted.near_object or wanted.see_object
            if thing is None:
                return None
            places = [place_of(item)[:2] for item in self.spec.scene.tagged(thing.tag)]
            to = min(places, key=lambda place: hypot(place[0] - x, place[1] - y))
            way = hypot(to[0] - x, to[1] - y)
        return {"distance_m": way, "bearing_deg": degrees(bearing(x, y, sense.yaw, *to))}

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
