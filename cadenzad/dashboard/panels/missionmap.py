"""The mission from above, with the ways that runs took: a drawing, and its scale for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.dashboard.panels.replay import Replay
from handlers.project.project import Project
from store.errors import CadenzaError

if TYPE_CHECKING:
    from handlers.mission.show.canvas import Shape
    from handlers.mission.show.mapview import Frame
    from handlers.project.spec import ProjectSpec

BEYOND_M = 15.0
"""A way is drawn so far outside of what the mission holds, m: physics may throw a robot away."""

WON, LOST, OTHER = "#1b7f3b", "#c22727", "#5b6675"
OUTCOMES = {"succeeded": WON, "failed": LOST}


@dataclass(frozen=True, slots=True)
class MissionMap:
    """A picture as SVG. A place x, y (m) is at left + (y - y0) * scale, top + (x - x0) * scale
    pixels. `problem`: why there is none. `outside`: runs that left the picture.
    """

    svg: str = ""
    left: float = 0.0
    top: float = 0.0
    x0: float = 0.0
    y0: float = 0.0
    scale: float = 1.0
    words: Sequence[str] = ()
    outside: int = 0
    problem: str = ""
    changed: bool = False

    @property
    def placing(self) -> dict[str, float]:
        """What a script needs to put a place on the picture."""
        return {"left": self.left, "top": self.top, "x0": self.x0, "y0": self.y0,
                "scale": self.scale}  # fmt: skip


def mission_map(project: str, env_sha256: str | None, ways: Sequence[Replay]) -> MissionMap:
    """Draw a project's mission as env.json has it now, with the ways of runs over it.

    `env_sha256`: of the env.json of the moment that is looked at; the map says if it is another.
    """
    from handlers.mission.show.canvas import Drawing, svg
    from handlers.mission.show.mapview import LEFT, TOP, Extent, Frame, drawing, extent_of

    try:
        opened = Project.open(Path(project))
    except (CadenzaError, OSError) as error:
        return MissionMap(problem=str(error))
    spec = opened.spec
    bare = extent_of(spec, ())
    widest = Extent(bare.x0 - BEYOND_M, bare.y0 - BEYOND_M, bare.x1 + BEYOND_M, bare.y1 + BEYOND_M)
    kept = [[spot for spot in way.path if widest.holds(*spot)] for way in ways]
    outside = sum(len(inside) < len(way.path) for inside, way in zip(kept, ways, strict=True))
    frame = Frame(extent_of(spec, [spot for path in kept for spot in path]))
    scene = drawing(spec, frame=frame)
    shapes = [*scene.shapes]
    for path, way in zip(kept, ways, strict=True):
        shapes += _way(frame, path, way.run.outcome)
    return MissionMap(
        svg(Drawing(scene.width, scene.height, shapes)),
        LEFT,
        TOP,
        frame.box.x0,
        frame.box.y0,
        frame.scale,
        words_of(spec),
        outside,
        changed=env_sha256 is not None and env_sha256 != opened.env_sha256,
    )


def words_of(spec: ProjectSpec) -> list[str]:
    """The map in words: where the robot starts, the zones, the objects."""
    x, y, _ = spec.spawn
    said = [f"The robot starts at x {x:g} m, y {y:g} m and looks along -x."]
    for zone in spec.scene.zones:
        (ax, ay, _), (bx, by, _) = zone.aabb
        said.append(f"Zone {zone.name}: x {ax:g} to {bx:g} m, y {ay:g} to {by:g} m.")
    from handlers.mission.world.vision import place_of

    for item in spec.scene.objects:
        px, py = place_of(item)[:2]
        person = " (a person)" if getattr(item, "person", False) else ""
        said.append(f"{item.type} {item.tag}{person}: x {px:g} m, y {py:g} m.")
    return said


def _way(frame: Frame, path: Sequence[tuple[float, float]], outcome: str) -> list[Shape]:
    """A line where a run went; a ring where it ended well, a cross where it did not."""
    from handlers.mission.show.canvas import Shape

    if len(path) < 2:
        return []
    colour = OUTCOMES.get(outcome, OTHER)
    spots = [frame.at(*spot) for spot in path]
    (x, y), arm = spots[-1], 6.0
    line = Shape("line", tuple(value for spot in spots for value in spot), colour, 0.75)
    if outcome == "succeeded":
        return [line, Shape("circle", (x, y, 7.0), colour), Shape("circle", (x, y, 4.0), "#ffffff")]
    return [
        line,
        Shape("line", (x - arm, y - arm, x + arm, y + arm), colour, width=3),
        Shape("line", (x - arm, y + arm, x + arm, y - arm), colour, width=3),
    ]
