"""The interface between a mission and the policy that decides in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from handlers.mission.locomotion.skill import Call
from handlers.mission.route.route import Route
from handlers.mission.world.terrain import HeightMap
from handlers.project.library import ActionLibrary
from handlers.project.spec import Phase, ProjectSpec


@dataclass(frozen=True, slots=True)
class View:
    """What a policy may know before it decides.

    `x`, `y` in m and `yaw` in rad (the direction faced, in the world: pi looks along -X). `obs` and
    `visible` are those of the records: {name: value}, {tag: distance in m}. `visible_bearings`:
    tag -> direction of the nearest such object, rad, left positive. `tick` counts decisions of the
    episode from 1, `phase_tick` those of the phase from 0. `last_outcome`: how the previous action
    ended (done, blocked, timeout, fell), None before the first. `target`: where the phase
    is to be done, as records say it. `route`: the way through the phase.
    """

    spec: ProjectSpec
    library: ActionLibrary
    terrain: HeightMap
    route: Route
    phase: Phase
    phase_idx: int
    tick: int
    phase_tick: int
    x: float
    y: float
    z: float
    yaw: float
    obs: Mapping[str, Any]
    visible: Mapping[str, float]
    visible_bearings: Mapping[str, float]
    upright: bool = True
    last_outcome: str | None = None
    target: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next: an action of the library or a signal of the control panel, and why."""

    call: Call
    rationale: str | None = None


class Policy(Protocol):
    """Decides what the robot does next: one episode after another, each started by `begin`.

    `decide` must depend on the views since `begin` and on the seed alone, so that the same seed
    gives the same run. It may raise CadenzaError, which ends the run with that message.
    """

    @property
    def name(self) -> str:
        """The policy as logs name it."""
        ...

    def begin(self, seed: int) -> None:
        """A new episode starts."""
        ...

    def decide(self, view: View) -> Decision:
        """The next action."""
        ...
