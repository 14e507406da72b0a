"""What stands around the robot: the scene of an env.json, and the value types missions are made of.

Lengths are metres, positions [x, y, z] in the world: forward is -X at yaw 0, Z is up. Numbers are
finite (the reader saw to that), true and false are not numbers, and 40.0 is a whole number.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    model_validator,
)

# -- values ----------------------------------------------------------------------------------------


def _whole(value: Any) -> Any:
    """40.0 is 40; anything else is left for the strict integer check."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _three(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError("must be three numbers [x, y, z]")
    return value


def _four(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise ValueError("must be four numbers [red, green, blue, alpha] from 0 to 1")
    return value


def _ordered(aabb: tuple[Vec3, Vec3]) -> tuple[Vec3, Vec3]:
    for axis, low, high in zip("xyz", *aabb, strict=True):
        if low > high:
            raise ValueError(f"min {axis} {low:g} is greater than max {axis} {high:g}")
    return aabb


def _two_corners(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("must be two corners [[min x, y, z], [max x, y, z]]")
    return value


Number = Annotated[float, Strict()]
Positive = Annotated[float, Strict(), Field(gt=0)]
Count = Annotated[int, Strict(), BeforeValidator(_whole), Field(ge=1)]
Flag = Annotated[bool, Strict()]
Name = Annotated[str, Field(min_length=1)]
Unit = Annotated[float, Strict(), Field(ge=0, le=1)]
Vec3 = Annotated[tuple[Number, Number, Number], BeforeValidator(_three)]
Size = Annotated[tuple[Positive, Positive, Positive], BeforeValidator(_three)]
Rgba = Annotated[tuple[Unit, Unit, Unit, Unit], BeforeValidator(_four)]
Aabb = Annotated[tuple[Vec3, Vec3], BeforeValidator(_two_corners), AfterValidator(_ordered)]


class Part(BaseModel):
    """Base of everything in env.json: `null` means "not written", unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None}
        return value


# -- scene -----------------------------------------------------------------------------------------


class Box(Part):
    """A solid block. `size` holds half extents; `person`: someone who must not be touched."""

    type: Literal["box"]
    tag: Name = "box"
    position: Vec3
    size: Size
    person: Flag = False
    rgba: Rgba | None = None


class Marker(Part):
    """Something to find or to stand on: seen, never bumped into. `size` holds half extents."""

    type: Literal["marker"]
    tag: Name = "marker"
    position: Vec3
    size: Size = (0.1, 0.1, 0.02)
    rgba: Rgba | None = None


class Sphere(Part):
    """A ball. `person`: someone who must not be touched."""

    type: Literal["sphere"]
    tag: Name = "sphere"
    position: Vec3
    radius: Positive
    person: Flag = False
    rgba: Rgba | None = None


class Incline(Part):
    """The shape of a slope: its near edge, half extents, and rise toward -X."""

    near_x: Number
    near_y: Number = 0.0
    hx: Positive
    hy: Positive
    hz: Positive
    angle_deg: Annotated[float, Strict(), Field(gt=-90, lt=90)]


class Slope(Part):
    """A ramp that rises away from the robot's start."""

    type: Literal["slope"]
    tag: Name = "slope"
    slope: Incline
    rgba: Rgba | None = None


SceneObject = Annotated[Box | Marker | Sphere | Slope, Field(discriminator="type")]


class Zone(Part):
    """A named axis-aligned region: ((min x, y, z), (max x, y, z))."""

    name: Name
    aabb: Aabb

    def contains(self, point: tuple[float, float, float]) -> bool:
        """Whether a point lies in the zone; its faces belong to it."""
        low, high = self.aabb
        return all(a <= p <= b for a, p, b in zip(low, point, high, strict=True))

    @property
    def centre(self) -> tuple[float, float, float]:
        (ax, ay, az), (bx, by, bz) = self.aabb
        return ((ax + bx) / 2, (ay + by) / 2, (az + bz) / 2)


class Scene(Part):
    """What stands around the robot, and the regions phases speak of."""

    objects: tuple[SceneObject, ...] = ()
    zones: tuple[Zone, ...] = ()

    def zone(self, name: str) -> Zone:
        """The zone of that name. Raises KeyError; names a loaded spec refers to exist."""
        for zone in self.zones:
            if zone.name == name:
                return zone
        raise KeyError(name)

    def tagged(self, tag: str) -> tuple[Box | Marker | Sphere | Slope, ...]:
        """Every object that carries the tag, in file order."""
        return tuple(item for item in self.objects if item.tag == tag)
