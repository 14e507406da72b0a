"""Checks of the service: the state directory, the workspaces, the daemon, its log, its unit."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from cadenzad.config.credentials import hub_file
from cadenzad.config.paths import INBOX
from cadenzad.doctor.findings import Check, Finding, Mend, Situation
from cadenzad.doctor.mending import allowing, is_ours
from cadenzad.requests import inbox
from cadenzad.requests.client import perform
from cadenzad.requests.commands import Rebuild
from cadenzad.service_manager.install import BY_HAND, Service, known_services
from cadenzad.service_manager.units import Scope
from cadenzad.waits import age_s
from handlers.notify.news import DELIVERIES
from handlers.project.paths import CADENZA_DIR
from store.errors import StoreError
from store.lock import describe, is_held
from store.ownership import fault
from store.reads.live import daemon_status, head, hub_status
from store.reads.status import check_view as expect_version
from store.reads.status import daemon_jobs
from store.schema import DATABASE

WAL_LIMIT = 64 << 20
"""The writer's journal_size_limit: a WAL that stays larger is held by a reader."""

LAG_LIMIT = 1000
DAMAGED = (
    "`cadenzactl verify` checks the whole file, `cadenzactl db restore` puts a backup in its place"
)
STARTS = "cadenzactl service install, or cadenzad --workspace DIR"


# -- folders ---------------------------------------------------------------------------------------


def check_state(situation: Situation) -> list[Finding]:
    """The state directory is there, ours alone, and its log can be read."""
    folder = situation.state_dir
    if not folder.exists():
        return [Finding("state", "warn", f"{folder}: not there yet", STARTS)]
    findings = []
    for place in (folder, folder / INBOX):
        found = fault(place)
        if found is not None:
            mend = allowing(place, take=0o022) if is_ours(place) else None
            findings.append(Finding("state", "FAIL", found.text, found.fix, mend))
        elif not _may(place, os.R_OK | os.W_OK | os.X_OK):
            fix = f"chown it to the user of the daemon, or --state DIR; now: {_owner(place)}"
            findings.append(Finding("state", "FAIL", f"{place}: cannot be written to", fix))
        elif stat.S_IMODE(place.stat().st_mode) & 0o077:
            text = f"{place}: other users can look into it"
            mend = allowing(place, take=0o077)
            findings.append(Finding("state", "warn", text, f"chmod 700 {place}", mend))
    if situation.trouble:
        findings.append(Finding("state", "FAIL", situation.trouble, DAMAGED))
    return findings or [Finding("state", "ok", str(folder))]


def check_view(situation: Situation) -> list[Finding]:
    """Whether the state view is of this program's version: else no command can read it."""
    if situation.reader is None:
        return []
    try:
        expect_version(situation.reader)
    except StoreError as error:
        free = is_held(situation.state_dir) is None
        mend = Mend("fold the state view anew", lambda: _rebuild(situation.state_dir))
        return [Finding("view", "FAIL", error.message, error.hint, mend if free else None)]
    return [Finding("view", "ok", "the state view is of this version")]


def _rebuild(state_dir: Path) -> None:
    perform(state_dir, Rebuild(requested_by="cadenzactl doctor --fix"), timeout=600.0, outcome=1)


def _may(place: Path, mode: int) -> bool:
    """Whether this process may use a folder so; access(2) asks for the user who called it."""
    return os.access(place, mode, effective_ids=os.access in os.supports_effective_ids)


def _owner(place: Path) -> str:
    try:
        info = place.stat()
    except OSError as error:
        return str(error.strerror)
    return f"owner {info.st_uid}, mode {stat.S_IMODE(info.st_mode):o}"


def check_workspaces(situation: Situation) -> list[Finding]:
    """Every workspace can be read, every project written to."""
    findings = []
    for folder in situation.workspaces():
        if not folder.is_dir():
            fix = f"mkdir {folder}, or take it out of the configuration"
            findings.append(Finding("workspaces", "FAIL", f"{folder}: no such folder", fix))
        elif not _may(folder, os.R_OK | os.X_OK):
            text = f"{folder}: cannot be looked into"
            mend = allowing(folder, give=0o500)
            findings.append(Finding("workspaces", "FAIL", text, f"chmod u+rx {folder}", mend))
    state = situation.state()
    projects = [row for row in state.projects() if row.state != "removed"] if state else []
    for row in projects:
        place = Path(row.path, CADENZA_DIR)
        if place.is_dir() and not _may(place, os.R_OK | os.W_OK | os.X_OK):
            text = f"{place}: cannot be written to, so nothing is exported there"
            mend = allowing(place, give=0o700)
            findings.append(Finding("workspaces", "FAIL", text, f"chmod u+rwx {place}", mend))
    number = len(situation.workspaces())
    text = f"workspaces: {number}, projects known: {len(projects)}"
    return findings or [Finding("workspaces", "ok", text)]


