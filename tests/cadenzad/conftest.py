"""A workspace and a state directory in one process, and the mishaps that tests make happen."""

from __future__ import annotations

import ctypes
import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cadenzad.config.files import Config
from cadenzad.config.paths import make_state_dir
from cadenzad.daemon import Daemon
from handlers.judge.settings import JudgeSettings
from handlers.lora.settings import LoraSettings
from handlers.project.scaffold import init_project
from store.events.adapter import AdapterTrained
from store.events.envelope import NewEvent, Recorded, project_stream
from store.log import EventLog
from store.opening import open_writer
from store.schema import DATABASE, connect_reader


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
        path.write_bytes(run_log(ticks, **changes))
        return path

    def once(self, *workspaces: Path) -> None:
        """What `cadenzad --once` does, judging and training left out."""
        self.begin_log()
        config = Config(
            workspaces=workspaces or (self.workspace,),
            judge=JudgeSettings(mode="off"),
            lora=LoraSettings(retrain=False),
        )
        Daemon(config, self.state).run(once=True)

    def record_adapters(self, project: Path, *versions: int) -> None:
        """Have the log speak of adapters, as a training does."""
        self.begin_log()
        writer = open_writer(self.state)
        facts = {"dataset_sha256": "d", "base_sha256": "b", "encoder": "light", "sources": {}}
        facts |= {"rows": 1, "exam_rows": 1, "epochs": 1, "seed": 0, "threads": 1, "sha256": "s"}
        trained = [
            AdapterTrained.model_validate(
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


def run_log(ticks: int = 3, **changes: object) -> bytes:
    """A whole run that succeeded."""
    lines = [tick(number, **changes) for number in range(1, ticks)]
    return b"".join([*lines, tick(ticks, terminated=True, mission_success=True, **changes)])


def tick(number: int, **changes: object) -> bytes:
    record: dict[str, Any] = {
        "tick": number,
        "phase": "approach",
        "phase_idx": 0,
        "goal_prompt": "walk",
        "action": "walk_forward",
        "action_params": {"speed": 1.0},
        "obs": {"body_height": 0.28, "pos_x": -0.1 * number, "pos_y": 0.0},
        "reward": 0.5,
        "phase_failed": False,
        "terminated": False,
        "truncated": False,
        "mission_success": False,
    }
    return json.dumps(record | changes).encode() + b"\n"


@pytest.fixture(scope="session")
def empty_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event log without events: making one takes a while, copying it does not."""
    folder = tmp_path_factory.mktemp("empty")
    open_writer(folder).close()
    return folder / DATABASE


@pytest.fixture
def home(tmp_path: Path, empty_log: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "house", empty_log)
    monkeypatch.setenv("CADENZAD_STATE", str(made.state))
    return made


@pytest.fixture
def run_cli(
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Run a `main` with arguments: (exit code, stdout, stderr). A usage error is a code too."""

    def run(main: Callable[[list[str]], int], *arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def one_error() -> Callable[[str], str]:
    """The single error line of a command's stderr; a hint may follow it, nothing else."""

    def check(stderr: str) -> str:
        first, *hints = stderr.splitlines()
        assert "error: " in first, stderr
        assert len(hints) <= 1, stderr
        assert all(line.startswith("  ") for line in hints), stderr
        return first.split("error: ", 1)[1]

    return check


@pytest.fixture
def without_privilege() -> Callable[[], AbstractContextManager[None]]:
    """A context in which file permissions count, for root as for anybody."""

    @contextmanager
    def drop() -> Iterator[None]:
        before = _effective_capabilities()
        _set_effective(before & ~_DAC_CAPABILITIES)
        try:
            yield
        finally:
            _set_effective(before)

    return drop


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """A context in which no file of this process grows beyond some bytes."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


# capget(2): root passes permission checks by these two, for the calling thread alone.
_DAC_CAPABILITIES = 1 << 1 | 1 << 2
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def _effective_capabilities() -> int:
    data = (ctypes.c_uint32 * 6)()
    assert _LIBC.capget(ctypes.byref(_Header(0x2008_0522, 0)), data) == 0
    return data[0]


def _set_effective(capabilities: int) -> None:
    header, data = _Header(0x2008_0522, 0), (ctypes.c_uint32 * 6)()
    assert _LIBC.capget(ctypes.byref(header), data) == 0
    data[0] = capabilities
    assert _LIBC.capset(ctypes.byref(header), data) == 0
