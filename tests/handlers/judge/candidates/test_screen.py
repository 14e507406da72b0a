"""Which candidates are worth a trial: what is dropped, for which reason, and what is marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from handlers.judge.candidates.barred import Barred
from handlers.judge.candidates.candidate import Candidate
from handlers.judge.candidates.screen import screen
from handlers.judge.evidence.mining import mine
from handlers.judge.evidence.report import MiningReport
from handlers.judge.evidence.ticks import RunLog
from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.rules.grammar import read
from handlers.project.library import library_for
from handlers.project.spec import ProjectSpec, parse_spec
from store.reads.improvements import PromptRow

LIBRARY = library_for("go1", None, ["signal_victim_found"])
PROMPT = "Be good.\n- when stuck: turn_left\n- when always: walk_forward\nNever walk backward!\n"
MODE = "stuck@enter_debris"


@pytest.fixture
def spec() -> ProjectSpec:
    path = files("handlers.project") / "sample" / "mission" / "env.json"
    return parse_spec(path.read_bytes(), "env.json")


def pushing(number: int, **facts: Any) -> dict[str, Any]:
    """A tick of pushing against a heap on the right."""
    record: dict[str, Any] = {
        "tick": number,
        "phase": "enter_debris",
        "phase_idx": 1,
        "phase_tick": number,
        "action": "walk_forward",
        "action_params": {"distance_m": 0.3},
        "obs": {"pos_x": -1.2, "pos_y": 0.0, "nearest_m": 0.25, "roll_deg": 0.0, "pitch_deg": 0.0},
        "motion": {"label": "stuck"},
        "visible_tags": {"rubble": 0.4},
        "clear_m": {"left": -1, "ahead": 0.3, "right": 0.3},
        "target": {"distance_m": 0.8, "bearing_deg": 40.0},
        "terminated": number == 8,
        "truncated": number == 8,
    }
    return record | facts


@pytest.fixture
def report(tmp_path: Path, spec: ProjectSpec) -> MiningReport:
    path = tmp_path / "r1.log.jsonl"
    path.write_text("".join(f"{json.dumps(pushing(n))}\n" for n in range(1, 9)), "utf-8")
    found = mine([RunLog("r1", path)], spec, LIBRARY)
    assert MODE in [finding.id for finding in found.findings]
    return found


def candidate(*lines: str, mode: str = MODE, **more: Any) -> Candidate:
    return Candidate(tuple(read(line) for line in lines), "model", mode, **more)


ASIDE = candidate("- when in enter_debris and stuck: side_step_left distance_m=0.6")


@pytest.fixture
def screened(
    report: MiningReport, spec: ProjectSpec
) -> Callable[..., tuple[list[Candidate], list[tuple[str, str]]]]:
    def run(*candidates: Candidate, prompt: str = PROMPT, **more: Any) -> Any:
        kept, dropped = screen(candidates, report, spec, LIBRARY, prompt, **more)
        return kept, [(drop.code, drop.reason) for drop in dropped]

    return run


def test_what_is_worth_a_trial_is_kept_with_what_it_touches(screened: Any) -> None:
    kept, dropped = screened(ASIDE)
    assert dropped == []
    assert kept[0].rules == ASIDE.rules
    assert kept[0].touches == (2,)
    assert kept[0].contradicts == ()


def test_what_would_never_have_spoken_is_dropped(screened: Any) -> None:
    for line in (
        "- when in enter_debris and fallen: stand_up",
        "- when in enter_debris and blocked on the left: side_step_right",
        "- when in enter_debris and after 30 ticks in phase: sit",
        "- when in exit and stuck: sit",
    ):
        kept, dropped = screened(candidate(line))
        assert kept == []
        assert dropped[0][0] == "never_fires"
    assert screened(candidate("- when stuck: sit", mode="fell@exit"))[1] == [
        ("never_fires", "nothing is found as 'fell@exit'")
    ]


def test_where_a_rule_above_the_block_decides_ours_are_not_followed(screened: Any) -> None:
    near = f"- when near rubble: sit\n{PROMPT}"
    assert screened(ASIDE, prompt=near) == (
        [],
        [("never_fires", f"an author's rule above the block decides wherever {MODE} shows")],
    )
    # then a rule below it, as the author's about being stuck, does not stand in the way
    assert screened(ASIDE)[1] == []


def test_a_citation_shows_the_condition_and_the_failure_or_it_is_none(screened: Any) -> None:
    fallen = "- when in enter_debris and fallen: stand_up"
    late = "- when in enter_debris and after 6 ticks in phase: side_step_left"
    for cites in ((f"{MODE}",), ("r1:1-99",), ("r9:2-4",)):
        assert screened(candidate(late, cites=cites))[1][0][0] == "never_fires"
    assert "no tick that it cites shows" in screened(candidate(fallen, cites=("r1:2-6",)))[1][0][1]
    kept, _ = screened(candidate(late, cites=("r1:2-6", "r1:7-8")))
    assert kept[0].cites == ("r1:7-8",)


def test_the_very_action_that_failed_is_no_remedy(screened: Any) -> None:
    again = "- when in enter_debris and stuck: walk_forward distance_m=0.8"
    assert screened(candidate(again))[1][0][0] == "repeats_failure"
    # then in company of something else it may be
    turn = "- when in enter_debris and the target more than 20 degrees to the left: turn_left"
    assert screened(candidate(turn, again))[1] == []


def test_what_was_turned_down_on_equal_evidence_is_dropped(screened: Any) -> None:
    facts: dict[str, Any] = dict.fromkeys(PromptRow._fields)
    facts |= {"version": 1, "state": "rolled_back", "unwanted": 100}
    row = PromptRow(**facts | {"rules": [{"line": line} for line in ASIDE.lines]})
    rule = read(ASIDE.lines[0])
    mine_too = Candidate((type(rule)(rule.phase, rule.conditions, rule.action, rule.parameters,
                                     MODE),), "code", MODE)  # fmt: skip
    assert screened(mine_too, rejected=Barred([row], {MODE: [50]}))[1][0][0] == "rejected"
    assert screened(mine_too, rejected=Barred([row], {MODE: [*range(101, 106)]}))[1] == []


def test_the_same_again_is_dropped(screened: Any) -> None:
    kept, dropped = screened(ASIDE, ASIDE)
    assert len(kept) == 1
    assert dropped == [("same", "it is the same as one before it")]
    prompt = f"{block_text(ASIDE.rules)}\n{PROMPT}"
    dropped = screened(ASIDE, prompt=prompt, rules_in_force=ASIDE.rules)[1]
    assert dropped == [("same", "the prompt has these rules already")]


def test_what_goes_against_the_author_is_kept_and_marked(screened: Any) -> None:
    back = candidate("- when in enter_debris and stuck: walk_backward distance_m=0.3")
    kept, dropped = screened(back, ASIDE)
    assert dropped == []
    assert [one.contradicts for one in kept] == [(4,), ()]
