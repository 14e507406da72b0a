"""`cadenzactl doctor`'s checks: what is wrong with this installation, this machine, this daemon.

    findings.py      what a check answers, and what it may look at
    machine.py       SQLite, inotify, disks, file systems, the clock
    installation.py  packages, extras, commands, the configuration, the key
    service.py       the state directory, the daemon, its log, its unit
    cluster.py       the cluster that jobs are done on
    mending.py       what `--fix` may do

A check reads and never changes anything; it never imports what it asks about.
"""

from __future__ import annotations

import sqlite3

from cadenzad.doctor.cluster import CLUSTER_CHECKS
from cadenzad.doctor.findings import Finding, Level, Situation
from cadenzad.doctor.installation import INSTALLATION_CHECKS
from cadenzad.doctor.machine import MACHINE_CHECKS
from cadenzad.doctor.mending import mend
from cadenzad.doctor.service import DAMAGED, SERVICE_CHECKS
from store.errors import StoreError

__all__ = ["CHECKS", "Finding", "Level", "Situation", "diagnose", "mend"]

CHECKS = (*INSTALLATION_CHECKS, *MACHINE_CHECKS, *SERVICE_CHECKS, *CLUSTER_CHECKS)


def diagnose(situation: Situation) -> list[Finding]:
    """What every check found, in the order of `CHECKS`. A check that fails itself is a finding."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += check(situation)
        except (sqlite3.Error, StoreError) as error:
            name = check.__name__.removeprefix("check_")
            findings.append(
                Finding(name, "FAIL", f"the event log cannot be read: {error}", DAMAGED)
            )
        except Exception as error:  # noqa: BLE001 - the doctor outlives what is broken
            name = check.__name__.removeprefix("check_")
            text = f"could not be checked: {type(error).__name__}: {error}"
            findings.append(Finding(name, "warn", text, "please report this"))
    return findings
