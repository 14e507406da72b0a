"""cadenzactl: ask the event log and the daemon. Starts as fast as Python does."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cadenzad.cli.commands import Program

CADENZACTL = Program(
    "cadenzactl",
    "Ask the cadenzad daemon and its event log.",
    {
        "status": ("cadenzad.cli.status", "what the daemon does and how every project stands"),
        "events": ("cadenzad.cli.events", "the history, oldest first"),
        "ping": ("cadenzad.cli.ping", "send a request through the whole daemon and back"),
        "jobs": ("cadenzad.cli.jobs", "slow work that waits, runs or has ended"),
        "retry": ("cadenzad.cli.retry", "put a job that was given up back into the queue"),
        "cancel": ("cadenzad.cli.cancel", "a job that waits or runs is not wanted any more"),
        "pause": ("cadenzad.cli.pause", "stop reactive work for a project"),
        "resume": ("cadenzad.cli.resume", "go on with reactive work for a project"),
        "selftest": ("cadenzad.cli.selftest", "run a job that tries what jobs need"),
        "verify": ("cadenzad.cli.verify", "check database, history, view and recorded files"),
        "rebuild": ("cadenzad.cli.rebuild", "fold the state view anew from the event log"),
    },
)


def main(argv: Sequence[str] | None = None) -> int:
    return CADENZACTL.main(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
