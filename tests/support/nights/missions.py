"""Twelve small missions, one difficulty each, that cost a fraction of a second to drive.

The robot stands at the origin and looks along -X; its left is -Y. Lengths in m.
"""

from __future__ import annotations

from typing import Any

Mission = dict[str, Any]
Thing = dict[str, Any]


def box(tag: str, x: float, y: float, hx: float, hy: float, top: float, **more: Any) -> Thing:
    """A block on the ground; half extents."""
    return {"type": "box", "tag": tag, "position": [x, y, top / 2], "size": [hx, hy, top / 2],
            **more}  # fmt: skip


def marker(tag: str, x: float, y: float) -> Thing:
    """A sign on the floor: seen, never bumped into."""
    return {"type": "marker", "tag": tag, "position": [x, y, 0.02]}


def zone(name: str, x: float, y: float, hx: float, hy: float) -> Thing:
    return {"name": name, "aabb": [[x - hx, y - hy, 0.0], [x + hx, y + hy, 1.0]]}


def phase(name: str, goal: str, ticks: int, success: Any, **fail: Any) -> Thing:
    """A phase that also fails when the robot has tipped over."""
    return {"name": name, "goal_prompt": goal, "success_when": success,
            "fail_when": {"flipped": True, **fail}, "max_ticks": ticks}  # fmt: skip


def mission(name: str, objects: list[Thing], zones: list[Thing], phases: list[Thing],
            **more: Any) -> Mission:  # fmt: skip
    return {"name": name, "robot": "go1", "scene": {"objects": objects, "zones": zones},
            "phases": phases, **more}  # fmt: skip


FLAT = mission(
    "flat course",
    [],
    [zone("half_way", -1.0, 0.0, 0.3, 0.6), zone("finish", -2.2, 0.0, 0.4, 0.8)],
    [phase("start", "walk to the half-way line", 6, {"enter_zone": "half_way"}),
     phase("finish", "walk on to the finish", 8, {"enter_zone": "finish"})],
)  # fmt: skip
"""Open ground, straight on."""

DOOR = mission(
    "doorway",
    [box("wall", -1.1, 0.25, 0.05, 0.45, 0.3), box("wall", -1.1, -1.8, 0.05, 0.3, 0.3)],
    [zone("hall", -0.5, 0.0, 0.25, 0.8), zone("beyond", -1.8, -0.5, 0.4, 1.2)],
    [phase("up_to", "walk up to the wall", 5, {"enter_zone": "hall"}),
     phase("through", "go through the door", 10, {"enter_zone": "beyond"})],
)  # fmt: skip
"""A wall straight ahead, with a door to the left of it."""

CORNER = mission(
    "patrol with a corner",
    [marker("beacon", -1.2, -2.0)],
    [zone("corner", -1.2, 0.0, 0.35, 0.6), zone("end", -1.2, -2.0, 0.6, 0.5)],
    [phase("out", "walk to the corner", 6, {"enter_zone": "corner"}),
     phase("across", "turn the corner and walk to the beacon", 13, {"enter_zone": "end"})],
)  # fmt: skip
"""To a corner, and from there to a beacon on the left."""

RAMP = mission(
    "up the ramp",
    [{"type": "slope", "tag": "ramp",
      "slope": {"near_x": -0.8, "hx": 0.8, "hy": 0.8, "hz": 0.05, "angle_deg": 8.0}},
     {"type": "marker", "tag": "flag", "position": [-2.0, 0.0, 0.25]}],
    [zone("top", -2.0, 0.0, 0.3, 0.8)],
    [phase("climb", "walk up the ramp to the flag", 9, {"enter_zone": "top"})],
)  # fmt: skip
"""A gentle slope with a flag on it."""

MARK = mission(
    "on the mark",
    [marker("mark", -1.5, 0.0)],
    [zone("mark", -1.5, 0.0, 0.16, 0.4)],
    [phase("go", "stop on the mark", 4, {"enter_zone": "mark"})],
)  # fmt: skip
"""A mark of 32 cm to come to rest on."""

FIND = mission(
    "find and report",
    [box("victim", -2.0, 0.1, 0.25, 0.15, 0.16, person=True)],
    [zone("field", -0.7, 0.0, 0.3, 0.8)],
    [phase("enter", "walk into the field", 5, {"enter_zone": "field"}),
     phase("find", "walk up to the person and report", 12,
           {"near_object": {"tag": "victim", "max_distance_m": 0.8},
            "signal_emitted": "signal_found"}, touched_person=True)],
    control_panel={"actions": {"signal_found": "Person found"}, "requires_visible_tag": "victim"},
)  # fmt: skip
"""Somebody to walk up to, and to report from there."""

GATE = mission(
    "between two buoys",
    [marker("red", -1.6, -0.9), marker("blue", -1.6, 0.9)],
    [zone("gate", -1.6, 0.0, 0.4, 0.5)],
    [phase("pass", "walk between the buoys", 8, {"enter_zone": "gate"})],
)  # fmt: skip
"""A gate between two buoys."""

POST = mission(
    "stand by the post",
    [marker("post", -1.6, 0.1)],
    [],
    [phase("wait", "stand by the post for three ticks", 8,
           {"near_object": {"tag": "post", "max_distance_m": 0.55, "for_ticks": 3}})],
)  # fmt: skip
"""A post to stand beside for three ticks."""

PERSON = mission(
    "past the person",
    [box("person", -1.3, 0.05, 0.12, 0.2, 0.16, person=True)],
    [zone("exit", -2.3, 0.0, 0.4, 1.2)],
    [phase("leave", "walk out without touching the person", 12, {"enter_zone": "exit"},
           touched_person=True)],
)  # fmt: skip
"""Somebody lies in the way."""

PIT = mission(
    "around the pit",
    [marker("warning", -1.35, 0.0)],
    [zone("pit", -1.35, 0.0, 0.3, 0.35), zone("other_side", -2.4, 0.0, 0.4, 1.4)],
    [phase("around", "get to the other side, never into the pit", 12,
           {"enter_zone": "other_side"}, enter_zone="pit")],
)  # fmt: skip
"""Ground that must not be entered, marked by a sign."""

ROOMS = mission(
    "two rooms",
    [box("wall", -1.0, 0.9, 0.05, 0.6, 0.4), box("wall", -1.0, -0.9, 0.05, 0.6, 0.4),
     {"type": "box", "tag": "table", "position": [-1.0, 0.0, 0.55], "size": [0.2, 0.4, 0.03]}],
    [zone("second_room", -1.9, 0.0, 0.4, 0.8), zone("first_room", 0.0, 0.0, 0.5, 0.8)],
    [phase("go", "crawl under the table into the second room", 10, {"enter_zone": "second_room"}),
     phase("return", "come back the same way", 10, {"enter_zone": "first_room"})],
)  # fmt: skip
"""Under a table into another room, and back."""

RUBBLE = mission(
    "rubble",
    [box("rubble", -1.0, -0.7, 0.15, 0.2, 0.12)],
    [zone("clear", -1.8, 0.0, 0.4, 0.5)],
    [phase("cross", "walk past the rubble", 6, {"enter_zone": "clear"})],
)  # fmt: skip
"""Past a heap."""
