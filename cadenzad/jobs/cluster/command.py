"""A command's own work on the cluster: no log queued it, and the command itself waits for it.

The same process stands for it as for a job, and ends with the command.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cadenzad.config.files import Config
from cadenzad.jobs import process as processes
from cadenzad.jobs.cluster.executor import SUBMIT, request_of
from cadenzad.jobs.cluster.relay import Relay
from cadenzad.jobs.protocol import Done, Failed, Progress, ProtocolError, decode


def carry_out(
    kind: str,
    function: str,
    spec: Mapping[str, Any],
    project: Path,
    folder: Path,
    config: Config,
    tell: Callable[[Mapping[str, Any]], object],
) -> Done | Failed:
    """Do work of a kind of SPREAD. `folder`: for its log; `tell` hears how far it is.

    It has failed when nothing was heard of it for `jobs.lease`.
    """
    relay = Relay(processes.start(SUBMIT), None)
    lease_s = config.jobs.lease
    outcome: Done | Failed | None = None
    try:
        relay.send(
            {
                "function": function,
                "spec": dict(spec),
                "project": str(project),
                "state_dir": str(folder),
                "parent": os.getpid(),
                "heartbeat": config.jobs.heartbeat,
                "job": 0,
                "attempt": 1,
                "settings": {},
                **request_of(config.jobs.ray, kind, lease_s),
            }
        )
        while relay.code is None:
            lines = relay.turn(lease_s)
            if not lines and relay.code is None:
                return Failed(f"it was silent for {lease_s:g} s")
            for line in lines:
                message = decode(line.encode())
                if isinstance(message, Progress):
                    tell(message.values)
                elif isinstance(message, Done | Failed):
                    outcome = message
        return outcome or Failed(processes.how_it_died(relay.code))
    except ProtocolError as error:
        return Failed(f"it said what is no protocol: {error.cause}")
    finally:
        processes.kill(relay.process)
