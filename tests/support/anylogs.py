"""Logs drawn at random that show every cause, and lines as no two robots write them.

The same number gives the same bytes on every machine: a corpus of findings stands on it.
"""

from __future__ import annotations

import json
from math import cos, radians, sin
from random import Random
from typing import Any

from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec

ODD: tuple[Any, ...] = (None, "text", True, 3, -1.5, 1e308, [], {}, ["rubble"], {"left": "far"})
"""What a field may hold that is not what it is for."""
Chosen = tuple[str, dict[str, Any], float]
"""An action, its parameters, and the part of it that is carried out."""
HABITS = ("ahead", "against", "still", "swing", "round", "back", "signal", "pose", "leap", "any")


def log(number: int, spec: ProjectSpec, library: ActionLibrary) -> bytes:
    """A log of one to three runs; every third has lines that need a second look."""
    rng = Random(number)
    rough = number % 3 == 0
    lines: list[bytes] = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        lines += [_line(rng, record, rough) for record in _run(rng, spec, library, rough)]
    if rough:
        for _ in range(rng.randrange(6)):
            at = rng.randrange(len(lines))
            odd = (b"", b"{", b"[1]", lines[at], b'{"event": "note"}', "{“}".encode())
            lines.insert(at, rng.choice(odd))
    return b"\n".join(lines) + b"\n" * (not rough or rng.random() < 0.5)


def _line(rng: Random, record: dict[str, Any], rough: bool) -> bytes:
    record = {key: value for key, value in record.items() if value is not ...}
    if rough and rng.random() < 0.05:
        record["goal_prompt"] = "über den Schutt"
        return json.dumps(record, ensure_ascii=False).encode()
    if rough and rng.random() < 0.08:
        parts = [record, *(value for value in record.values() if isinstance(value, dict) and value)]
        part = rng.choice(parts)
        part[rng.choice(list(part))] = rng.choice(ODD)
    return json.dumps(record).encode()


def _run(
    rng: Random, spec: ProjectSpec, library: ActionLibrary, rough: bool
) -> list[dict[str, Any]]:
    walk = _Walk(rng, spec, library)
    records = [walk.record(0, None)] if rng.random() < 0.6 else []
    number = 1
    for index in range(len(spec.phases)):
        if rng.random() < 0.1:
            continue  # a phase that is skipped
        walk.at = index
        for habit in rng.choices(HABITS, k=rng.choice((1, 2, 3))):
            for step in range(rng.randrange(3, 11)):
                records.append(walk.record(number, walk.choose(habit, step)))
                number += 1 + (rough and rng.random() < 0.03)
        last = records[-1]
        last["phase_done"] = rng.random() < 0.6
        if not last["phase_done"]:
            last[rng.choice(("truncated", "phase_failed", "terminated"))] = True
            if rng.random() < 0.5:
                break
    records[-1] |= {"terminated": True, "mission_success": records[-1].get("phase_done") is True}
    if rng.random() < 0.15:
        records[-1]["end_reason"] = rng.choice(("interrupted", "error"))
    return records


