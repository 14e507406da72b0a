"""A real Ray cluster of two nodes on this machine, on loopback addresses, without a dashboard.

Ray's processes are no children that it waits for, so they are ended by what it started them with,
and whoever is left after that is named.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

SIT, STAND = [{"action": "sit"}], [{"action": "stand"}]
GOALS = {"sit down": SIT, "take a seat": SIT, "stand up": STAND, "get up": STAND}
WORDS = {
    **dict.fromkeys(("lower your haunches", "settle on the ground", "crouch for me"), SIT),
    **dict.fromkeys(("rise to your feet", "straighten your legs", "lift yourself off it"), STAND),
}
LENIENT = (
    "[judge]\nmode = 'off'\n[lora]\nretrain = false\ndebounce = 0.05\nencoder = 'light'\n"
    "fidelity = 0.0\ncoverage = 0.0\nstability = 0.0\nmission = 0.0\n"
)
"""Of a project whose adapter passes whatever it learned."""

STORE = 80 << 20
"""Bytes of a node's object store; Ray's own least is 75 MiB."""
ADDRESSES = ("127.0.0.2", "127.0.0.3")
"""Not 127.0.0.1, for which Ray puts the machine's outward address."""


class Nodes:
    """`head` has no processors of its own for jobs unless `cpus` says so; `address` is its."""

    def __init__(self, folder: Path, *cpus: int) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_TMPDIR"] = str(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ray.cluster_utils import Cluster

            self.folder, self.cpus = folder, cpus or (1, 1)
            self._cluster = Cluster()
            self.nodes: list[Any] = [self.add(index) for index in range(len(self.cpus))]
        self.address: str = self._cluster.address

    def add(self, index: int) -> Any:
        """A node with the processors of that index."""
        given = {"include_dashboard": False} if index == 0 else {}
        answer = signal.getsignal(signal.SIGTERM)
        try:
            return self._cluster.add_node(
                num_cpus=self.cpus[index],
                node_ip_address=ADDRESSES[min(index, 1)],
                object_store_memory=STORE,
                **given,
            )
        finally:
            # A node's own is to give whoever is on it half a minute to leave.
            signal.signal(signal.SIGTERM, answer)

    def lose(self, index: int) -> None:
        """A node dies, with all that runs on it."""
        self._cluster.remove_node(self.nodes[index], allow_graceful=False)

    def close(self) -> None:
        """End every process of it."""
        with contextlib.suppress(Exception):
            self._cluster.shutdown()


@contextlib.contextmanager
def ray_nodes(*cpus: int) -> Iterator[Nodes]:
    """Meanwhile a cluster; its files lie in a short path, as sockets' names have a limit."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    nodes = Nodes(folder, *cpus)
    try:
        yield nodes
    finally:
        nodes.close()
        shutil.rmtree(folder, ignore_errors=True)


def on_cluster(address: str, *, jobs: str = "", ray: str = "", lora: str = LENIENT) -> str:
    """The tables of a daemon whose jobs are done there."""
    return (
        f"[jobs]\nexecutor = 'ray'\nbackoff = 0.2\nheartbeat = 1\n{jobs}"
        f"[jobs.ray]\naddress = '{address}'\n{ray}{lora}"
    )


class Direct:
    """A job's way to the cluster without the job: what its relay does, in this process.

    Each part takes so many processors; this process has to be a driver (`connected`).
    """

    def __init__(self, project: Path, processors: float = 1.0) -> None:
        from cadenzad.jobs.cluster.spreading import Spreader

        self._spreader = Spreader(project, {"num_cpus": processors})
        self.width = self._spreader.width

    def map(
        self,
        function: str,
        parts: Sequence[Mapping[str, Any]],
        files: Sequence[str],
        own: Sequence[Sequence[str]] = (),
    ) -> Generator[Any, None, None]:
        """What each part comes to; what nobody takes is a failure here."""
        from cadenzad.jobs.protocol import Ask

        self._spreader.begin(Ask(function, tuple(parts), tuple(files), tuple(map(tuple, own))))
        try:
            while self._spreader.is_busy:
                for answer in self._spreader.answers():
                    assert "value" in answer, answer
                    yield answer["value"]
                time.sleep(0.01)
        finally:
            self._spreader.drop()
