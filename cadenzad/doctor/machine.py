"""Checks of the machine: SQLite, inotify, disks, file systems, the clock."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cadenzad.doctor.findings import Check, Finding, Level, Situation
from store.times import iso

GIB, MIB = 1 << 30, 1 << 20
STRICT_TABLES = (3, 37, 0)
"""The SQLite from which on our tables can be made."""

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "afs", "fuse.sshfs"}
    | {"fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "lustre", "beegfs", "virtiofs", "vboxsf"}
)
EVENTS_PER_FILE = 4
"""A dropped file's changes: created, modified, modified, closed."""


# -- SQLite ----------------------------------------------------------------------------------------


def check_sqlite(situation: Situation) -> list[Finding]:
    """Whether this Python's SQLite can hold the log, and which bug it has."""
    return [judge_sqlite(sqlite3.sqlite_version_info)]


def judge_sqlite(version: tuple[int, ...]) -> Finding:
    """Whether a version of SQLite is new enough, and free of the WAL-reset bug."""
    """`version` as in sqlite3.sqlite_version_info."""
    text = ".".join(map(str, version))
    if version < STRICT_TABLES:
        fix = "install Python with SQLite 3.37 or newer"
        return Finding("sqlite", "FAIL", f"{text} cannot hold the event log", fix)
    if has_wal_reset_bug(version):
        return Finding(
            "sqlite",
            "warn",
            f"{text} can corrupt a WAL database that two connections write; we write with one",
            "use 3.51.3, 3.50.7 or 3.44.6; let nothing but cadenzad write events.db",
        )
    return Finding("sqlite", "ok", text)


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether a SQLite resets a WAL that another connection writes (3.7.0 to 3.51.2)."""
    if version[:2] == (3, 50):
        return version < (3, 50, 7)
    if version[:2] == (3, 44):
        return version < (3, 44, 6)
    return (3, 7, 0) <= version < (3, 51, 3)


# -- inotify ---------------------------------------------------------------------------------------


class InotifyUse(NamedTuple):
    """What this user's processes hold together."""

    instances: int
    watches: int


def check_inotify(situation: Situation) -> list[Finding]:
    """The kernel's limits for this user, beside what is watched now."""
    """The kernel's limits on watching, against what is in use."""
    limits = {}
    for name in ("max_user_watches", "max_user_instances", "max_queued_events"):
        try:
            limits[name] = int((situation.proc / "sys/fs/inotify" / name).read_text())
        except (OSError, ValueError):
            return [
                Finding(
                    "inotify",
                    "warn",
                    "not here: files are found by the periodic scan alone",
                    "run on Linux to have them found at once",
                )
            ]
    use = inotify_use(situation.proc)
    folders = _folders(situation)
    return [
        _judge_limit(
            "max_user_watches",
            limits["max_user_watches"],
            use.watches,
            f"{use.watches} in use by this user, {folders} by the daemon",
            524288,
        ),
        _judge_limit(
            "max_user_instances",
            limits["max_user_instances"],
            use.instances,
            f"{use.instances} in use by this user",
            512,
        ),
        _judge_queue(limits["max_queued_events"]),
    ]


def _judge_limit(name: str, limit: int, used: int, text: str, better: int) -> Finding:
    level: Level = "FAIL" if used >= limit else "warn" if used > 0.8 * limit else "ok"
    wanted = max(better, 2 * limit)
    fix = f"sysctl fs.inotify.{name}={wanted}, and in /etc/sysctl.d/ to keep it"
    return Finding("inotify", level, f"{name} {limit}, {text}", "" if level == "ok" else fix)


def _judge_queue(limit: int) -> Finding:
    burst = limit // EVENTS_PER_FILE
    text = f"max_queued_events {limit}: about {burst} files at once before a scan has to help"
    if limit >= 16384:
        return Finding("inotify", "ok", text)
    return Finding("inotify", "warn", text, "sysctl fs.inotify.max_queued_events=65536")


def inotify_use(proc: Path) -> InotifyUse:
    """Count from /proc/PID/fdinfo what the processes of this user hold."""
    instances = watches = 0
    for process in _processes(proc):
        try:
            descriptors = list((process / "fd").iterdir())
        except OSError:
            continue  # it ended, or is not ours to look into
        for descriptor in descriptors:
            try:
                if os.readlink(descriptor) != "anon_inode:inotify":
                    continue
                info = (process / "fdinfo" / descriptor.name).read_text()
            except OSError:
                continue
            instances += 1
            watches += sum(line.startswith("inotify ") for line in info.splitlines())
    return InotifyUse(instances, watches)


