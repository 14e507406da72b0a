"""Candidates of our own: what is proposed for which cause, in which order, and that some help."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from handlers.judge.candidates.enumerate import enumerate_candidates
from handlers.judge.candidates.screen import screen
from handlers.judge.evidence.findings import Citation, Finding
from handlers.judge.evidence.report import MiningReport
from handlers.judge.evidence.ticks import Episode, Tick
from handlers.judge.evidence.wire import Clear, Target
from handlers.judge.prompt.rules.grammar import parse, read
from handlers.judge.prompt.rules.placing import placed
from handlers.judge.prompt.source import edited
from handlers.project.library import ActionLibrary, ActionSpec, library_for
from handlers.project.spec import ProjectSpec, parse_spec

simulated = pytest.mark.skipif(find_spec("mujoco") is None, reason="mujoco is not installed")
LIBRARY = library_for("go1", None, ["signal_found"])
SPEC: ProjectSpec = parse_spec(
    b"""{"name": "m", "scene": {
      "objects": [{"type": "sphere", "tag": "person", "position": [-3, 1, 0.2], "radius": 0.1}],
      "zones": [{"name": "far", "aabb": [[-3, -1, 0], [-2, 1, 1]]}]},
      "control_panel": {"actions": {"signal_found": "x"}, "requires_visible_tag": "person"},
      "phases": [
        {"name": "go", "success_when": {"enter_zone": "far"}},
        {"name": "tell", "success_when": {"signal_emitted": "signal_found",
          "near_object": {"tag": "person", "max_distance_m": 0.8}}}]}""",
    "env.json",
)


def tick(number: int, **facts: Any) -> Tick:
    blank: dict[str, Any] = dict.fromkeys(Tick._fields)
    blank |= {"tick": number, "phase": "go", "action": "walk_forward", "label": "moving"}
    blank |= {"canonical_params": {}, "visible": {}, "bearings": {}, "phase_tick": float(number)}
    blank |= {"clear": Clear(-1, -1, -1), "target": Target(1.5, 60.0)}
    return Tick(**blank | facts)


def report(*kinds: str, phase: str = "go", **facts: Any) -> MiningReport:
    """One run of six ticks that are all of them cited for each of these kinds."""
    ticks = [tick(n, phase=phase, **facts) for n in range(7)]
    episode = Episode("r1", "failed", ticks[1:], before=ticks[0])
    cited = (Citation("r1", 2, 6),)
    findings = [
        Finding(f"{kind}@{phase}", kind, phase, 1, 5, 1, "r1", "r1", cited)  # type: ignore[arg-type]
        for kind in kinds
    ]
    return MiningReport(tuple(findings), ("r1",), 6, {}, {"failed": 1}, episodes=(episode,))


def lines(made: MiningReport, library: ActionLibrary = LIBRARY, most: int = 24) -> list[str]:
    found = enumerate_candidates(made, SPEC, library, [], "", most)
    return [line for candidate in found for line in candidate.lines]


def test_who_goes_the_wrong_way_is_turned_to_the_target_from_either_side() -> None:
    found = enumerate_candidates(report("wrong_way"), SPEC, LIBRARY, [], "")
    first = found[0]
    assert "- when in go and the target more than 25 degrees to the left: turn_left" in "\n".join(
        first.lines
    )
    assert "- when in go and the target more than 25 degrees to the right: turn_right" in "\n".join(
        first.lines
    )
    assert first.origin == "code"
    assert first.mode_id == "wrong_way@go"
    assert first.cites == ("r1:2-6",)
    assert "wrong_way in go: turn toward the target" in first.why
    # then rules that only help together are one candidate
    assert len(first.rules) > 2


def test_who_pushes_steps_to_the_side_where_there_is_room() -> None:
    right_is_free = {"clear": Clear(0.3, 0.2, -1), "label": "stuck", "nearest_m": 0.2}
    made = lines(report("stuck", **right_is_free))
    right = next(at for at, line in enumerate(made) if ": side_step_right" in line)
    alone = [line for line in made if "and stuck: side_step" in line]
    assert right < made.index("- when in go and stuck: side_step_left distance_m=0.6")
    assert alone[0] == "- when in go and stuck: side_step_right distance_m=0.6"
    # and nobody is told to do what failed
    assert not any("stuck: walk_forward" in line for line in made)


def test_a_signal_that_is_due_is_sent_when_the_person_is_near_or_in_view() -> None:
    seen = {"visible": {"person": 0.9}, "target": Target(0.9, 0.0), "action": "stand"}
    made = lines(report("never_signals", phase="tell", **seen))
    assert "- when in tell and within 1 m of person: signal_found" in made
    assert "- when in tell and seeing person: signal_found" in made


def test_too_slow_goes_farther_and_too_far_goes_less() -> None:
    far = {"target": Target(3.0, 5.0), "amount": 0.1}
    assert any("walk_forward distance_m=1" in line for line in lines(report("too_slow", **far)))
    near = {"target": Target(0.4, 5.0), "amount": 1.9}
    assert any(
        "walk_forward distance_m=0.15" in line for line in lines(report("overshoot", **near))
    )


def test_what_the_log_does_not_say_no_candidate_asks_for() -> None:
    blind = {"target": None, "clear": None, "visible": None, "bearings": None, "phase_tick": None}
    assert lines(report("wrong_way", "stuck", **blind)) == []
    stuck = lines(report("wrong_way", "stuck", **blind, label="stuck"))
    assert stuck
    assert all("target" not in line and "blocked" not in line for line in stuck)


def test_another_robot_is_told_what_it_can_do() -> None:
    actions = {
        "drive": ActionSpec("drive", "gait", 1.0),
        "drive_back": ActionSpec("drive_back", "gait", 1.0),
        "spin_left": ActionSpec("spin_left", "turn", 1.57),
        "spin_right": ActionSpec("spin_right", "turn", 1.57),
    }
    rover = ActionLibrary("rover", actions)
    made = lines(report("wrong_way", "stuck", label="stuck"), rover)
    rules = [read(line) for line in made]
    assert {"spin_left", "spin_right", "drive", "drive_back"} >= {rule.action for rule in rules}
    assert any(rule.action == "spin_left" for rule in rules)
    assert not any("side_step" in line for line in made)


def test_the_list_is_short_diverse_and_always_the_same() -> None:
    made = report("stuck", "spinning", "timeout", label="stuck", nearest_m=0.2,
                  clear=Clear(-1, 0.2, 0.3))  # fmt: skip
    found = enumerate_candidates(made, SPEC, LIBRARY, [], "", most=6)
    assert len(found) == 6
    assert {candidate.mode_id for candidate in found[:3]} == {
        "stuck@go", "spinning@go", "timeout@go",
    }  # fmt: skip
    assert len({candidate.lines for candidate in found}) == 6
    assert found == enumerate_candidates(made, SPEC, LIBRARY, [], "", most=6)
    for candidate in found:
        for rule in candidate.rules:
            assert parse(candidate.lines[candidate.rules.index(rule)]) is not None
            given = {"action": rule.action, **rule.parameters}
            assert LIBRARY.validate(given) == []
            assert not rule.is_unconditional
            assert all(said.out_of_range() == "" for said in rule.conditions)
        assert len(placed(candidate.rules).rules) == len(candidate.rules)


def test_what_stands_in_the_block_is_not_proposed_again_and_what_it_bears_on_is_named() -> None:
    made = report("stuck", label="stuck")
    one = read("- when in go and stuck: side_step_left distance_m=0.6")
    prompt = "Be good.\n- when fallen: stand_up\n- when stuck: turn_left\n"
    found = enumerate_candidates(made, SPEC, LIBRARY, [one], prompt)
    assert all(one not in candidate.rules for candidate in found)
    assert all(candidate.touches == (3,) for candidate in found)


def test_what_is_for_people_is_left_to_them() -> None:
    assert lines(report("diverged", "error", "phase_skipped", "interrupted")) == []


def test_where_people_are_the_robot_is_told_to_report_from_afar_and_to_keep_off() -> None:
    path = files("handlers.project") / "sample" / "mission" / "env.json"
    sample = parse_spec(path.read_bytes(), "env.json")
    made = report("spinning", phase="enter_debris")
    found = enumerate_candidates(made, sample, library_for("go1", None, sample.signals), [], "")
    with_care = next(candidate for candidate in found if "keep off people" in candidate.why)
    assert with_care.lines[:3] == (
        "- when in find_victim and within 0.8 m of victim: signal_victim_found",
        "- when in find_victim and within 1.2 m of victim and seeing victim within 25 degrees"
        " ahead: walk_forward distance_m=0.15",
        "- when in exit and within 1 m of victim and seeing victim within 60 degrees ahead:"
        " side_step_left distance_m=0.4",
    )
    assert {rule.phase for rule in with_care.rules[3:]} == {None}
    assert len(placed(with_care.rules).rules) == len(with_care.rules) <= 12


@simulated
def test_a_candidate_of_our_own_gets_the_robot_through_a_mission_that_its_prompt_fails(
    tmp_path: Path,
) -> None:
    # given a prompt that walks straight on, where the second field is to the left
    from flawed import driven, flawed, mined

    setting, source = next(one for one in flawed() if one[0].name == "yard")
    found = mined(setting, source, tmp_path, range(1))
    assert [finding.kind for finding in found.findings] == ["wrong_way"]
    assert found.outcomes == {"failed": 1}

    # when the first of our candidates drives, on another seed
    made = enumerate_candidates(found, setting.spec, setting.library, [], source.value)
    kept, dropped = screen(made, found, setting.spec, setting.library, source.value)
    assert dropped == []
    better = source.again(edited(source, placed(kept[0].rules).rules))

    # then
    assert driven(setting, better, 7)[-1]["mission_success"]


@simulated
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["sample", "yard", "post", "search"])
def test_in_each_mission_some_candidate_of_our_own_is_ahead(name: str, tmp_path: Path) -> None:
    from flawed import driven, flawed, mined

    setting, source = next(one for one in flawed() if one[0].name == name)
    found = mined(setting, source, tmp_path, range(4))
    made = enumerate_candidates(found, setting.spec, setting.library, [], source.value)

    def done(prompt: Any) -> int:
        return sum(record["phase_done"] for record in driven(setting, prompt, 7000))

    before = done(source)
    ahead = [
        done(source.again(edited(source, placed(candidate.rules).rules))) > before
        for candidate in made
    ]
    assert any(ahead)


def test_what_marks_forbidden_ground_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a phase that must not enter a zone, and a person who stands in it
    spec = parse_spec(
        b"""{"name": "m", "scene": {
          "objects": [
            {"type": "sphere", "tag": "person", "position": [-1.2, 0, 0.2], "radius": 0.1},
            {"type": "sphere", "tag": "post", "position": [-4, 0, 0.2], "radius": 0.1}],
          "zones": [{"name": "pit", "aabb": [[-1.5, -0.3, 0], [-1, 0.3, 1]]},
                    {"name": "far", "aabb": [[-3, -1, 0], [-2, 1, 1]]}]},
          "phases": [{"name": "go", "success_when": {"enter_zone": "far"},
                      "fail_when": {"enter_zone": "pit"}}]}""",
        "env.json",
    )
    made = report("zone_violated", bearings={"person": 5.0}, visible={"person": 0.7})

    # when
    found = enumerate_candidates(made, spec, LIBRARY, [], "", 24)

    # then it is stepped past, and the post, which is allowed, is not
    first = found[0].lines
    assert len(first) == 1
    assert "person" in first[0]
    assert "side_step" in first[0]
    assert not any("post" in line for candidate in found for line in candidate.lines)
