"""A process' connection to the cluster: made in seconds or refused in a line, and quiet."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from store.errors import CadenzaError

CONNECT_S = 3.0
START = "ray start --address={address} --num-cpus=0 --num-gpus=0"
"""How a machine becomes a node that sends jobs and takes none."""
LOOK = "`ray status` on the head node says whether it runs"
INSTALL = "pip install 'cadenzad[ray]'"


class Unreachable(CadenzaError):
    """The cluster cannot be used from here now; the hint says what would help."""


def installed() -> bool:
    """Whether ray is there at all; it is not imported."""
    return importlib.util.find_spec("ray") is not None


def answers(address: str) -> str:
    """Why nobody listens at the head's address; "" where somebody does, or for "auto"."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return "" if address == "auto" else f"{address}: is no host:port"
    try:
        with socket.create_connection((host, int(port)), CONNECT_S):
            return ""
    except OSError as error:
        return f"{address}: {error.strerror or error}"


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Meanwhile this process is a driver. Raises Unreachable.

    Nobody's environment or working folder is sent along, and what tasks print stays on their nodes.
    """
    if not installed():
        raise Unreachable("ray is not installed here", hint=INSTALL)
    problem = answers(address)
    if problem:
        raise Unreachable(problem, hint=LOOK)
    # Else a driver takes minutes to notice that there is no head node any more, or no node here.
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "20")
    os.environ.setdefault("RAY_gcs_server_request_timeout_seconds", "20")
    with warnings.catch_warnings():  # of ray's, about its own future
        warnings.simplefilter("ignore")
        import ray

        from cadenzad.jobs.cluster import shim

        answer = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(
                address=address,
                namespace="cadenzad",
                log_to_driver=False,
                configure_logging=False,
                logging_level="error",
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            text = " ".join(str(error).split())[:300]
            hint = START.format(address=address) + " makes this machine a node that takes no job"
            raise Unreachable(f"{address}: {text}", hint=hint) from None
        finally:
            # Ray's are a trace of the stack and an orderly end, which may wait long for a cluster.
            signal.signal(signal.SIGTERM, answer or signal.SIG_DFL)
        # Nodes are to be asked what they have installed before anything of it is imported.
        ray.cloudpickle.register_pickle_by_value(shim)
    try:
        yield
    finally:
        ray.shutdown()
