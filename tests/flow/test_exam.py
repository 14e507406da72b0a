"""The exam and the gate at the front door: what stood there, who drives, what is remembered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from houses import House

from handlers.lora.data.dataset import load_dataset
from handlers.lora.exam.questions import question_of
from handlers.project.project import Project

LORA = ("cadenza", "env", "lora")


def scorecard(house: House, command: str, project: Path, *words: str) -> dict[str, Any]:
    """What a scoring says, whatever its verdict is."""
    done = house.run(*LORA, command, project, *words, "--json", check=False, timeout=900)
    card: dict[str, Any] = json.loads(done.stdout)
    return card


def axis(card: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (check for check in card["checks"] if check["axis"] == name)
    return dict(found)


def told(card: dict[str, Any]) -> str:
    return "\n".join(card["notes"])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_sample_is_scored_and_its_exam_changed_by_hand(house: House, tmp_path: Path) -> None:
    for module in ("torch", "peft", "mujoco", "transformers"):
        pytest.importorskip(module)
    project = tmp_path / "rescue-dog"
    house.run("cadenza", "env", "init", project)
    steps = "walk_forward 1.0, crawl_forward 0.5"
    house.run(*LORA, "add", project, "enter the debris field", "--steps", steps)
    first = scorecard(house, "finetune", project, "--epochs", "5", "--rank", "8", "--gate")
    assert (first["verdict"], first["deployed"]) == ("DEPLOY", True), first["reasons"]
    simulated = {path.name: path.read_bytes() for path in house.state.glob("simulated/*")}
    assert simulated

    # the same adapter at the same questions: no further look, and nothing is driven again
    again = scorecard(house, "eval", project)
    assert (again["verdict"], again["exam"]) == ("DEPLOY", first["exam"])
    assert axis(again, "regression")["detail"] == "it is the one that is deployed"
    assert {p.name: p.read_bytes() for p in house.state.glob("simulated/*")} == simulated

    # while no daemon runs, one sealed row is taken out by hand, and another's answer is changed
    file = project / "lora" / "eval.jsonl"
    kept = file.read_text("utf-8")
    asked = [question_of(row) for row in load_dataset(Project.open(project, actions=True)).exam]
    out, changed = [item.row for item in asked if item.sealed and item.row.shape != ("sit",)][:2]
    rows = [json.loads(line) for line in kept.splitlines()]
    rows = [row for row in rows if row["goal"] != out.goal]
    for row in rows:
        if row["goal"] == changed.goal:
            row["actions"] = [{"action": "sit"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    edited = scorecard(house, "eval", project)
    assert "2 sealed rows of the exam that adapters were scored with before" in told(edited)
    assert "takes the place of a row that stood in the exam before" in told(edited)
    assert edited["exam"]["number"] == 2

    # a copy of the project that shares the exam is asked the second time as well
    second = tmp_path / "second"
    shutil.copytree(project, second, ignore=shutil.ignore_patterns(".cadenza-env"))
    data = json.loads(house.run(*LORA, "data", second, "--json").stdout)
    assert data["exam"]["wrong"] == 2
    # and put back, all count again
    file.write_text(kept)
    assert "before" not in told(scorecard(house, "eval", project))

    # another version drives the same seeds as the one that serves
    other = scorecard(house, "finetune", project, "--epochs", "5", "--rank", "8", "--seed", "1")
    assert "driven on the same 65 seeds" in axis(other, "regression")["detail"]
