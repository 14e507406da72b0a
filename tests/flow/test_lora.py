"""The adapter, from dropped examples to a deployed one and back: real jobs, torch and PEFT."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from teaching import rows, taught_project

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("mujoco")

QUICK = "[judge]\nmode = 'off'\n[lora]\ndebounce = 0.3\nmax_wait = 60\nencoder = 'light'\n"
BUSY = ("queued", "running")
SIT, STAND = [{"action": "sit"}], [{"action": "stand"}]
GOALS = {"sit down": SIT, "take a seat": SIT, "stand up": STAND, "get up": STAND}
"""Plans that are over soon: each is simulated for as long as it takes the robot."""
STEP = [{"action": "walk_forward", "distance_m": 0.1}]


@pytest.fixture
def project(house) -> Path:
    """A known project whose exam asks what its examples teach; trained when somebody says so."""
    made = taught_project(house, GOALS, f"{QUICK}retrain = false\n")
    house.once()
    return made


def adapter_of(house) -> dict[str, object]:
    return house.project_status()["adapter"]


def test_dropped_examples_lead_to_a_scored_adapter(house) -> None:
    project = taught_project(house, GOALS, QUICK)
    house.start()
    house.until(lambda: adapter_of(house)["verdict"], "an adapter is scored", timeout=90)
    first = adapter_of(house)
    assert first["version"] == 1
    axes = {"fidelity", "safety", "mission", "coverage", "stability", "regression"}
    assert set(first["scores"]) >= axes

    # when many files come in a moment
    folder = project / ".cadenza-env" / "examples"
    folder.mkdir()
    for number in range(200):
        draft = folder / f".{number}"
        draft.write_text(rows({f"sit {number} times": [{"action": "sit", "repeat": 2}]}))
        draft.rename(folder / f"{number}.jsonl")
    house.until(
        lambda: (
            adapter_of(house)["scored"] != 1
            and not [
                j for j in house.project_status()["jobs"] if j["state"] in ("queued", "running")
            ]
        ),
        "the last of them is trained on",
        timeout=110,
    )
    # then at most two trainings came of it, and the last covers them all
    trained = house.events("AdapterTrained")
    assert 2 <= len(trained) <= 3
    assert trained[-1]["data"]["rows"] >= 204
    why = house.run("cadenzactl", "why", "rescue").stdout
    assert "ExamplesRecorded" in why
    assert house.run("cadenzactl", "verify", check=False).returncode == 0


def test_train_gate_decode_rollback_by_hand(house, project) -> None:
    walking = {"walk ahead": STEP, "go straight on": STEP}
    (project / "lora" / "patterns.jsonl").write_text(rows({**GOALS, **walking}))
    # given a first version, whatever its verdict, and the same bytes for the same data
    done = house.run("cadenza", "env", "lora", "finetune", project, "--json", check=False)
    assert done.returncode in (0, 5, 6), done.stderr
    card = json.loads(done.stdout)
    assert done.returncode == {"DEPLOY": 0, "BLOCK": 5, "NEEDS_DATA": 6}[card["verdict"]]
    assert {check["axis"] for check in card["checks"]} >= {"fidelity", "safety"}
    # (an exam of the examples in politer words is none)
    assert [note.split(":")[0] for note in card["notes"]] == ["lora/eval.jsonl"] * 4
    folder = project / ".cadenza-env" / "adapters"
    house.run("cadenza", "env", "lora", "finetune", project, check=False)
    one, two = ((folder / n / "adapter_model.safetensors").read_bytes() for n in ("0001", "0002"))
    assert one == two

    # when goals are decoded
    line = house.run(
        "cadenza", "env", "lora", "decode", project, "take a seat after you walk 2 meters ahead",
        "--json", "--version", "2",
    ).stdout  # fmt: skip
    decoded = json.loads(line)
    assert [action["action"] for action in decoded["actions"]] == ["walk_forward", "sit"]
    assert decoded["actions"][0]["distance_m"] == 2.0
    refused = house.run(
        "cadenza",
        "env",
        "lora",
        "decode",
        project,
        "--json",
        "--version",
        "2",
        "order a pizza",
        check=False,
    ).stdout
    assert json.loads(refused)["refused"] is True
    assert json.loads(refused)["actions"] == []

    # then a rollback switches the link, and says so
    assert card["verdict"] == "NEEDS_DATA"
    refused = house.run("cadenzactl", "rollback", "rescue", "--to", "1", check=False)
    assert "version 1 was never deployed, and its verdict is NEEDS_DATA" in refused.stderr
    assert not (folder / "deployed").exists()
    said = house.run("cadenzactl", "rollback", "rescue", "--to", "1", "--force").stdout
    assert "without a DEPLOY" in said
    assert os.readlink(folder / "deployed") == "0001"
    assert adapter_of(house)["forced"] is True
    house.run("cadenzactl", "rollback", "rescue", "--to", "2", "--force")
    house.run("cadenzactl", "rollback", "rescue", "--force")
    assert adapter_of(house)["deployed"] == 1
    gone = house.run("cadenzactl", "rollback", "rescue", "--to", "9", check=False)
    assert gone.returncode == 1
    assert "is no adapter" in gone.stderr

    # and a damaged version is refused while the deployed one serves
    (folder / "0002" / "adapter_model.safetensors").write_bytes(b"x")
    bad = house.run("cadenzactl", "rollback", "rescue", "--to", "2", "--force", check=False)
    assert "is not the file that was trained" in bad.stderr
    assert os.readlink(folder / "deployed") == "0001"
    run = house.run(
        "cadenza", "env", "run", project, "--headless", "--policy", "lora", "--max-ticks", "2",
        check=False,
    )  # fmt: skip
    assert "lora" in run.stdout


def test_examples_moved_into_the_exam_deploy_nothing(house, project) -> None:
    # given an adapter that was trained on what the exam is about to ask
    patterns, exam = project / "lora" / "patterns.jsonl", project / "lora" / "eval.jsonl"
    more = {f"{verb} {n} times": [{"action": verb, "repeat": n}]
            for verb in ("sit", "stand") for n in range(2, 13)}  # fmt: skip
    patterns.write_text(rows({**GOALS, **more}))
    house.run("cadenza", "env", "lora", "finetune", project, check=False)
    patterns.write_text(rows(GOALS))
    exam.write_text(rows(more))

    # when it is scored anew, to be deployed
    done = house.run("cadenza", "env", "lora", "eval", project, "--promote", "--json", check=False)

    # then it is not, and the rows are named
    card = json.loads(done.stdout)
    assert (card["verdict"], card["deployed"], card["held_out"]) == ("NEEDS_DATA", False, False)
    assert any("lora/eval.jsonl:1" in reason for reason in card["reasons"])
    assert adapter_of(house)["deployed"] is None


def test_records_given_by_hand_are_trained_on(house, project, tmp_path) -> None:
    # given a goal that no example speaks of: where one does, it comes before a record
    spec = json.loads((project / "env.json").read_text())
    phase = spec["phases"][0]
    phase["goal_prompt"] = "keep watch beside the western gate"
    (project / "env.json").write_text(json.dumps(spec))
    record = {
        "prompt": f"[GOAL: {phase['goal_prompt']}]",
        "phase": phase["name"],
        "phase_idx": 0,
        "action": "sit",
        "action_params": {},
        "tick": 1,
    }
    following = {**record, "phase": "next", "phase_idx": 1, "tick": 2}
    (tmp_path / "x.finetune.jsonl").write_text(f"{json.dumps(record)}\n{json.dumps(following)}\n")
    house.run("cadenza", "env", "lora", "finetune", project, "--finetune",
              os.path.relpath(tmp_path / "x.finetune.jsonl"), check=False)  # fmt: skip
    assert house.events("AdapterTrained")[-1]["data"]["sources"]["finetune"] == 1


def test_goals_of_a_file_are_read_as_they_are_written(house, project, tmp_path) -> None:
    house.run("cadenza", "env", "lora", "finetune", project, check=False)
    goals = tmp_path / "goals.jsonl"
    decode = ("cadenza", "env", "lora", "decode", project, "--version", "1", "--json", "--file")
    goals.write_bytes(b'\xef\xbb\xbf{"goal": "sit down"}\n')
    assert json.loads(house.run(*decode, goals).stdout)["goal"] == "sit down"
    goals.write_text("\n\n")
    empty = house.run(*decode, goals, check=False)
    assert empty.returncode == 1
    assert "no goals" in empty.stderr


def test_what_cannot_be_trained_on_is_a_failed_job_with_a_reason(house, project) -> None:
    (project / "lora_encoder.py").write_text("raise SystemExit('ran')\n")
    done = house.run("cadenza", "env", "lora", "finetune", project, check=False)
    assert done.returncode == 1
    assert "is not trusted" in done.stderr
    assert "ran" not in done.stderr.replace("trained", "")
    (project / "lora_encoder.py").unlink()

    with (project / "lora" / "patterns.jsonl").open("a") as stream:
        stream.write(rows({"please sit down now": [{"action": "sit"}]}))
    done = house.run("cadenza", "env", "lora", "finetune", project, check=False)
    assert "in the examples and in the exam" in done.stderr


def test_a_trusted_encoder_is_used_and_a_wrong_one_named(house, project) -> None:
    (project / "lora_encoder.py").write_text(
        "import torch\n"
        "class E(torch.nn.Module):\n"
        "    hidden_dim = 32\n"
        "    def forward(self, text, images=None):\n"
        "        out = torch.zeros(len(text), 1, 32)\n"
        "        for row, line in enumerate(text):\n"
        "            for c in line.encode():\n"
        "                out[row, 0, c % 32] += 1\n"
        "        return out\n"
        "def build_encoder(max_seq_len):\n"
        "    return E()\n"
    )
    house.run("cadenzactl", "trust", "rescue")
    done = house.run("cadenza", "env", "lora", "finetune", project, check=False)
    assert done.returncode in (0, 5, 6), done.stderr
    assert house.events("AdapterTrained")[-1]["data"]["encoder"] == "project"
    assert "encoder lora_encoder.py (LoRA over its vectors), " in done.stderr

    text = (project / "lora_encoder.py").read_text()
    (project / "lora_encoder.py").write_text(text.replace("return out", "return out[0]"))
    again = house.run("cadenza", "env", "lora", "finetune", project, check=False)
    assert "changed since it was trusted" in again.stderr
    house.run("cadenzactl", "trust", "rescue")
    wrong = house.run("cadenza", "env", "lora", "finetune", project, check=False)
    assert "forward gave [1, 32], not [" in wrong.stderr
