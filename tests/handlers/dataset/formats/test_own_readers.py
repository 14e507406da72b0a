"""Readers that cannot live beside ours, each asked in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.project.scaffold import init_project, recorded_run

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

LEROBOT = """
import json, sys
import torch
from importlib.metadata import version
from lerobot.datasets.lerobot_dataset import LeRobotDataset

data = LeRobotDataset("cadenza/rescue", root=sys.argv[1], delta_timestamps={"action": [0, 1]})
batch = next(iter(torch.utils.data.DataLoader(data, batch_size=8)))
print(json.dumps({
    "version": version("lerobot"),
    "frames": len(data),
    "episodes": data.num_episodes,
    "action": list(batch["action"].shape),
    "state": list(batch["observation.state"].shape),
    "around": list(batch["observation.environment_state"].shape),
    "task": batch["task"][0],
    "mean": len(data.meta.stats["action"]["mean"]),
}))
"""

D3RLPY = """
import json, sys
import numpy, d3rlpy

with numpy.load(sys.argv[1]) as a:
    names = ("observations", "actions", "rewards", "terminals", "timeouts")
    data = d3rlpy.dataset.MDPDataset(*(a[name] for name in names))
cql = d3rlpy.algos.DiscreteCQLConfig(batch_size=8).create(device=False)
cql.fit(data, n_steps=3, n_steps_per_epoch=3, show_progress=False,
        logger_adapter=d3rlpy.logging.NoopAdapterFactory())
print(json.dumps({
    "version": d3rlpy.__version__,
    "episodes": len(data.episodes),
    "actions": int(cql.action_size),
    "choice": int(cql.predict(data.episodes[0].observations[:1])[0]),
}))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "rescue"
    init_project(made)
    (made / ".cadenza-env" / "first.log.jsonl").write_bytes(recorded_run().read_bytes())
    return made


def export(project: Path, kind: str) -> Path:
    target = project.parent / kind
    command = [
        sys.executable,
        "-m",
        "cadenzad.cli",
        "cadenza",
        "env",
        "finetune",
        str(project),
        "--all",
    ]
    environ = os.environ | {"CADENZAD_STATE": str(project.parent / "state")}
    subprocess.run([*command, "-o", str(target), "--format", kind], check=True, env=environ)
    return target


def ask(tmp_path: Path, variable: str, packages: list[str], program: str, target: Path) -> dict:
    """What a program prints in an environment of these packages, made here unless one is named."""
    python = os.environ.get(variable)
    if python is None:
        home = tmp_path / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        python = str(home / "bin" / "python")
        done = subprocess.run([python, "-m", "pip", "install", "-q", *packages])
        if done.returncode:
            pytest.skip(f"{packages[0]} cannot be installed here")
    environ = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONSAFEPATH": "1"}
    command = [python, "-c", program, str(target)]
    answer = subprocess.run(command, check=True, env=environ, stdout=subprocess.PIPE, text=True)
    told: dict = json.loads(answer.stdout.splitlines()[-1])
    return told


def test_lerobot_reads_it(project: Path, tmp_path: Path) -> None:
    target = export(project, "lerobot")
    told = ask(tmp_path, "CADENZA_LEROBOT_PYTHON", ["lerobot==0.4.4"], LEROBOT, target)
    print(told)
    assert (told["frames"], told["episodes"]) == (32, 1)
    assert told["action"] == [8, 2, told["mean"]]
    assert (told["state"], told["around"]) == ([8, 6], [8, 2])
    assert told["task"]


def test_d3rlpy_learns_three_steps_from_it(project: Path, tmp_path: Path) -> None:
    target = export(project, "npz")
    told = ask(tmp_path, "CADENZA_D3RLPY_PYTHON", ["d3rlpy==2.8.1"], D3RLPY, target)
    print(told)
    assert told["episodes"] == 1
    assert 0 <= told["choice"] < told["actions"]
