"""What people are told of the candidates of a judging."""

from __future__ import annotations

from cadenzad.cli.shown.candidates import said_of_candidates
from store.events.prompt import CandidateFact, CandidatesWeighed

STUCK = {"mode_id": "stuck@go", "citations": ("r1:1-2",)}


def told(*candidates: CandidateFact, missions: int = 40, most: int = 6) -> list[str]:
    event = CandidatesWeighed(
        candidates=candidates, missions=missions, unweighed=("candidate 3: no action 'moonwalk'",)
    )
    return [*said_of_candidates(event.as_shape(), most)]


def test_the_chosen_one_comes_first_and_each_says_whose_it_is() -> None:
    dropped = CandidateFact(
        lines=("- when in go and stuck: walk_forward",),
        by="model",
        fate="dropped",
        reason="it repeats what failed",
        **STUCK,
    )
    weighed = CandidateFact(
        lines=("- when in go and stuck: sit",), by="code", missions=1, gain=-0.5, **STUCK
    )
    chosen = CandidateFact(
        lines=("- when in go and stuck: turn_left", "- when in go and blocked: sit"),
        by="code",
        missions=8,
        gain=0.75,
        fate="chosen",
        why="turn away",
        touches=(3,),
        **STUCK,
    )
    lines = told(dropped, weighed, chosen)
    assert lines == [
        "candidates: 1 by the model, 2 by enumeration; 1 dropped, 2 compared in 40 missions",
        "  chosen   when in go and stuck: turn_left / when in go and blocked: sit",
        "           by enumeration for stuck@go; gain +0.75 a mission over 8; turn away",
        "  weighed  when in go and stuck: sit",
        "           by enumeration for stuck@go; gain -0.50 a mission over 1",
        "  dropped  when in go and stuck: walk_forward",
        "           by the model for stuck@go; it repeats what failed",
        "  dropped: candidate 3: no action 'moonwalk'",
    ]


def test_of_many_rules_the_first_is_shown() -> None:
    lines = tuple(f"- when stuck for {n} ticks: sit" for n in range(2, 6))
    shown = told(CandidateFact(lines=lines, by="code", **STUCK))[1]
    assert shown == "  weighed  4 rules: when stuck for 2 ticks: sit / ..."


def test_many_are_cut_short_and_nothing_simulated_is_said() -> None:
    many = [
        CandidateFact(lines=(f"- when stuck for {n} ticks: sit",), by="code", **STUCK)
        for n in range(2, 12)
    ]
    lines = told(*many, missions=0)
    assert lines[0].endswith("0 dropped, 10 not compared: nothing was simulated")
    assert "  and 4 further ones (--json has all)" in lines
    assert len([line for line in told(*many, most=10) if "sit" in line]) == 10
