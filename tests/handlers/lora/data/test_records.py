"""Training records as rows: the goal is found again, and only what was completed is learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from handlers.lora.data.dataset import load_dataset
from handlers.lora.data.mined import LONGEST, Mined
from handlers.lora.data.records import content_of, goal_of, steps_of_records
from handlers.project.formats.examples import Step
from handlers.project.library import library_for
from handlers.project.project import Project
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE, ProjectSpec, parse_spec

GO1 = library_for("go1", None)


def mission(template: str | None = None) -> ProjectSpec:
    phases = [
        {"name": name, "goal_prompt": goal, "success_when": {"elapsed_ticks": 3}}
        for name, goal in (("a", "find the box"), ("b", "come back"), ("c", "rest"))
    ]
    shape: dict[str, Any] = {"name": "m", "phases": phases}
    if template is not None:
        shape["vla_finetune"] = {"prompt_template": template}
    return parse_spec(json.dumps(shape).encode(), "env.json")


GOALS = {"a": "find the box", "b": "come back", "c": "rest"}


def prompt(goal: str, template: str = DEFAULT_PROMPT_TEMPLATE) -> str:
    numbers = dict.fromkeys(
        ("body_height", "roll_deg", "pitch_deg", "feet_grounded", "nearest_m", "pos_x", "pos_y"), 0
    )
    names = {"mission_name": "m", "n_phases": 3, "phase_idx": 1, "phase_name": "a", **numbers}
    return template.format(goal_prompt=goal, **names)


def record(tick: int, phase: str, action: str = "sit", **changes: Any) -> dict[str, Any]:
    shape = {
        "prompt": prompt(GOALS[phase]),
        "action": action,
        "action_params": {"speed": 1.0},
        "reward": 0.5,
        "phase": phase,
        "phase_idx": "abc".index(phase),
        "tick": tick,
        "mission_success": False,
        "judgment": None,
    }
    return {**shape, **changes}


def found(tmp_path: Path, *records: dict[str, Any] | str) -> tuple[list[Mined], list[str]]:
    path = tmp_path / "x.finetune.jsonl"
    lines = [line if isinstance(line, str) else json.dumps(line) for line in records]
    path.write_text("\n".join([*lines, ""]))
    problems: list[tuple[str, str]] = []
    return list(steps_of_records(path, mission(), GO1, problems)), [where for where, _ in problems]


def plans(mined: list[Mined]) -> list[tuple[str, str]]:
    return [(item.goal, " ".join(step.action for step in item.actions)) for item in mined]


def test_what_the_next_phase_follows_on_and_what_ends_in_success(tmp_path: Path) -> None:
    mined, problems = found(
        tmp_path, record(1, "a"), record(2, "a", "jump"), record(3, "b", "stand"),
        record(4, "c", "lie_down", mission_success=True),
    )  # fmt: skip
    assert plans(mined) == [("find the box", "sit jump"), ("come back", "stand"),
                            ("rest", "lie_down")]  # fmt: skip
    assert [item.where for item in mined] == [f"x.finetune.jsonl:{line}" for line in (1, 3, 4)]
    assert problems == []


def test_a_mission_that_failed_later_teaches_what_it_completed(tmp_path: Path) -> None:
    mined, _ = found(tmp_path, record(1, "a"), record(2, "b"), record(3, "b"))
    assert plans(mined) == [("find the box", "sit")]


@pytest.mark.parametrize(
    "records",
    [
        [record(1, "a"), record(3, "b"), record(4, "b")],  # the phase's end was filtered out
        [record(2, "a"), record(3, "b")],  # its beginning was
        [record(1, "a"), record(3, "a"), record(4, "b")],  # its middle was
        [record(1, "a"), record(2, "c")],  # a phase was skipped
        [record(1, "a"), record(1, "b")],  # another run
        [record(1, "a"), "{", record(2, "b")],
        [record(1, "a", "fly"), record(2, "b")],
        [*(record(n, "a") for n in range(1, LONGEST + 2)), record(LONGEST + 2, "b")],
    ],
)
def test_what_is_not_whole_is_not_learned_from(
    records: list[dict[str, Any] | str], tmp_path: Path
) -> None:
    assert found(tmp_path, *records)[0] == []


def test_runs_one_after_another_are_told_apart(tmp_path: Path) -> None:
    run = [record(1, "a"), record(2, "b", mission_success=True)]
    mined, _ = found(tmp_path, *run, *run)
    assert plans(mined) == [("find the box", "sit"), ("come back", "sit")] * 2


def test_a_canonical_action_stands_for_one_that_was_clearly_wrong(tmp_path: Path) -> None:
    judgment = {
        "match": False,
        "severity": 0.9,
        "canonical_confidence": 0.9,
        "canonical_action": "turn_left",
        "canonical_params": {"rotation_rad": 0.5},
    }
    mined, _ = found(tmp_path, record(1, "a", judgment=judgment), record(2, "b"))
    assert mined[0].actions == (Step("turn_left", {"rotation_rad": 0.5}),)
    assert mined[0].corrected


def test_a_prompt_without_a_goal_is_a_problem(tmp_path: Path) -> None:
    mined, problems = found(tmp_path, record(1, "a", prompt="do it"), record(2, "b"))
    assert (mined, problems) == ([], ["x.finetune.jsonl:1"])


@pytest.mark.parametrize(
    ("template", "text", "goal"),
    [
        (None, prompt("find the box"), "find the box"),
        (None, prompt("a goal that was rewritten"), "a goal that was rewritten"),
        ("{mission_name} :: {goal_prompt} :: {nearest_m}", "m :: go on :: 0.3", "go on"),
        ("{goal_prompt}", "go on", "go on"),
        ("Goal: {goal_prompt}", "Goal: go on", "go on"),
        ("{a} {unknown}", "[MISSION: m] [PHASE: a] [GOAL: go on] [ACTION]", "go on"),
        ("{mission_name}{goal_prompt}", "mgo on", None),
        ("{goal_prompt", "go on", None),
        ("no goal", "no goal", None),
        (None, 7, None),
    ],
)
def test_the_goal_is_found_where_the_template_puts_it(
    template: str | None, text: object, goal: str | None
) -> None:
    assert goal_of({"prompt": text, "phase": "a"}, mission(template)) == goal


def test_a_file_is_known_by_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for line, content in (
        (record(1, "a"), "records"),
        ({"tick": 1, "action": "sit", "goal_prompt": "x"}, "log"),
        ({"goal": "x", "actions": []}, None),
    ):
        path.write_text(f"\n{json.dumps(line)}\n")
        assert content_of(path) == content


def test_records_teach_what_their_log_teaches(recorded: Path, tmp_path: Path) -> None:
    for path in sorted(recorded.glob("missions/*/*.finetune.jsonl")):
        (tmp_path / "env.json").write_bytes((path.parent / "env.json").read_bytes())
        log = path.with_name(path.name.replace(".finetune.", ".log."))
        one, other = (load_dataset(Project.open(tmp_path), finetune=given) for given in (path, log))
        learned, done = (
            [(row.goal, row.actions, row.corrected) for row in data.train] for data in (one, other)
        )
        assert learned == done, path
        assert one.left_out == other.left_out
