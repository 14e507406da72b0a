"""Bad actions planted into the driver's runs: does the judgment find them, and only them?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from math import cos, sin
from random import Random
from typing import Any

from handlers.mission.episode.environment import Mission
from handlers.mission.locomotion.actions import LINES, TURNS
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.lookout import VisionFirst
from handlers.mission.policies.protocol import Decision, View
from handlers.mission.policies.scripted import Scripted
from handlers.mission.world.model import SceneModel, compile_scene
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec

HIGH_M = 0.12
"""What is higher than this nobody walks over."""


@dataclass(slots=True)
class Tally:
    """What a number of runs came to.

    planted, found: per kind of bad action. good: ticks of the driver; blamed: those of them that do
    not match, as (mission, seed, tick, judgment).
    """

    runs: int = 0
    won: int = 0
    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[str, int, Any]] = field(default_factory=list)
    good: int = 0
    blamed: list[tuple[str, int, Any]] = field(default_factory=list)
    lost: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found.total() / max(1, self.planted.total())

    @property
    def false_rate(self) -> float:
        return len(self.blamed) / max(1, self.good)


def bad_action(view: View, good: Call, draw: Random) -> tuple[str, Call] | None:
    """A kind of bad action and one of it, for what the driver would have done; None for none."""
    found: list[tuple[str, Call]] = []
    if good.action in LINES:
        way = max(0.4, good.distance_m)
        along = LINES[good.action].along
        back = "walk_forward" if along < 0 else "walk_backward"
        found.append(("wrong way", Call(back, distance_m=way)))
        found.append(("over-rotation", Call(f"turn_{draw.choice(('left', 'right'))}",
                                            rotation_rad=draw.uniform(0.8, 2.4))))  # fmt: skip
    elif good.action in TURNS and good.rotation_rad:
        angle, sign = good.rotation_rad, TURNS[good.action][1]
        if 0.3 < angle < 2.4:
            other = "right" if sign > 0 else "left"
            found.append(("wrong way", Call(f"turn_{other}", rotation_rad=angle)))
        found.append(("over-rotation", Call(good.action, rotation_rad=angle + draw.uniform(
            0.8, 2.0))))  # fmt: skip
    else:
        return None
    found.append(("idle", draw.choice((Call("stand"), Call("sit"), Call("shake_hand")))))
    wall = _wall_ahead(view)
    if wall is not None:
        found.append(("into a wall", Call("walk_forward", distance_m=wall + 0.6)))
    return found[-1] if wall is not None and draw.random() < 0.5 else draw.choice(found)


def fair_action(good: Call, draw: Random) -> Call:
    """What another careful driver might do: a shorter move, another gait, a rougher turn."""
    if good.action in LINES and good.distance_m:
        shorter = replace(good, distance_m=good.distance_m * draw.uniform(0.4, 1.0))
        gaits = ("walk_forward", "trot_forward", "crawl_forward")
        return replace(shorter, action=draw.choice(gaits)) if good.action == gaits[0] else shorter
    if good.action in TURNS and good.rotation_rad:
        side = good.action.rpartition("_")[2]
        name = draw.choice((f"turn_{side}", f"precision_turn_{side}"))
        return replace(good, action=name, rotation_rad=good.rotation_rad * draw.uniform(0.8, 1.1))
    return good


def _wall_ahead(view: View) -> float | None:
    """How far ahead (m) something stands that nobody walks over; None within 2 m."""
    for k in range(8, 50):
        way = 0.04 * k
        at = (view.x + way * cos(view.yaw), view.y + way * sin(view.yaw))
        if view.terrain.height(*at) > HIGH_M:
            return way
    return None


def drive(
    spec: ProjectSpec,
    seed: int,
    tally: Tally,
    *,
    plant: float = 0.0,
    vary: float = 0.0,
    scene: SceneModel | None = None,
) -> list[dict[str, Any]]:
    """One run of the scripted driver: a part of its actions is bad ones, or varied, instead."""
    draw = Random(f"{spec.name} {seed}")
    library = library_for(spec.robot, None, spec.signals)
    mission = Mission(
        spec, library, scene or compile_scene(spec.scene.objects), seed=seed, policy="scripted"
    )
    driver = VisionFirst(Scripted())
    driver.begin(seed)
    records = [mission.reset()]
    ticks: list[tuple[str, dict[str, Any]]] = []
    while mission.end is None:
        view = mission.view()
        decision, kind = driver.decide(view), ""
        if draw.random() < plant and view.upright:
            bad = bad_action(view, decision.call, draw)
            if bad is not None:
                kind, decision = bad[0], Decision(bad[1])
        if not kind and draw.random() < vary:
            decision = Decision(fair_action(decision.call, draw))
        record = mission.step(decision)
        records.append(record)
        if record["judgment"] is not None:
            ticks.append((kind, record))
    tally.runs += 1
    tally.won += mission.success
    if not mission.success:
        tally.lost.append((spec.name, seed, mission.end))
    for kind, record in ticks:
        match = record["judgment"]["match"]
        if kind:
            tally.planted[kind] += 1
            tally.found[kind] += not match
            if match:
                tally.missed.append((spec.name, seed, record))
        elif mission.success or plant:
            tally.good += 1
            if not match:
                tally.blamed.append((spec.name, seed, record))
    return records
