"""The process that looks at the cluster: `python -m cadenzad.jobs.cluster.watch ADDRESS`.

A line of JSON every EVERY_S: a Standing. It ends with its parent, or when the cluster is not to be
reached, which is its last line; whoever started it starts another one then.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from cadenzad.jobs.child.printed import printed_lines_logged, stderr_for_logs
from cadenzad.jobs.child.telling import Lines
from cadenzad.jobs.cluster.connection import Unreachable, connected
from cadenzad.jobs.cluster.standing import Node, Standing
from cadenzad.logs import set_up_logging
from store import interpreter

EVERY_S = 1.0
COUNTED = ("CPU", "GPU", "memory")


def main() -> int:
    address = str(json.loads(sys.stdin.readline())["address"])
    interpreter.die_with(os.getppid())
    line = Lines(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    set_up_logging("warning", stream=stderr_for_logs())
    with printed_lines_logged():  # by ray, at the level of news
        try:
            with connected(address):
                while True:
                    line.pass_on(json.dumps(_look().as_json()))
                    time.sleep(EVERY_S)
        except Unreachable as error:
            line.pass_on(json.dumps(Standing(trouble=error.message, fix=error.hint).as_json()))
        except BrokenPipeError:
            pass  # nobody listens any more
    return 1


def _look() -> Standing:
    import ray

    nodes = tuple(
        Node(str(node["NodeManagerAddress"]), _counted(node["Resources"]))
        for node in ray.nodes()
        if node["Alive"]
    )
    return Standing(nodes, _counted(ray.available_resources()))


def _counted(resources: dict[str, Any]) -> dict[str, float]:
    return {name: float(resources[name]) for name in COUNTED if name in resources}


if __name__ == "__main__":
    sys.exit(main())
