"""The selftest job: a small training, a small simulation, a file; each where it is installed."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path

from handlers.jobs import JobContext, JobResult

STEPS = 50


def run(context: JobContext) -> JobResult:
    """Exercise what jobs stand on; raises what fails, so that the job fails with that reason."""
    parts: list[tuple[str, Callable[[JobContext], str]]] = [
        ("files", _files),
        ("torch", _torch),
        ("mujoco", _mujoco),
    ]
    results = []
    for name, part in parts:
        context.report({"step": name})
        if name != "files" and importlib.util.find_spec(name) is None:
            results.append(f"{name}: not installed")
        else:
            results.append(f"{name}: {part(context)}")
    return JobResult(summary="; ".join(results))


def _files(context: JobContext) -> str:
    """Jobs write where the state lies and, for a project, where its artifacts go."""
    folders = [context.state_dir]
    if context.project is not None:
        folders.append(context.project)
    for folder in folders:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".selftest-") as stream:
            stream.write(b"x")
            stream.flush()
            assert Path(stream.name).read_bytes() == b"x"
    return f"{len(folders)} folders writable"


def _torch(context: JobContext) -> str:
    """Fit a line: forward, backward and an optimizer, on one thread."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand(64, 1, generator=generator)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.2)
    first = last = float("nan")
    for step in range(STEPS):
        loss = torch.nn.functional.mse_loss(model(inputs), 3 * inputs + 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        last = loss.item()
        first = last if step == 0 else first
        context.report({"step": "torch", "done": step + 1, "total": STEPS, "loss": round(last, 5)})
    if not last < first:
        raise RuntimeError(f"training did not reduce the loss: {first:.4f} -> {last:.4f}")
    return f"{torch.__version__}, loss {first:.3f} -> {last:.3f}"


def _mujoco(context: JobContext) -> str:
    """Let a ball fall."""
    import mujoco

    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body pos='0 0 1'><freejoint/><geom size='.1'/></body>"
        "</worldbody></mujoco>"
    )
    data = mujoco.MjData(model)
    for _ in range(100):
        mujoco.mj_step(model, data)
    if not data.qpos[2] < 1:
        raise RuntimeError("the ball did not fall")
    return f"{mujoco.__version__}, a ball fell {1 - float(data.qpos[2]):.2f} m"