# -- the daemon ------------------------------------------------------------------------------------


def check_daemon(situation: Situation) -> list[Finding]:
    """Who holds the writer lock, and whether the daemon keeps up with its work."""
    holder = is_held(situation.state_dir)
    reader = situation.reader
    if reader is None:
        if holder is None:
            return [Finding("daemon", "warn", "not running", STARTS)]
        return [Finding("daemon", "ok", f"{describe(holder)} is beginning a log")]
    status = daemon_status(reader, holder)
    findings = [_judge_running(holder, status["state"])]
    if not status["responding"]:
        text = f"it has not responded for {status['silent_s']:,.0f} s"
        fix = "kill -CONT it if it was stopped; else restart it"
        findings.append(Finding("daemon", "FAIL", text, fix))
    waiting = len(list(inbox.waiting(situation.state_dir)))
    if waiting and status["state"] != "running":
        text = f"{waiting} requests wait in the inbox"
        findings.append(Finding("daemon", "warn", text, "the daemon takes them when it starts"))
    if status["state"] == "running":
        findings += _judge_work(situation, status["lag"])
    findings += [
        Finding("daemon", "warn", f"degraded: {reason['detail']}", _cure(reason["code"]))
        for reason in status["degraded"]
    ]
    return findings


def _judge_running(holder: dict[str, object] | None, state: str) -> Finding:
    if state != "stopped":
        assert holder is not None
        return Finding("daemon", "ok", f"{state} (pid {holder.get('pid')})")
    if holder is not None:
        return Finding("daemon", "ok", f"{describe(holder)} has the writer lock")
    return Finding("daemon", "warn", "not running", STARTS)


def _judge_work(situation: Situation, lag: int) -> list[Finding]:
    findings = []
    if lag > LAG_LIMIT:
        text = f"{lag:,} events have not been reacted to"
        findings.append(Finding("daemon", "warn", text, "its log says what it is doing"))
    state = situation.state()
    counters: dict[str, Any] = (state.progress("counters") if state is not None else None) or {}
    at = counters.get("reconciled_at")
    every = situation.config.reconcile.every if situation.config is not None else 60.0
    stamped = counters.get("reconciled")  # a daemon of before knows only its wall clock
    age = 0.0 if at is None else age_s(stamped) if stamped else situation.now - at
    if age > 3 * every + 60:
        text = f"its last scan was {age:,.0f} s ago, one is due every {every:g} s"
        fix = "`cadenzactl ping` tells whether it answers; if not: restart it"
        findings.append(Finding("daemon", "FAIL", text, fix))
    return findings


def _cure(code: str) -> str:
    """What to do about a degraded reason."""
    cures = {
        "watch-limit": "sysctl fs.inotify.max_user_watches=524288",
        "instance-limit": "sysctl fs.inotify.max_user_instances=512, or LimitNOFILE= in the unit",
        "overflow": "sysctl fs.inotify.max_queued_events=65536; the scan found what was dropped",
        "denied": "make the folder readable for the daemon's user",
        "missing": "make the folder, or take it out of the configuration",
        "outside": "put the folder itself into the project instead of a symlink",
    }
    return cures.get(code.partition(":")[0], "the periodic scan finds files meanwhile")


def check_hub(situation: Situation) -> list[Finding]:
    """Whether the hub, where there is one, is reached."""
    named = situation.config.hub.dsn_file if situation.config is not None else ""
    file = hub_file(named, situation.environ)
    if file is None:
        return [Finding("hub", "ok", "none is configured")]
    reader = situation.reader
    status = hub_status(reader, head(reader)) if reader is not None else None
    if status is None:
        text = f"{file}: nothing was shipped yet"
        return [Finding("hub", "warn", text, "restart the daemon: it looks there at its start")]
    has = f"{status['position']:,} events are there, {status['lag']:,} are to come"
    if status["trouble"]:
        fix = "`cadenzactl --hub FILE hub status` asks it; events wait here meanwhile"
        return [Finding("hub", "warn", f"{has}: {status['trouble']}", fix)]
    if status["offers"]:
        fix = "`cadenzactl hub pull OFFER` on the hub takes it back; nothing of it is here"
        return [Finding("hub", "warn", f"{has}: {status['offers']}", fix)]
    return [Finding("hub", "ok", f"{has} ({status['place']})")]


