"""How far a mission may reach: what is further is a mistake of units, said in one line."""

from __future__ import annotations

from math import hypot

from handlers.mission.world.survey import REACH_M
from handlers.project.spec import ProjectSpec
from store.errors import InputError

HINT = "lengths are in meters: [-2.5, 0, 0] is two and a half meters ahead of the origin"


def refuse_far(spec: ProjectSpec) -> None:
    """Raise InputError, naming the place in env.json, for a spawn or a zone out of reach.

    A zone may be as large as it likes, as long as its nearest point is near. Objects are looked at
    where they are compiled, which a model of the user's own goes through as well.
    """
    if not max(map(abs, spec.spawn)) <= REACH_M:
        furthest = max(spec.spawn, key=abs)
        raise InputError(
            f"env.json: spawn: {furthest:g} m is too far away (at most {REACH_M:.0f} m)", hint=HINT
        )
    for index, zone in enumerate(spec.scene.zones):
        (ax, ay, _), (bx, by, _) = zone.aabb
        away = hypot(max(ax, -bx, 0.0), max(ay, -by, 0.0))
        if not away <= REACH_M:
            where = f"env.json: scene.zones[{index}] ({zone.name!r})"
            raise InputError(
                f"{where}: begins {away:g} m from the origin (at most {REACH_M:.0f} m)", hint=HINT
            )
