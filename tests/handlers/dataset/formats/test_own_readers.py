"""Readers that cannot live beside ours, each asked in an environment of its own.

An environment is made once and kept in the user's cache (XDG_CACHE_HOME, `cadenza/readers`): one
with torch takes minutes and some GB. A reader is skipped, with the reason, where its Python or its
packages cannot be had.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from handlers.project.scaffold import init_project, recorded_run

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

LEROBOT = """
import json, sys
import torch
from importlib.metadata import version
from lerobot.datasets.lerobot_dataset import LeRobotDataset

data = LeRobotDataset("cadenza/rescue", root=sys.argv[1], delta_timestamps={"action": [0, 1]})
told = [data[0].get(name) for name in ("language_persistent", "language_events")]
if told[0] is None:
    batch = next(iter(torch.utils.data.DataLoader(data, batch_size=8)))
else:  # the rows of language differ in length, which torch's own way to stack them cannot
    rows = [data[at] for at in range(8)]
    batch = {name: torch.stack([row[name] for row in rows])
             for name in ("action", "observation.state", "observation.environment_state")}
    batch["task"] = [row["task"] for row in rows]
print(json.dumps({
    "version": version("lerobot"),
    "frames": len(data),
    "episodes": data.num_episodes,
    "action": list(batch["action"].shape),
    "state": list(batch["observation.state"].shape),
    "around": list(batch["observation.environment_state"].shape),
    "task": batch["task"][0],
    "mean": len(data.meta.stats["action"]["mean"]),
    "styles": sorted({row["style"] for row in told[0] or ()}),
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


class Reader(NamedTuple):
    """A package and the Python that its release is for."""

    package: str
    version: str
    python: str
    extra: str = ""

    def interpreter(self) -> str:
        """An interpreter that has it. Skips the test where there can be none."""
        name = f"{self.package}-{self.version}-py{self.python}"
        home = _cache() / name
        python = str(home / "bin" / "python")
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)  # what was cut short is made anew
            subprocess.run([_python(self.python), "-m", "venv", str(home)], check=True)
            wanted = f"{self.package}{self.extra}=={self.version}"
            if subprocess.run([python, "-m", "pip", "install", "-q", wanted]).returncode:
                pytest.skip(f"{wanted} cannot be installed here")
            (home / "complete").touch()
        return python


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cadenza" / "readers"


def _python(version: str) -> str:
    """A Python of that version: this one, one on the path, or one of pyenv's."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    kept = sorted(pyenv.glob(f"{version}.*/bin/python{version}"))
    found = str(kept[-1]) if kept else shutil.which(f"python{version}")
    if found is None:
        pytest.skip(f"there is no Python {version} here")
    return found


def export(project: Path, kind: str) -> Path:
    target = project.parent / kind
    command = [sys.executable, "-m", "cadenzad.cli", "cadenza", "env", "finetune", str(project)]
    environ = os.environ | {"CADENZAD_STATE": str(project.parent / "state")}
    command += ["--all", "-o", str(target), "--format", kind]
    subprocess.run(command, check=True, env=environ)
    return target


def ask(reader: Reader, program: str, target: Path) -> dict[str, Any]:
    """What a program prints as JSON on its last line, run where the reader is."""
    environ = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONSAFEPATH": "1"}
    command = [reader.interpreter(), "-c", program, str(target)]
    answer = subprocess.run(command, check=True, env=environ, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    print(told)
    return told


@pytest.mark.parametrize(
    ("reader", "kind", "styles"),
    [
        (Reader("lerobot", "0.4.4", "3.11"), "lerobot", []),
        (Reader("lerobot", "0.6.1", "3.12", "[dataset]"), "lerobot", []),
        (Reader("lerobot", "0.6.1", "3.12", "[dataset]"), "lerobot-language", ["plan", "subtask"]),
    ],
    ids=lambda value: value.version if isinstance(value, Reader) else None,
)
def test_lerobot_reads_it(project: Path, reader: Reader, kind: str, styles: list[str]) -> None:
    told = ask(reader, LEROBOT, export(project, kind))
    assert told["version"] == reader.version
    assert (told["frames"], told["episodes"]) == (32, 1)
    assert told["action"] == [8, 2, told["mean"]]
    assert (told["state"], told["around"]) == ([8, 6], [8, 2])
    assert told["styles"] == styles
    assert told["task"]


def test_d3rlpy_learns_three_steps_from_it(project: Path) -> None:
    told = ask(Reader("d3rlpy", "2.8.1", "3.11"), D3RLPY, export(project, "npz"))
    assert told["episodes"] == 1
    assert 0 <= told["choice"] < told["actions"]
