"""Two places with one line between them: a robot with its daemon, and a Ray cluster elsewhere.

Each is a network namespace of its own with no way out, so the line can be cut for real: packets
vanish, nobody is told. Ray is started as docs/cluster.md says, by `ray start` on each machine, and
started again where somebody's service manager would. The robot sees none of the cluster's
processes: a driver looks among those of its machine for a node to connect to, and files, which both
places share, would lead it past the line.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
from waiting import eventually

HEAD, WORKER, ROBOT = "10.77.0.2", "10.77.0.3", "10.77.0.1"
PORT = 6379
STORE = 80 << 20
"""Bytes of a node's object store; Ray's own least is 75 MiB."""
ALONE = (
    "mount -t proc -o hidepid=ptraceable proc /proc &&"
    ' exec setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace "$0" "$@"'
)
"""Runs a command that sees such processes only as could not trace others either."""


def why_not() -> str:
    """Why there can be no such places here; "" when there can."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "setpriv"))):
        return "network namespaces need root, iproute2 and util-linux"
    name = f"try{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"network namespaces: {made.stderr.strip()}"
    tried = subprocess.run(
        [*_within(name, alone=True), "true"], capture_output=True, text=True, check=False
    )
    _ip("netns", "del", name)
    return f"processes cannot be hidden: {tried.stderr.strip()}" if tried.returncode else ""


class Site:
    """`cpus` of the head node and of the worker node; the robot's takes no job."""

    def __init__(self, folder: Path, *cpus: int) -> None:
        self.folder, self._cpus = folder, cpus
        self.address = f"{HEAD}:{PORT}"
        self.here, self._there = f"here{os.getpid()}", f"there{os.getpid()}"
        for name in (self.here, self._there):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", self.here, "link", "add", "line", "type", "veth", "peer", "name", "line",
            "netns", self._there)  # fmt: skip
        _ip("-n", self.here, "addr", "add", f"{ROBOT}/24", "dev", "line")
        for address in (HEAD, WORKER):
            _ip("-n", self._there, "addr", "add", f"{address}/24", "dev", "line")
        for name in (self.here, self._there):
            _ip("-n", name, "link", "set", "line", "up")
        self.start_cluster()

    def command(self, program: Path) -> list[str]:
        """A program of ours on the robot."""
        return [*_within(self.here, alone=True), str(program)]

    def start_cluster(self) -> None:
        """The head node first, which the others look for."""
        self._start(self._there, HEAD, self._cpus[0], head=True)
        self.start_worker()
        self.start_robot()

    def start_worker(self) -> None:
        self._start(self._there, WORKER, self._cpus[1])

    def start_robot(self) -> None:
        self._start(self.here, ROBOT, 0)

    def keep_robot(self) -> None:
        """Start the robot's node again where it has ended, as a service manager would: Ray ends
        one that was away for long."""
        if not any(map(_is_raylet, self._processes(self.here))):
            self.start_robot()

    def lose_worker(self) -> None:
        """The worker node dies, with all that runs on it."""
        for process in self._processes(self._there):
            with contextlib.suppress(psutil.Error):
                if _is_raylet(process) and WORKER in " ".join(process.cmdline()):
                    process.kill()

    def lose_cluster(self) -> None:
        """The head node dies with what Ray knows, and the worker with it; the robot's node is
        left without either, and is ended as its service manager would."""
        for process in (*self._processes(self._there), *self._ray_here()):
            with contextlib.suppress(psutil.Error):
                process.kill()

    def cut(self) -> None:
        """Nothing passes from one place to the other any more."""
        _ip("-n", self._there, "link", "set", "line", "down")

    def mend(self) -> None:
        _ip("-n", self._there, "link", "set", "line", "up")

    def close(self) -> None:
        """End what runs in either place."""
        for name in (self.here, self._there):
            for process in self._processes(name):
                with contextlib.suppress(psutil.Error):
                    process.kill()
            eventually(lambda name=name: not self._processes(name), "all have ended", 20)
            _ip("netns", "del", name)

    def _ray_here(self) -> list[psutil.Process]:
        """Ray's own processes on the robot: none of ours."""
        found = []
        for process in self._processes(self.here):
            with contextlib.suppress(psutil.Error):
                if str(self.folder) in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def _processes(self, name: str) -> list[psutil.Process]:
        pids = map(int, _ip("netns", "pids", name).split())
        found = []
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _start(self, name: str, address: str, cpus: int, *, head: bool = False) -> None:
        words = ["--head", f"--port={PORT}", "--include-dashboard=false"] if head else []
        words += [f"--temp-dir={self.folder}"] if head else [f"--address={self.address}"]
        done = subprocess.run(
            [*_within(name, alone=name == self.here),
             sys.executable, "-m", "ray.scripts.scripts", "start", *words,
             f"--node-ip-address={address}", f"--num-cpus={cpus}", "--num-gpus=0",
             f"--object-store-memory={STORE}", "--disable-usage-stats"],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder),
                 "RAY_TMPDIR": str(self.folder), "RAY_USAGE_STATS_ENABLED": "0"},
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@contextlib.contextmanager
def ray_site(*cpus: int) -> Iterator[Site]:
    """Meanwhile both places; files lie in a short path, as sockets' names have a limit."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    site = Site(folder, *cpus)
    try:
        yield site
    finally:
        site.close()
        shutil.rmtree(folder, ignore_errors=True)


def _is_raylet(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.name() == "raylet"
    return False


def _within(name: str, *, alone: bool) -> list[str]:
    """What runs a command in a place; a shell gives way to it, so that its pid is the command's."""
    return ["ip", "netns", "exec", name, *(("sh", "-c", ALONE) if alone else ())]


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout
