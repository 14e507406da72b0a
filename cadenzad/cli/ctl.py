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
        "prompt": ("cadenzad.cli.prompt", "versions of SYSTEM_PROMPT: look, approve, roll back"),
        "why": ("cadenzad.cli.why", "from a rule or an adapter back to what caused it"),
        "rollback": ("cadenzad.cli.rollback", "deploy an earlier adapter again"),
        "trust": ("cadenzad.cli.trust", "allow a project's own code to be run"),
        "jobs": ("cadenzad.cli.jobs", "slow work that waits, runs or has ended"),
        "retry": ("cadenzad.cli.retry", "put a job that was given up back into the queue"),
        "cancel": ("cadenzad.cli.cancel", "a job that waits or runs is not wanted any more"),
        "pause": ("cadenzad.cli.pause", "stop reactive work for a project"),
        "resume": ("cadenzad.cli.resume", "go on with reactive work for a project"),
        "selftest": ("cadenzad.cli.selftest", "run a job that tries what jobs need"),
        "verify": ("cadenzad.cli.verify", "check database, history, view and recorded files"),
        "rebuild": ("cadenzad.cli.rebuild", "fold the state view anew from the event log"),
        "service": ("cadenzad.cli.service", "have systemd run the daemon; or ask how it is"),
        "doctor": ("cadenzad.cli.doctor", "what is wrong with this installation, and the fix"),
        "backup": ("cadenzad.cli.backup", "copy the event log while the daemon runs, and check it"),
        "restore": ("cadenzad.cli.restore", "put a checked backup in the event log's place"),
        "prune": ("cadenzad.cli.prune", "delete old exports, run logs and adapters"),
        "metrics": ("cadenzad.cli.metrics", "figures in the Prometheus text format"),
        "config": ("cadenzad.cli.config", "what is set, by which file, and what is wrong with it"),
        "completion": ("cadenzad.cli.completion", "make a shell complete the three commands"),
    },
)


def main(argv: Sequence[str] | None = None) -> int:
    return CADENZACTL.main(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