def _processes(proc: Path) -> list[Path]:
    found = []
    for process in proc.glob("[0-9]*"):
        try:
            if process.stat().st_uid == os.getuid():
                found.append(process)
        except OSError:
            continue
    return found


def _folders(situation: Situation) -> int:
    """How many folders the daemon watches; 0 when it does not run."""
    state = situation.state()
    live = state.progress("daemon") if state is not None else None
    return int((live or {}).get("watching", {}).get("directories", 0))


# -- disks and file systems ------------------------------------------------------------------------


def check_disk(situation: Situation) -> list[Finding]:
    """Free space and inodes, once per file system."""
    findings = []
    seen = set()
    for what, folder in _places(situation):
        try:
            info = os.statvfs(folder)
        except OSError:
            continue  # the permission check names it
        device = os.stat(folder).st_dev
        if device not in seen:
            seen.add(device)
            free = info.f_bavail * info.f_frsize
            share = info.f_bavail / info.f_blocks if info.f_blocks else 1.0
            inodes = info.f_favail if info.f_files else None
            findings.append(judge_space(f"{what} {folder}", free, share, inodes))
    return findings


def judge_space(where: str, free: int, share: float, inodes: int | None) -> Finding:
    """`share` of the disk that is free, 0 to 1; `inodes` None where there is no limit."""
    text = f"{where}: {free / GIB:.1f} GiB free ({share:.0%})"
    fix = "make room: `cadenzactl db prune --older-than 30d --dry-run` shows what could go"
    if inodes is not None and inodes < 1000:
        return Finding("disk", "FAIL", f"{where}: {inodes} more files fit", fix)
    if free < 100 * MIB:
        return Finding("disk", "FAIL", text, fix)
    if free < GIB or share < 0.02:
        return Finding("disk", "warn", text, fix)
    return Finding("disk", "ok", text)


def check_filesystem(situation: Situation) -> list[Finding]:
    """Network file systems: SQLite's WAL does not work on them, inotify sees local changes only."""
    findings = []
    for what, folder in _places(situation):
        kind = filesystem_of(folder, situation.proc)
        if kind not in NETWORK_FILE_SYSTEMS:
            continue
        if what == "state":
            text = f"the state directory {folder} is on {kind}: SQLite's WAL needs a local disk"
            fix = "--state DIR or CADENZAD_STATE names a local folder"
            findings.append(Finding("filesystem", "FAIL", text, fix))
        else:
            text = f"{folder} is on {kind}: changes made elsewhere are found by the scan only"
            fix = "set a shorter `reconcile.every`, or run the daemon where the files are written"
            findings.append(Finding("filesystem", "warn", text, fix))
    return findings or [Finding("filesystem", "ok", "state and workspaces are on local disks")]


def filesystem_of(folder: Path, proc: Path) -> str:
    """The type of the file system a folder is on, as in mountinfo(5); "" when not known."""
    real = os.path.realpath(folder)
    best, kind = "", ""
    try:
        lines = (proc / "self/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point = fields.split()[4].replace(r"\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # a later mount on the same point covers it
            best, kind = point, rest.split()[0]
    return kind


def _places(situation: Situation) -> list[tuple[str, Path]]:
    """The state directory (or the folder it will be made in), and the workspaces."""
    state = situation.state_dir
    while not state.exists() and state != state.parent:
        state = state.parent
    return [("state", state), *(("workspace", path) for path in situation.workspaces())]


# -- the clock -------------------------------------------------------------------------------------


def check_clock(situation: Situation) -> list[Finding]:
    """The clock agrees with the times that were recorded."""
    state = situation.state()
    last = state.recorded_at(state.head()) if state is not None else 0.0
    return [judge_clock(situation.now, last)]


def judge_clock(now: float, last: float) -> Finding:
    """`last`: when the newest event was recorded, 0 for an empty log. Unix seconds."""
    fix = "set the clock: timedatectl set-ntp true"
    moment = iso(int(now * 1e6))
    if now < datetime(2025, 1, 1, tzinfo=UTC).timestamp():
        return Finding("clock", "FAIL", f"it says {moment}, which cannot be", fix)
    ahead = last - now
    if ahead > 1:
        text = f"it is {ahead:.0f} s behind the last event: it was set back, or was wrong then"
        more = f"{fix}; times recorded until then stay the last event's"
        return Finding("clock", "FAIL" if ahead > 86400 else "warn", text, more)
    return Finding("clock", "ok", f"{moment}, not behind the last event")


MACHINE_CHECKS: tuple[Check, ...] = (
    check_sqlite,
    check_inotify,
    check_disk,
    check_filesystem,
    check_clock,
)
