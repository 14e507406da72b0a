"""A mission, tick by tick: an action in, a log record out.

`reset` gives the tick-0 record, which holds what the robot saw before it first acted, so that
obs[t-1] pairs with action[t]. Every number in a record is finite: when physics diverges the run
ends there, and the record repeats the last believable observation and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import degrees
from typing import Any

from handlers.mission.episode.conditions import PhaseWatch, SignalEvent, TickState
from handlers.mission.episode.judgment import Judge
from handlers.mission.episode.motion import Mark, Motion
from handlers.mission.episode.perception import Perception
from handlers.mission.episode.rewards import TickFacts, reward_of
from handlers.mission.episode.sim import Execution, Simulator, Variation
from handlers.mission.locomotion.skill import Call
from handlers.mission.policies.protocol import Decision, View
from handlers.mission.route.footing import Footing
from handlers.mission.route.route import Route
from handlers.mission.world.bounds import refuse_far
from handlers.mission.world.model import SceneModel
from handlers.project.formats.runlog import ERROR, INTERRUPTED
from handlers.project.library import ActionLibrary
from handlers.project.spec import Phase, ProjectSpec
from store.errors import InputError
from store.events.files import RunStamp

PAUSE_S = 0.3
"""How long sending a signal takes: the robot stands still."""

DIGITS = 6
"""Of numbers in records: micrometres, and millionths of a degree."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of a tick, as its record says it; unless told otherwise nothing did.

    touched: the solid geoms that something other than a foot touched; person_contact: control
    periods in which any part of the robot touched a person.
    """

    outcome: str | None = None
    reward: float | None = None
    done: bool = False
    failed: bool = False
    ok: bool = False
    judgment: dict[str, Any] | None = None
    signal: str | None = None
    event: SignalEvent = "none"
    finite: bool = True
    touched: Iterable[int] = ()
    person_contact: int = 0


class Mission:
    """One run of a project's mission. `end` is None while it goes on, else why it ended.

    `stamp` is what the record of tick 0 says of the conditions it is driven under. `execution` is
    what the last action did, in counts that records do not hold. `judged`: whether each action is
    compared with the canonical one, which takes a quarter of the time; without that `judgment` is
    null, no reward is for it, and no signal is said to be missed.
    Raises InputError for a mission that reaches too far.
    """

    def __init__(
        self,
        spec: ProjectSpec,
        library: ActionLibrary,
        scene: SceneModel,
        *,
        seed: int,
        policy: str,
        stamp: RunStamp | None = None,
        variation: Variation | None = None,
        max_ticks: int | None = None,
        on_control: Callable[[Simulator], None] | None = None,
        judged: bool = True,
    ) -> None:
        refuse_far(spec)
        self.spec, self.library, self.scene = spec, library, scene
        self.seed, self.policy, self.max_ticks = seed, policy, max_ticks
        self.stamp = stamp
        self.variation, self.on_control, self.judged = variation, on_control, judged
        self.senses, self.footing = Perception(spec, scene), Footing(scene.terrain)
        self.end: str | None = None
        self.success = self.truncated = False
        self.tick = self.phase_idx = 0
        self.pending: Decision | None = None

    # -- the run -----------------------------------------------------------------------------------

    def reset(self) -> Record:
        """Set the robot down and look around. The record of tick 0: no action, no reward."""
        self.sim = Simulator(
            self.scene,
            seed=self.seed,
            variation=self.variation,
            spawn=self.spec.spawn,
            on_tick=self.on_control,
        )
        self.judge = Judge(self.library) if self.judged else None
        self.tick = 0
        self.phase_idx = 0
        self.last_outcome: str | None = None
        self.execution: Execution | None = None
        self.obs = self.senses.observe(self.sim.sense)
        self.state = self.senses.state(self.sim.sense, None, "none")
        self._enter_phase()
        record = self._record(None, Acted(reward=0.0, ok=True))
        return record if self.stamp is None else {**record, "stamp": self.stamp.as_shape()}

    @property
    def phase(self) -> Phase:
        return self.spec.phases[self.phase_idx]

    def _enter_phase(self) -> None:
        self.watch = PhaseWatch(self.spec, self.phase, self.state)
        self.route = Route(self.spec, self.phase, self.footing)
        self.motion = Motion(self._mark())

    def target(self) -> dict[str, Any] | None:
        """Where the present phase is to be done, from here, as records say it."""
        target = self.senses.target(self.phase, self.sim.sense)
        return None if target is None else _rounded(target)

    def view(self) -> View:
        """What a policy may know now."""
        sense = self.sim.sense
        return View(
            spec=self.spec,
            library=self.library,
            terrain=self.scene.terrain,
            route=self.route,
            phase=self.phase,
            phase_idx=self.phase_idx,
            tick=self.tick + 1,
            phase_tick=self.watch.elapsed,
            x=sense.x,
            y=sense.y,
            z=sense.z,
            yaw=sense.yaw,
            obs=self.obs,
            visible=self.state.visible,
            visible_bearings=self.state.bearings,
            upright=self.senses.upright(sense),
            last_outcome=self.last_outcome,
            target=self.target(),
        )

    def step(self, decision: Decision) -> Record:
        """Carry out one decision. Raises InputError for an action the robot does not have."""
        call = decision.call
        spec = self.library.actions.get(call.action)
        if spec is None:
            raise InputError(self.library.validate({"action": call.action})[0])
        self.pending = decision
        self.tick += 1
        before, wanted = self.state, self._advised()
        signal = call.action if spec.kind == "signal" else None
        event = self._signal_event(signal, before, wanted)
        result = self.sim.execute(Call("stand", duration_s=PAUSE_S) if signal else call)
        self.execution, self.last_outcome = result, result.outcome
        if result.outcome == "diverged":
            return self._diverged(decision, signal, event)
        self.obs = self.senses.observe(self.sim.sense)
        touched = result.person_contact > 0
        self.state = self.senses.state(self.sim.sense, signal, event, touched)
        self.motion.add(self._mark())
        done, failed = self.watch.tick(self.state)
        judgment = self.judge.judgment(call, decision.rationale) if self.judge else None
        facts = TickFacts(before, self.state, bool(result.touched), done, failed, judgment, event)
        reward = reward_of(self.spec, self.phase.reward, facts)
        self._conclude(done, failed)
        acted = Acted(
            outcome=result.outcome,
            reward=reward,
            done=done,
            failed=failed,
            ok=result.ok,
            judgment=judgment,
            signal=signal,
            event=event,
            touched=result.touched,
            person_contact=result.person_contact,
        )
        record = self._record(decision, acted)
        self.pending = None
        if done and self.end is None:
            self.phase_idx += 1
            self._enter_phase()
        return record

    def _advised(self) -> str:
        """The canonical action; none where nobody asks for it. Either way the route knows where the
        robot is: a zone that is to be left has to be entered first."""
        if self.judge is not None:
            return self.judge.advise(self.view()).call.action
        if self.phase.success_when.exit_zone is not None:
            self.route.note(self.sim.sense.x, self.sim.sense.y, self.sim.sense.z)
        return ""

    def cut_off(self, error: str | None = None) -> Record:
        """Close the run where it is: interrupted, or because of an error in whoever decides.

        The record names the action that was under way, if one was, and tells of no step.
        """
        decision, self.pending = self.pending, None
        self.end = INTERRUPTED if error is None else f"{ERROR}: {error}"
        self.truncated = True
        if decision is None:
            self.tick += 1
        return self._record(decision, Acted(INTERRUPTED if error is None else ERROR))

    def _conclude(self, done: bool, failed: bool) -> None:
        """Whether the run ends with this tick, and why."""
        if done and self.phase_idx + 1 == len(self.spec.phases):
            self.end, self.success = "success", True
        elif failed:
            self.end = f"phase {self.phase.name!r} failed"
        elif not done and self.watch.elapsed >= self.phase.max_ticks:
            self.end, self.truncated = f"timeout in phase {self.phase.name!r}", True
        elif self.max_ticks is not None and self.tick >= self.max_ticks:
            self.end, self.truncated = f"timeout: --max-ticks {self.max_ticks}", True

    def _diverged(self, decision: Decision, signal: str | None, event: SignalEvent) -> Record:
        self.end = "diverged: the simulation left the possible"
        self.watch.elapsed += 1
        acted = Acted("diverged", failed=True, signal=signal, event=event, finite=False)
        record = self._record(decision, acted)
        self.pending = None
        return record

    # -- what is known -----------------------------------------------------------------------------

    def _mark(self) -> Mark:
        sense = self.sim.sense
        return Mark(self.sim.time_s, (sense.x, sense.y, sense.z), sense.yaw)

    def _signal_event(self, signal: str | None, before: TickState, wanted: str) -> SignalEvent:
        """A signal is right when what it reports is in view; not sending it when due is a miss."""
        needed = self.spec.control_panel.requires_visible_tag
        if signal is not None:
            return "correct" if not needed or needed in before.visible else "false_positive"
        due = bool(self.phase.success_when.signal_emitted) and wanted in self.spec.signals
        return "missed" if due else "none"

    # -- the record --------------------------------------------------------------------------------

    def _record(self, decision: Decision | None, acted: Acted) -> Record:
        end, signal, finite = self.end, acted.signal, acted.finite
        goal = self.senses.goal(self.phase, self.sim.sense) if finite else None
        params = {} if decision is None or signal else decision.call.params
        return {
            "tick": self.tick,
            "phase": self.phase.name,
            "phase_idx": self.phase_idx,
            "goal_prompt": self.phase.goal_prompt,
            "action": decision.call.action if decision else None,
            "action_params": params,
            "obs": _rounded(self.obs),
            "reward": None if acted.reward is None else round(acted.reward, DIGITS),
            "phase_done": acted.done,
            "phase_failed": acted.failed,
            "terminated": end is not None,
            "truncated": self.truncated,
            "mission_success": self.success,
            "step_ok": acted.ok,
            "motion": _rounded(self.motion.describe(goal)),
            "judgment": acted.judgment,
            "visible_tags": _rounded(dict(self.state.visible)),
            "tag_bearings": _rounded({t: degrees(b) for t, b in self.state.bearings.items()}),
            "clear_m": _rounded(self.senses.clear(self.sim.sense)) if finite else None,
            "target": self.target() if finite else None,
            "phase_tick": self.watch.elapsed,
            "is_signal": signal is not None,
            "signal_event": acted.event,
            "signal_phrase": self.spec.control_panel.actions[signal] if signal else None,
            "seed": self.seed,
            "policy": self.policy,
            "sim_time_s": round(self.sim.time_s, 3),
            "yaw_deg": round(self.sim.sense.heading_deg, DIGITS) if finite else None,
            "finite": finite,
            "outcome": acted.outcome,
            "scraped": sorted({self._tag(geom) for geom in acted.touched}),
            "touched_person": acted.person_contact,
            "end_reason": end,
        }

    def _tag(self, geom: int) -> str:
        index = int(self.scene.solids[geom].rpartition("_")[2])
        return self.spec.scene.objects[index].tag


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: round(value, DIGITS) + 0.0 if isinstance(value, float) else value
        for key, value in values.items()
    }
