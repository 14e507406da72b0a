"""A finding with what was known at its ticks: what a remedy has to go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from statistics import median

from handlers.judge.evidence.findings import Citation, Finding
from handlers.judge.evidence.mission import Aim
from handlers.judge.evidence.moments import Moment, moments
from handlers.judge.evidence.report import MiningReport
from handlers.judge.prompt.block import find_block, place_for
from handlers.judge.prompt.rules.forms import Side
from handlers.judge.prompt.rules.grammar import parse_all
from handlers.judge.prompt.rules.rule import Rule
from handlers.project.scene import Slope
from handlers.project.spec import ProjectSpec


class Case:
    """`cited`: before each of the finding's ticks; `heard`: those at which no rule above the block
    decides, so that ours would be followed; `elsewhere`: before the other ticks of its phase.
    `aim`: what the phase is about, None for a finding of no phase."""

    def __init__(
        self, finding: Finding, spec: ProjectSpec, known: Known, above: Sequence[Rule] = ()
    ) -> None:
        self.finding, self.phase = finding, finding.phase
        self.spec, self.panel = spec, spec.control_panel
        phase = next((p for p in spec.phases if p.name == finding.phase), None)
        self.aim = None if phase is None else Aim(spec, phase)
        self.near_m = 0.0
        if phase is not None and phase.success_when.near_object is not None:
            self.near_m = phase.success_when.near_object.max_distance_m
        self.wanted = None if phase is None else phase.success_when
        self.cited: list[Moment] = []
        self.elsewhere: list[Moment] = []
        self.run_of: dict[int, str] = {}
        for run, all_of_it in known.items():
            mine = [c for c in finding.citations if c.run == run]
            for moment in all_of_it:
                if moment.tick.phase != self.phase and self.phase is not None:
                    continue
                if any(c.first <= moment.tick.tick <= c.last for c in mine):
                    self.run_of[id(moment)] = run
                    self.cited.append(moment)
                else:
                    self.elsewhere.append(moment)

        self.heard = [m for m in self.cited if not any(m.fires(rule) for rule in above)]

    def share(self, rules: Sequence[Rule]) -> float:
        """In what part of the cited ticks one of the rules would have been followed."""
        return _share(rules, self.heard) * len(self.heard) / len(self.cited) if self.cited else 0.0

    def share_elsewhere(self, rules: Sequence[Rule]) -> float:
        return _share(rules, self.elsewhere)

    def cites(self, rules: Sequence[Rule], most: int = 6) -> tuple[str, ...]:
        """The stretches of cited ticks in which a rule would be followed; the longest first."""
        found: list[Citation] = []
        for moment in self.heard:
            if not any(moment.fires(rule) for rule in rules):
                continue
            run, tick = self.run_of[id(moment)], moment.tick.tick
            if found and found[-1].run == run and found[-1].last == tick - 1:
                found[-1] = Citation(run, found[-1].first, tick)
            else:
                found.append(Citation(run, tick, tick))
        found.sort(key=lambda cited: (cited.first - cited.last, cited))
        return tuple(str(cited) for cited in found[:most])

    @cached_property
    def freer_side(self) -> Side:
        """The side on which there was more room at the cited ticks; left where that is the same."""
        return "right" if self._room("right") > self._room("left") else "left"

    @cached_property
    def forbidden(self) -> tuple[str, ...]:
        """Tags that stand where the phase must not go: near them, or in a zone with them in it."""
        phase = next((p for p in self.spec.phases if p.name == self.phase), None)
        if phase is None:
            return ()
        scene, fail = self.spec.scene, phase.fail_when
        tags = [fail.near_object.tag] if fail.near_object is not None else []
        for zone in scene.zones:
            if zone.name == fail.enter_zone:
                (x0, y0, _), (x1, y1, _) = zone.aabb
                tags += [
                    item.tag
                    for item in scene.objects
                    if item.tag
                    and not isinstance(item, Slope)
                    and x0 <= item.position[0] <= x1
                    and y0 <= item.position[1] <= y1
                ]
        return tuple(dict.fromkeys(tags))

    def _room(self, side: str) -> float:
        ways = [_number(m.seen[-1]["clear_m"], side) for m in self.cited]
        known = [9.0 if way < 0 else way for way in ways if way is not None]
        return median(known) if known else 0.0


Known = Mapping[str, Sequence[Moment]]
"""Run -> its moments."""


def cases_of(report: MiningReport, spec: ProjectSpec, prompt_text: str) -> list[Case]:
    """A case for every finding that ticks show, in the report's order."""
    known = {episode.run: moments(episode) for episode in report.episodes}
    above = rules_above(prompt_text)
    return [Case(finding, spec, known, above) for finding in report.findings if finding.citations]


def rules_above(prompt_text: str) -> list[Rule]:
    """The author's rules that come before our block, or where it would go: they are asked first."""
    block = find_block(prompt_text)
    end = place_for(prompt_text)[0] if block is None else block.start
    return parse_all(prompt_text[:end].split("\n"))


def _share(rules: Sequence[Rule], known: Sequence[Moment]) -> float:
    if not known:
        return 0.0
    return sum(any(moment.fires(rule) for rule in rules) for moment in known) / len(known)


def _number(part: Mapping[str, float | None], name: str) -> float | None:
    return part.get(name)
