"""The real daemon as a child process on a real state directory, and what tests ask of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import groq_stub
import pytest

BIN = Path(sys.executable).parent


class House:
    """A workspace, a state directory and the commands that work on them."""

    def __init__(self, root: Path, environ: dict[str, str]) -> None:
        self.root = root
        self.workspace = root / "robots"
        self.state = root / "state"
        self.environ = environ | {"CADENZAD_STATE": str(self.state)}
        self.workspace.mkdir(parents=True)
        self.config = root / "cadenzad.toml"
        self.configure()
        self.daemons: list[subprocess.Popen[bytes]] = []

    def configure(
        self,
        settle: float = 0.03,
        settle_open: float = 0.3,
        every: float = 3600,
        improve: str = "[judge]\nmode = 'off'\n[lora]\nretrain = false\n",
    ) -> None:
        """`improve`: the judge's and the adapters' tables; most tests are about neither."""
        self.config.write_text(
            f"workspaces = ['{self.workspace}']\n"
            f"[watch]\nsettle = {settle}\nsettle_open = {settle_open}\nmax_wait = 2\n"
            f"[reconcile]\nevery = {every}\n{improve}"
        )

    def run(self, command: str, *arguments: object, check: bool = True, **options: Any):
        """Run one of our commands to its end."""
        done = subprocess.run(
            [BIN / command, *map(str, arguments)],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if check:
            assert done.returncode == 0, f"{command}: {done.returncode}: {done.stderr}"
        return done

    def once(self, **options: Any):
        return self.run("cadenzad", "--config", self.config, "--once", **options)

    def start(self, wait: bool = True, command: list[str] | None = None) -> subprocess.Popen[bytes]:
        """Start the daemon; `wait` until it is ready."""
        with (self.root / "cadenzad.log").open("ab") as log:
            daemon = subprocess.Popen(
                [*(command or [str(BIN / "cadenzad")]), "--config", str(self.config)],
                env=self.environ,
                stdout=log,
                stderr=log,
            )
        self.daemons.append(daemon)
        if wait:
            self.until(lambda: self.is_running(daemon), "the daemon is ready")
        return daemon

    def is_running(self, daemon: subprocess.Popen[bytes]) -> bool:
        assert daemon.poll() is None, f"the daemon ended: {self.log()}"
        now = self.status()["daemon"]
        return now["state"] == "running" and now["pid"] == daemon.pid

    def stop(self, daemon: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
        daemon.send_signal(number)
        return daemon.wait(timeout=20)

    def log(self) -> str:
        return (self.root / "cadenzad.log").read_text()

    def status(self) -> dict[str, Any]:
        answer = self.run("cadenzactl", "status", "--json", check=False)
        assert answer.returncode in (0, 3), answer.stderr
        return json.loads(answer.stdout)

    def project_status(self, name: str = "rescue") -> dict[str, Any]:
        return next(p for p in self.status()["projects"] if p["project"] == name)

    def events(self, *types: str) -> list[dict[str, Any]]:
        filters = [word for name in types for word in ("--type", name)]
        answer = self.run("cadenzactl", "events", "--json", *filters, check=False)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def until(self, condition: Callable[[], object], what: str, timeout: float = 20) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"did not come: {what}\n{self.log_if_any()}"
            time.sleep(0.02)

    def log_if_any(self) -> str:
        path = self.root / "cadenzad.log"
        return path.read_text()[-3000:] if path.exists() else ""

    # -- projects ----------------------------------------------------------------------------------

    def project(self, name: str = "rescue") -> Path:
        """A sample project with its `.cadenza-env/`."""
        path = self.workspace / name
        self.run("cadenza", "env", "init", path)
        (path / ".cadenza-env").mkdir(exist_ok=True)
        return path

    def close(self) -> None:
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()


def _tick(number: int, **changes: object) -> bytes:
    """A run-log line: complete enough to be recorded and exported."""
    record = {
        "tick": number,
        "phase": "approach",
        "phase_idx": 0,
        "goal_prompt": "walk forward 1.0 meters",
        "action": "walk_forward",
        "action_params": {"speed": 1.0, "distance_m": 1.0},
        "obs": {
            "body_height": 0.28,
            "roll_deg": 0.1,
            "pitch_deg": -0.2,
            "feet_grounded": 4,
            "nearest_m": 0.9,
            "pos_x": -0.1 * number,
            "pos_y": 0.0,
        },
        "reward": 0.5,
        "phase_done": False,
        "phase_failed": False,
        "terminated": False,
        "truncated": False,
        "mission_success": False,
        "step_ok": True,
        "motion": {"label": "moving"},
        "judgment": {"match": True, "severity": 0.0},
    }
    return json.dumps(record | changes).encode() + b"\n"


def _run_log(ticks: int = 3, *, success: bool = True, start: int = 1) -> bytes:
    """A whole run log."""
    lines = [_tick(number) for number in range(start, start + ticks)]
    lines[-1] = _tick(start + ticks - 1, terminated=True, mission_success=success)
    return b"".join(lines)


class Logs:
    """Builders of run-log bytes."""

    tick = staticmethod(_tick)
    run = staticmethod(_run_log)


@pytest.fixture
def logs() -> Logs:
    return Logs()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "NO_COLOR": "1"}
    made = House(tmp_path / "house", environ)
    yield made
    made.close()
    shutil.rmtree(made.root, ignore_errors=True)


@pytest.fixture(scope="session")
def stubs() -> ModuleType:
    """The scripted Groq server."""
    return groq_stub
