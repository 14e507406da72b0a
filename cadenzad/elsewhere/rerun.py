"""A run as a recording for Rerun's viewer: the scene, the robot by tick, what it did and earned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from math import cos, isfinite, radians, sin
from pathlib import Path
from typing import Any

from handlers.project.scene import Box, Marker, Slope, Sphere
from handlers.project.spec import ProjectSpec
from store.errors import MissingExtraError

HINT = "pip install 'cadenzad[rerun]'"
GREY, ZONE, WAY = (128, 128, 128), (27, 127, 59, 60), (40, 90, 200)
FLAT_M = 0.01
"""Half of the thickness that a zone is drawn with where it has none, m."""

MEASURED = ("body_height", "roll_deg", "pitch_deg", "nearest_m", "feet_grounded")
"""What is drawn as a curve by tick, in the units of the log."""


def write_recording(
    path: Path, spec: ProjectSpec, run: str, records: Iterable[Mapping[str, Any]]
) -> int:
    """Write a run of a mission to `path` (.rrd); the ticks in it.

    Timelines: `tick`, and `sim_time` (s) where the log says it. Positions are metres, forward is
    -X at yaw 0, Z is up. A value that the log does not have is left out. Raises MissingExtraError
    without rerun-sdk, OSError where nothing can be written.
    """
    rr = _rerun()
    recording = rr.RecordingStream("cadenza", recording_id=f"{spec.name}/{run}")
    path.parent.stat()  # a folder that is missing is said by us, not by its library
    recording.save(str(path))
    try:
        recording.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        _log_scene(rr, recording, spec)
        return _log_ticks(rr, recording, records)
    finally:
        recording.flush()
        recording.disconnect()


def _rerun() -> Any:
    try:
        return import_module("rerun")
    except ImportError as error:
        name = error.name or "rerun"
        raise MissingExtraError(f"a recording needs {name}, not installed", hint=HINT) from None


def _log_scene(rr: Any, recording: Any, spec: ProjectSpec) -> None:
    """What stands there, and the zones."""
    for number, item in enumerate(spec.scene.objects):
        place = f"world/objects/{number}"
        match item:
            case Box():
                shape = rr.Boxes3D(
                    centers=[item.position], half_sizes=[item.size], labels=[item.tag],
                    colors=[_colour(item.rgba)], fill_mode="solid",
                )  # fmt: skip
            case Sphere():
                shape = rr.Points3D(
                    [item.position], radii=[item.radius], labels=[item.tag],
                    colors=[_colour(item.rgba)],
                )  # fmt: skip
            case Marker():
                shape = rr.Boxes3D(
                    centers=[item.position], half_sizes=[item.size], labels=[item.tag],
                    colors=[_colour(item.rgba)],
                )  # fmt: skip
            case Slope():
                shape = _slope(rr, item)
        recording.log(place, shape, static=True)
    for number, zone in enumerate(spec.scene.zones):
        low, high = zone.aabb
        centre = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
        half = [max(FLAT_M, (b - a) / 2) for a, b in zip(low, high, strict=True)]
        box = rr.Boxes3D(centers=[centre], half_sizes=[half], labels=[zone.name], colors=[ZONE])
        recording.log(f"world/zones/{number}", box, static=True)


def _slope(rr: Any, item: Slope) -> Any:
    """A ramp, where the simulator has it."""
    from handlers.mission.world.model import incline  # and its imports, which most runs do without

    centre, (w, x, y, z), half = incline(item)
    return rr.Boxes3D(
        centers=[centre],
        half_sizes=[half],
        labels=[item.tag],
        colors=[_colour(item.rgba)],
        quaternions=[rr.Quaternion(xyzw=[x, y, z, w])],
        fill_mode="solid",
    )


def _log_ticks(rr: Any, recording: Any, records: Iterable[Mapping[str, Any]]) -> int:
    way: list[tuple[float, float, float]] = []
    total, count, said = 0.0, 0, ("", "")
    for count, record in enumerate(records, 1):
        obs = record.get("obs") if isinstance(record.get("obs"), dict) else {}
        assert isinstance(obs, dict)
        tick, moment = _number(record.get("tick")), _number(record.get("sim_time_s"))
        recording.set_time("tick", sequence=count if tick is None else int(tick))
        if moment is not None:
            recording.set_time("sim_time", duration=moment)
        place = _place(obs)
        if place is not None:
            way.append(place)
            _log_place(rr, recording, place, _number(record.get("yaw_deg")), way)
        reward = _number(record.get("reward"))
        total += reward or 0.0
        curves = {name: _number(obs.get(name)) for name in MEASURED}
        curves |= {"reward": reward, "reward_so_far": total}
        for name, value in curves.items():
            if value is not None:
                recording.log(f"curves/{name}", rr.Scalars(value))
        said = _log_words(rr, recording, record, said)
    return count


def _log_place(
    rr: Any,
    recording: Any,
    place: tuple[float, float, float],
    yaw: float | None,
    way: list[tuple[float, float, float]],
) -> None:
    recording.log("world/robot", rr.Points3D([place], radii=[0.15], colors=[WAY]))
    if yaw is not None:
        ahead = (-0.5 * cos(radians(yaw)), -0.5 * sin(radians(yaw)), 0.0)
        arrow = rr.Arrows3D(origins=[place], vectors=[ahead], colors=[WAY])
        recording.log("world/robot/ahead", arrow)
    recording.log("world/way", rr.LineStrips3D([way], colors=[WAY], radii=[0.02]))


def _log_words(
    rr: Any, recording: Any, record: Mapping[str, Any], before: tuple[str, str]
) -> tuple[str, str]:
    """A line where it does something else, or in another phase, and what ended it."""
    now = (str(record.get("phase") or "unknown"), str(record.get("action") or "unknown"))
    if now != before:
        recording.log("words", rr.TextLog(f"{now[0]}: {now[1]}", level="INFO"))
    reason = record.get("end_reason")
    if isinstance(reason, str) and reason:
        recording.log("words", rr.TextLog(reason, level="WARN"))
    return now


def _place(obs: Mapping[str, Any]) -> tuple[float, float, float] | None:
    x, y = _number(obs.get("pos_x")), _number(obs.get("pos_y"))
    if x is None or y is None:
        return None
    return x, y, _number(obs.get("body_height")) or 0.0


def _colour(rgba: tuple[float, float, float, float] | None) -> tuple[int, ...]:
    return GREY if rgba is None else tuple(round(255 * part) for part in rgba)


def _number(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if known and isinstance(value, int | float) else None
