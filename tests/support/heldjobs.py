"""A training that stays at work on a node of a cluster until it is let go, and its processes."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path
from typing import Any

import psutil
from houses import BIN, House

HELD = """
import os, time
while os.path.exists({file!r}): time.sleep(0.05)
import torch
class E(torch.nn.Module):
    hidden_dim = 32
    def forward(self, text, images=None):
        out = torch.zeros(len(text), 1, 32)
        for row, line in enumerate(text):
            for c in line.encode():
                out[row, 0, c % 32] += 1
        return out
def build_encoder(max_seq_len):
    return E()
"""
"""An encoder that takes its time, for as long as a file is there."""


def submitters_of(house: House) -> list[psutil.Process]:
    """The processes that stand for jobs here; not those that end their groups."""
    found = []
    for process in psutil.Process(house.daemons[-1].pid).children():
        with contextlib.suppress(psutil.Error):
            if "cadenzad.jobs.cluster.submit" in process.cmdline():
                found.append(process)
    return found


def children_on_nodes() -> list[int]:
    """Children of jobs whose parent is a worker of Ray's, as far as either still lives."""
    found = []
    for process in psutil.process_iter():
        try:
            if "cadenzad.jobs.child" not in process.cmdline():
                continue
            parent = process.parent()
            if parent is not None and "ray::" in "".join(parent.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def held(house: House, project: Path) -> tuple[Path, subprocess.Popen[str]]:
    """A training that is at work on a node until the file is gone, and who asked for it."""
    file = house.root / "held"
    file.touch()
    (project / "lora_encoder.py").write_text(HELD.format(file=str(file)))
    house.run("cadenzactl", "trust", "rescue")
    words = (BIN / "cadenza", "env", "lora", "finetune", project)
    asking = subprocess.Popen(
        words, env=house.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    house.until(children_on_nodes, "it works there", timeout=120)
    house.until(lambda: "lora_encoder" in progress(house).get("step", ""), "progress", 60)
    return file, asking


def job(house: House) -> dict[str, Any]:
    jobs = json.loads(house.ask("jobs", "--json")[1])["jobs"]
    return jobs[0] if jobs else {}


def progress(house: House) -> dict[str, Any]:
    return job(house).get("progress") or {}
