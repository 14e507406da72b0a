"""`cadenza env lora log`, `push`, `export`: what became of an adapter, and passing it on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from adapter_files import fill

from cadenzad.cli.programs import cadenza as main
from store.events.adapter import AdapterPromoted, AdapterScored, AdapterTrained
from store.events.base import Event


@pytest.fixture
def trained(home, rescue) -> Path:
    """The project, with version 1 on disk."""
    folder: Path = rescue / ".cadenza-env" / "adapters" / "0001"
    folder.mkdir(parents=True)
    fill(folder)
    return folder


def test_a_version_is_pushed_into_a_folder(trained, rescue, run_cli, tmp_path, one_error) -> None:
    out = tmp_path / "hub"
    code, said, _ = run_cli(main, "env", "lora", "push", rescue, out, "--license", "mit", "--json")
    assert code == 0
    answer = json.loads(said)
    assert (answer["version"], answer["folder"]) == (1, str(out))
    assert "README.md" in answer["files"]
    code, _, err = run_cli(main, "env", "lora", "push", rescue, out)
    assert (code, "is not empty" in one_error(err)) == (1, True)
    code, _, err = run_cli(main, "env", "lora", "push", rescue, out, "--license", "My Own")
    assert code == 2
    assert "is no licence" in one_error(err)
    code, _, err = run_cli(main, "env", "lora", "push", rescue, tmp_path / "n", "--version", "9")
    assert (code, "there is no adapter version 9" in one_error(err)) == (1, True)


def test_what_cannot_be_merged_says_so_and_leaves_nothing(
    trained, rescue, run_cli, tmp_path, one_error
) -> None:
    out = tmp_path / "merged"
    code, _, err = run_cli(main, "env", "lora", "export", rescue, "--merged", out)
    assert (code, "names no published base" in one_error(err)) == (1, True)
    assert list(tmp_path.glob("*merged*")) == []


def test_without_versions_the_log_says_how_to_make_one(home, rescue, run_cli) -> None:
    code, out, err = run_cli(main, "env", "lora", "log", rescue)
    assert (code, out) == (0, "")
    assert "cadenza env lora finetune" in err
    code, out, _ = run_cli(main, "env", "lora", "log", rescue, "--json")
    assert json.loads(out) == {"versions": []}


def facts(axis: str, value: float) -> dict[str, Any]:
    return {"axis": axis, "value": value, "lower": None, "upper": None, "threshold": 0.8, "n": 9,
            "result": "pass", "gate": "block", "detail": "d"}  # fmt: skip


def version(number: int, rows: int, fidelity: float) -> list[Event]:
    folder = f".cadenza-env/adapters/{number:04}"
    trained = AdapterTrained(
        version=number, path=folder, sha256="s", dataset_sha256=f"d{rows}", base_sha256="b",
        encoder="light", rows=rows, exam_rows=6, epochs=40, loss=0.25, seed=0, threads=1,
    )  # fmt: skip
    scored = AdapterScored.of_shape(
        {"version": number, "verdict": "DEPLOY", "held_out": True, "reasons": [], "next_steps": [],
         "checks": [facts("fidelity", fidelity)], "scorecard": "x", "scorecard_sha256": "s"}
    )  # fmt: skip
    return [trained, scored]


def test_the_log_says_what_came_from_the_fleet(trained, rescue, append, run_cli) -> None:
    first, scored = version(1, 10, 0.7)
    append(rescue, first.changed(offer="0ffe4"), scored)
    code, out, _ = run_cli(main, "env", "lora", "log", rescue)
    assert code == 0
    assert "trained elsewhere, came by the fleet's offer 0ffe4" in out


def test_the_log_says_what_changed(trained, rescue, append, run_cli) -> None:
    append(rescue, *version(1, 10, 0.7), *version(2, 14, 0.9))
    append(rescue, AdapterPromoted(version=2, previous=None, by="somebody"))
    for number, ok in ((1, False), (2, True)):
        folder = trained.parent / f"{number:04}"
        folder.mkdir(exist_ok=True)
        goals = [{"goal": "sit", "ok": ok}, {"goal": "walk", "ok": True}]
        (folder / "scorecard.json").write_text(json.dumps({"per_goal": goals}))
        (folder / "head.json").write_text(json.dumps({"facts": {"rank": 8 * number}}))

    code, out, _ = run_cli(main, "env", "lora", "log", rescue)
    lines = out.splitlines()
    assert code == 0
    assert lines[1].split()[:3] == ["2", "deployed", "DEPLOY"]
    assert lines[3:] == [
        "2: examples 10 -> 14",
        "2: LoRA rank 8 -> 16",
        "2: fidelity 0.70 -> 0.90",
        "2: now right: 'sit'",
    ]
    _, out, _ = run_cli(main, "env", "lora", "log", rescue, "--json")
    newest, oldest = json.loads(out)["versions"]
    assert (newest["version"], newest["scores"]) == (2, {"fidelity": 0.9})
    assert (oldest["changed"], oldest["verdict"]) == ([], "DEPLOY")