class _Walk:
    """A robot on the plane that does about what it is told."""

    def __init__(self, rng: Random, spec: ProjectSpec, library: ActionLibrary) -> None:
        self.rng, self.spec, self.library = rng, spec, library
        self.x, self.y, self.heading = 0.0, 0.0, 0.0
        self.at = 0
        self.tags = rng.random() < 0.8
        self.poses = rng.random() < 0.9
        self.judged = rng.random() < 0.7
        self.kinds: dict[str, list[str]] = {}
        for name, action in library.actions.items():
            self.kinds.setdefault(action.kind, []).append(name)

    def choose(self, habit: str, step: int) -> Chosen:
        rng = self.rng
        ahead = [n for n in self.kinds["gait"] if "left" not in n and "right" not in n]
        if habit in ("ahead", "against", "leap"):
            part = {"ahead": rng.uniform(0.7, 1.1), "against": rng.uniform(0, 0.2), "leap": 1.0}
            name = rng.choice([n for n in ahead if "back" not in n])
            return name, {"distance_m": 2.0 if habit == "leap" else 0.4}, part[habit]
        if habit == "back":
            return next(n for n in ahead if "back" in n), {"distance_m": 0.3}, 1.0
        if habit in ("swing", "round"):
            side = "left" if habit == "round" or step % 2 else "right"
            name = next(n for n in self.kinds["turn"] if side in n)
            return name, {"rotation_rad": 0.9}, rng.choice((0.0, 1.0, 1.0, 1.0, 1.9))
        if habit == "signal":
            return rng.choice(self.kinds["signal"]), {}, 1.0
        if habit == "still":
            return "stand", {}, 1.0
        if habit == "pose":
            return next(n for n in self.kinds["pose"] if n != "stand"), {}, 1.0
        params = {"repeat": rng.choice((1, 2, 3)), "duration_s": 1.0, "distance_m": 0.3}
        some = rng.sample(sorted(params), rng.randrange(3))
        name = rng.choice(sorted(self.library.actions))
        return name, {key: params[key] for key in some}, rng.random()

    def record(self, number: int, chosen: Chosen | None) -> dict[str, Any]:
        rng = self.rng
        if chosen is not None:
            self._move(*chosen)
        fallen = rng.random() < 0.02
        ended = "fell" if fallen else "timeout"
        phase = self.spec.phases[self.at]
        seen = {"rubble": round(rng.random(), 2), "victim": 0.5, "secret": 1.0}
        return {
            "tick": number,
            "phase": phase.name,
            "phase_idx": self.at,
            "action": chosen[0] if chosen else ...,
            "action_params": chosen[1] if chosen else ...,
            "obs": {
                "body_height": rng.choice((0.05, 0.1)) if fallen else rng.gauss(0.28, 0.01),
                "roll_deg": rng.choice((50.0, -80.0, 2.0)) if fallen else rng.gauss(0, 4),
                "pitch_deg": rng.gauss(0, 4),
                "nearest_m": rng.choice((-1.0, 0.2, 0.3, rng.random())),
                "pos_x": 1e7 if rng.random() < 0.003 else self.x,
                "pos_y": self.y,
                "yaw_deg": self.heading,
            } if self.poses else {"roll_deg": 1.0, "nearest_m": rng.random()},
            "reward": rng.gauss(0, 1),
            "phase_done": False,
            "truncated": False,
            "step_ok": rng.random() > 0.01,
            "outcome": rng.choice((..., "done", "done", "blocked", ended)),
            "scraped": rng.choice(([], [], ["rubble"])) if self.tags else ...,
            "touched_person": float(rng.random() < 0.01),
            "motion": {"label": rng.choice(("stuck", "moving", "other")),
                       "distance_to_goal_m": rng.random()},
            "judgment": {
                "match": rng.random() < 0.8,
                "severity": rng.random(),
                "canonical_action": rng.choice(sorted(self.library.actions)),
                "canonical_params": {"distance_m": rng.choice((0.3, 0.5)), "rotation_rad": None},
                "canonical_confidence": rng.random(),
            } if self.judged else ...,
            "visible_tags": {tag: seen[tag] for tag in seen if rng.random() < 0.6}
            if self.tags else ...,
            "tag_bearings": {"victim": 10.0, "secret": 3.0} if self.tags else ...,
            "target": {"distance_m": 1.0, "bearing_deg": 5.0},
            "signal_event": rng.choice((..., "none", "none", "missed", "false_positive")),
        }  # fmt: skip

    def _move(self, name: str, params: dict[str, Any], part: float) -> None:
        kind = self.library.actions[name].kind
        if kind == "turn":
            turn = params.get("rotation_rad", 0.5) * 57.3 * part * (-1 if "right" in name else 1)
            self.heading = (self.heading + turn + 180) % 360 - 180
        elif kind == "gait":
            step = params.get("distance_m", 0.3) * part * (-1 if "back" in name else 1)
            self.x -= step * cos(radians(self.heading))
            self.y -= step * sin(radians(self.heading))