def check_log(situation: Situation) -> list[Finding]:
    """How large the log and its WAL are."""
    if situation.reader is None:
        return []
    sizes = {}
    for suffix in ("", "-wal"):
        path = situation.state_dir / f"{DATABASE}{suffix}"
        sizes[suffix] = path.stat().st_size if path.exists() else 0
    text = f"{sizes['']:,} bytes, WAL {sizes['-wal']:,} bytes"
    findings = [Finding("log", "ok", text)]
    broken = situation.reader.execute("PRAGMA quick_check(1)").fetchone()[0]
    if broken != "ok":
        findings = [Finding("log", "FAIL", f"{text}: damaged: {broken}", DAMAGED)]
    elif sizes["-wal"] > WAL_LIMIT:
        fix = "end what has been reading it for long (`cadenzactl events --follow`, a backup)"
        findings = [Finding("log", "warn", f"{text}: somebody keeps it from being folded in", fix)]
    kept = list(situation.state_dir.glob(f"{DATABASE}.replaced-*"))
    if kept:
        total = sum(path.stat().st_size for path in kept)
        text = f"{len(kept)} logs that a restore replaced, {total:,} bytes"
        findings.append(Finding("log", "ok", text, "delete them when nobody wants them back"))
    return findings


def check_news(situation: Situation) -> list[Finding]:
    """Whether whoever is to be told of verdicts hears of them."""
    if situation.reader is None:
        return []
    jobs = [job for job in daemon_jobs(situation.reader) if job["kind"] in DELIVERIES]
    findings = [
        Finding(
            "news",
            "FAIL",
            f"job {job['job']} ({job['kind']}) was given up: {job['result']}",
            f"mend that, then cadenzactl jobs retry {job['job']}",
        )
        for job in jobs
        if job["state"] == "failed"
    ]
    ways = situation.config.notify.ways if situation.config is not None else ()
    text = f"told by {', '.join(ways)}" if ways else "nobody is to be told ([notify])"
    return findings or [Finding("news", "ok", text)]


# -- the unit --------------------------------------------------------------------------------------


def check_unit(situation: Situation) -> list[Finding]:
    """What systemd says of our units, where it runs."""
    scopes = [scope for scope in get_args(Scope) if situation.manager_runs(scope)]
    if not scopes:
        return [Finding("unit", "ok", "no systemd to ask", BY_HAND)]
    known = []
    for service in known_services(scopes, situation.environ):
        properties = situation.shown(service)
        if properties.get("LoadState", "not-found") != "not-found":
            known.append((service, properties))
    if not known:
        return [Finding("unit", "warn", "no unit is installed", "cadenzactl service install")]
    # One that does its work makes another, unused one no news.
    active = any(properties.get("ActiveState") == "active" for _, properties in known)
    return [
        judge_unit(service, properties)
        for service, properties in known
        if not active or properties.get("ActiveState") != "inactive"
    ]


def judge_unit(service: Service, properties: Mapping[str, str]) -> Finding:
    """`properties`: the unit's, as `systemctl show` names them."""
    unit, own = service.unit, " --user" * (service.scope == "user")
    active = properties.get("ActiveState", "?")
    enabled = properties.get("UnitFileState", "?")
    restarts = properties.get("NRestarts", "0")
    text = f"{unit}: {active} ({properties.get('SubState', '?')}), {enabled}"
    why = f"journalctl{own} -u {unit} says why"
    if active == "failed" or properties.get("LoadState") != "loaded":
        text += f", result {properties.get('Result', '?')}"
        return Finding("unit", "FAIL", text, f"{why}; then systemctl{own} restart {unit}")
    if active != "active":
        return Finding("unit", "warn", text, f"systemctl{own} enable --now {unit}")
    if restarts not in ("", "0"):
        return Finding("unit", "warn", f"{text}, restarted {restarts} times by systemd", why)
    if enabled == "disabled":
        return Finding("unit", "warn", f"{text}: not at boot", f"systemctl{own} enable {unit}")
    return Finding("unit", "ok", text)


SERVICE_CHECKS: tuple[Check, ...] = (
    check_state,
    check_view,
    check_workspaces,
    check_daemon,
    check_hub,
    check_log,
    check_news,
    check_unit,
)
