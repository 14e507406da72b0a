"""A job's end on a node: a copy of the project, and the same child process as anywhere.

Whoever sent the job reads its lines; who does not read for a lease is gone or cut off, and the
child is ended: nobody would take what it makes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from cadenzad.jobs import process as processes
from cadenzad.jobs.cgroup import Confinement
from cadenzad.jobs.cluster.bundle import Bundle
from cadenzad.jobs.cluster.cache import Cache
from cadenzad.jobs.cluster.relay import Relay
from cadenzad.jobs.cluster.spreading import Spreader

LOOK_EVERY_S = 0.5
PROC = Path("/proc")


class Task:
    """One attempt of a job. Its methods are called one after another, by the actor's main thread:
    the child ends with the thread that started it."""

    def __init__(self, request: str) -> None:
        """`request` is the child's, as JSON, with what is ours alone under "cluster"."""
        self._request: dict[str, Any] = json.loads(request)
        self._cluster: dict[str, Any] = self._request.pop("cluster")
        self._cache = Cache()
        self._bundle = Bundle()
        self._copy, self._held = Path(), -1
        self._relay: Relay | None = None
        self._ended_because = ""
        self._read_at = time.monotonic()

    def expect(self, manifest: list[Any], small: bytes) -> list[str]:
        """What is to come; answers with the hashes of what is not here yet."""
        self._bundle = Bundle.from_manifest(manifest, small)
        return [entry.hash for entry in self._cache.missing(self._bundle)]

    def receive(self, hash_: str, data: bytes) -> None:
        """A file that travels by itself."""
        entry = next(entry for entry in self._bundle.big if entry.hash == hash_)
        self._cache.keep(entry, data)

    def start(self) -> None:
        """Make the copy and start the child in it."""
        project = str(self._request["project"])
        self._copy, self._held = self._cache.job(self._bundle, Path(project).name)
        process = processes.start(OMP_NUM_THREADS="1")
        Confinement().take(process.pid)
        limit = int(self._cluster["memory"])
        threading.Thread(target=self._guard, args=(process, limit), daemon=True).start()
        request = self._request | {
            "project": str(self._copy),
            "state_dir": str(self._cache.root),
            "parent": os.getpid(),
        }
        spreader = Spreader(self._copy, self._cluster["parts"])
        self._relay = Relay(process, spreader)
        self._relay.send(request | {"spread": max(spreader.width, 1)})

    def read(self, seconds: float) -> tuple[list[str], int | None, str]:
        """What the child said, waiting for it up to `seconds`; its exit code once it has ended, and
        why we ended it."""
        self._read_at = time.monotonic()
        assert self._relay is not None
        lines = [self._as_at_home(line) for line in self._relay.turn(seconds)]
        return lines, self._relay.code, self._ended_because

    def bring(self, folder: str) -> tuple[list[Any], bytes]:
        """What the job made or changed in a folder of its copy, as a whole bundle."""
        before = {entry.name: entry.hash for entry in self._bundle.entries}
        found = {
            str(path.relative_to(self._copy)): path
            for path in (self._copy / folder).rglob("*")
            if path.is_file() and not path.is_symlink()
        }
        now = Bundle.of(found).entries
        changed = {e.name: found[e.name] for e in now if before.get(e.name) != e.hash}
        made = Bundle.of(changed, whole=True)
        return made.manifest(), made.small

    def close(self) -> None:
        """Leave nothing behind but what the cache is for."""
        if self._relay is not None:
            processes.kill(self._relay.process)
        if self._held >= 0:
            shutil.rmtree(self._copy.parent, ignore_errors=True)
            os.close(self._held)

    def _as_at_home(self, line: str) -> str:
        """A line that speaks of the project, and not of the copy of it."""
        there, home = (json.dumps(str(path))[1:-1] for path in (self._copy, self._cluster["home"]))
        return line.replace(there, home)

    def _guard(self, process: subprocess.Popen[bytes], limit: int) -> None:
        """End the child that takes too much memory, or that nobody listens to."""
        while process.poll() is None:
            time.sleep(LOOK_EVERY_S)
            if limit and resident(process.pid) > limit:
                self._end(process, f"took more memory than {limit} bytes")
            elif time.monotonic() - self._read_at > float(self._cluster["lease"]):
                self._end(process, "was listened to by nobody")

    def _end(self, process: subprocess.Popen[bytes], why: str) -> None:
        self._ended_because = why
        processes.send_signal(process, signal.SIGKILL)


def resident(leader: int, proc: Path = PROC) -> int:
    """Bytes of memory that a process group holds."""
    total = 0
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            # after the command's name, which may hold anything: state, parent, group
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == leader:
                pages = int((entry / "statm").read_text().split()[1])
                total += pages * os.sysconf("SC_PAGE_SIZE")
    return total
