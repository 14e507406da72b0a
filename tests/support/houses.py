"""Places to run cadenzad in: `House` has the real commands and daemon, `Home` is in process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import forking
import runlogs
from waiting import eventually

from cadenzad.cli.programs import cadenzactl
from cadenzad.config.files import Config
from cadenzad.config.paths import make_state_dir
from cadenzad.config.settings import Check
from cadenzad.daemon import Daemon
from handlers.judge.settings import JudgeSettings
from handlers.lora.settings import LoraSettings
from handlers.project.scaffold import init_project
from store.events.adapter import AdapterTrained
from store.events.envelope import NewEvent, Recorded, project_stream
from store.log import EventLog
from store.opening import open_writer
from store.schema import DATABASE, connect_reader

BIN = Path(sys.executable).parent


class House:
    """A workspace, a state directory and the commands that work on them."""

    def __init__(self, root: Path, empty_log: Path | None = None) -> None:
        """`empty_log`: an event log to begin with; without one the first command makes it."""
        self.root = root
        self.workspace = root / "robots"
        self.state = root / "state"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "NO_COLOR": "1",
            "CADENZAD_STATE": str(self.state),
        }
        self.workspace.mkdir(parents=True)
        if empty_log is not None:
            shutil.copy(empty_log, make_state_dir(self.state) / DATABASE)
        self.config = root / "cadenzad.toml"
        self.configure()
        self.daemons: list[subprocess.Popen[bytes]] = []

    def configure(
        self,
        settle: float = 0.03,
        settle_open: float = 0.3,
        every: float = 3600,
        improve: str = "[judge]\nmode = 'off'\n[lora]\nretrain = false\n",
        check: bool = False,
    ) -> None:
        """`improve`: the judge's and the adapters' tables; `check`: whether missions are checked.

        Most tests are about none of these.
        """
        self.config.write_text(
            f"workspaces = ['{self.workspace}']\n"
            f"[watch]\nsettle = {settle}\nsettle_open = {settle_open}\nmax_wait = 2\n"
            f"[reconcile]\nevery = {every}\n[check]\nenabled = {str(check).lower()}\n{improve}"
        )

    def run(
        self, command: str, *arguments: object, check: bool = True, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run one of our commands to its end."""
        done = forking.run(command, [str(word) for word in arguments], self.environ, timeout)
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

    def ask(self, *arguments: str) -> tuple[int, str, str]:
        """What `cadenzactl` does with these, in this process: (exit code, stdout, stderr).

        Waiting asks often, and starting Python each time would take the processor from the daemon.
        """
        out, err = StringIO(), StringIO()
        environ = mock.patch.dict(os.environ, self.environ, clear=True)
        with environ, redirect_stdout(out), redirect_stderr(err):
            code = cadenzactl(arguments)
        return code, out.getvalue(), err.getvalue()

    def status(self) -> dict[str, Any]:
        code, out, err = self.ask("status", "--json")
        assert code in (0, 3), err
        return json.loads(out)

    def project_status(self, name: str = "rescue") -> dict[str, Any]:
        """What is said of a project, once it is known (a daemon runs before its first scan)."""
        found: list[dict[str, Any]] = []

        def known() -> bool:
            found[:] = [p for p in self.status()["projects"] if p["project"] == name]
            return bool(found)

        self.until(known, f"{name} in the status")
        return found[0]

    def events(self, *types: str) -> list[dict[str, Any]]:
        filters = [word for name in types for word in ("--type", name)]
        _, out, _ = self.ask("events", "--json", *filters)
        return [json.loads(line) for line in out.splitlines()]

    def until(self, condition: Callable[[], object], what: str, timeout: float = 20) -> None:
        eventually(condition, what, timeout, every=0.02, explain=self.log_if_any)

    def log_if_any(self) -> str:
        path = self.root / "cadenzad.log"
        return path.read_text()[-3000:] if path.exists() else ""

    # -- projects ----------------------------------------------------------------------------------

    def project(self, name: str = "rescue") -> Path:
        """A sample project with its `.cadenza-env/`, whose files have been quiet for long."""
        path = self.workspace / name
        init_project(path)
        for file in filter(Path.is_file, path.rglob("*")):
            os.utime(file, (1, 1))
        (path / ".cadenza-env").mkdir(exist_ok=True)
        return path

    def close(self) -> None:
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()


class Home:
    """A workspace with projects and a state directory that nobody watches."""

    def __init__(self, root: Path, empty_log: Path) -> None:
        self.root = root
        self._empty_log = empty_log
        self.workspace = root / "robots"
        self.workspace.mkdir(parents=True)
        self.state = make_state_dir(root / "state")

    def project(self, name: str = "rescue") -> Path:
        """A sample project; as a child of the workspace unless `name` is absolute."""
        project = self.workspace / name
        init_project(project)
        return project

    def log(self, project: Path, name: str = "one", ticks: int = 3, **changes: object) -> Path:
        """A run log in a project's `.cadenza-env/`."""
        path = project / ".cadenza-env" / f"{name}.log.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(runlogs.run(ticks, **changes))
        return path

    def once(self, *workspaces: Path) -> None:
        """What `cadenzad --once` does, judging, training and checking left out."""
        self.begin_log()
        config = Config(
            workspaces=workspaces or (self.workspace,),
            judge=JudgeSettings(mode="off"),
            lora=LoraSettings(retrain=False),
            check=Check(enabled=False),
        )
        Daemon(config, self.state).run(once=True)

    def record_adapters(self, project: Path, *versions: int) -> None:
        """Have the log speak of adapters, as a training does."""
        self.begin_log()
        writer = open_writer(self.state)
        facts = {"dataset_sha256": "d", "base_sha256": "b", "encoder": "light", "sources": {}}
        facts |= {"rows": 1, "exam_rows": 1, "epochs": 1, "seed": 0, "threads": 1, "sha256": "s"}
        trained = [
            AdapterTrained.of_shape(
                {"version": number, "path": f".cadenza-env/adapters/{number:04}", **facts}
            )
            for number in versions
        ]
        stream = project_stream(str(project))
        try:
            writer.run(lambda step: step.append(*(NewEvent(stream, fact) for fact in trained)))
        finally:
            writer.close()

    def begin_log(self) -> None:
        """Have an event log, if there is none yet."""
        if not (self.state / DATABASE).exists():
            shutil.copyfile(self._empty_log, self.state / DATABASE)

    def events(self, *types: str) -> list[Recorded]:
        reader = connect_reader(self.state)
        try:
            return list(EventLog(reader).read(types=types or None))
        finally:
            reader.close()

    def types(self) -> list[str]:
        return [record.type for record in self.events()]
