"""`cadenzactl service`: have systemd run the daemon, stop having it, or ask how it is."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from collections.abc import Mapping
from pathlib import Path

from cadenzad.cli.base.output import say, say_json, say_lines
from cadenzad.cli.base.parser import NOT_RUNNING, OK, add_json_and_state, filled
from cadenzad.config.paths import expand, state_dir
from cadenzad.service_manager import install as services
from cadenzad.service_manager.install import BY_HAND, Hand, Service
from cadenzad.service_manager.units import Scope
from store.errors import ConfigError, DaemonError

DESCRIPTION = """Have systemd keep the daemon of this installation running. `install` writes,
enables and starts the unit, `uninstall` takes it back (state and configuration stay); both may be
repeated. `status` says how it is. A user's own manager (--user) needs no rights; --system needs
root and runs the daemon sandboxed, from boot on.

exit codes of `status` (LSB): 0 running   3 not running   4 not installed, or no systemd"""
EXAMPLE = "cadenzactl service install --workspace ~/robots"
UNKNOWN = 4
RUNNING = ("active", "reloading")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=["install", "uninstall", "status"],
        help="write, enable and start the unit; take it away; say how it is",
    )
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--user", action="store_true", help="your own manager (default)")
    scope.add_argument("--system", action="store_true", help="the system manager (root's default)")
    parser.add_argument(
        "--as",
        dest="runs_as",
        metavar="USER",
        type=filled,
        help="with --system: the user whose rights the daemon has (default: who called sudo)",
    )
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        action="append",
        default=[],
        type=filled,
        help="install: a folder that holds projects; repeatable (default: the configuration's)",
    )
    parser.add_argument("--dry-run", action="store_true", help="tell, and do nothing")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    scope: Scope = "system" if _is_system(arguments) else "user"
    missing = _missing_manager(scope)
    if arguments.action == "status" and missing:
        return _no_status(missing, as_json=arguments.json)
    service = _system(arguments) if scope == "system" else _user(arguments)
    if arguments.action == "status":
        return _status(service, as_json=arguments.json)
    if missing and not arguments.dry_run:
        raise missing
    if scope == "system" and os.geteuid() != 0 and not arguments.dry_run:
        raise ConfigError("--system needs root", hint=f"sudo {' '.join(sys.argv)}")
    return (_install if arguments.action == "install" else _uninstall)(service, arguments)


def _is_system(arguments: argparse.Namespace) -> bool:
    return bool(arguments.system or (os.geteuid() == 0 and not arguments.user))


def _missing_manager(scope: Scope) -> DaemonError | None:
    """Why there is nobody to talk to, and what to do instead; None when there is somebody."""
    if not services.manager_runs("system"):
        return DaemonError("no systemd here", hint=BY_HAND)
    if not services.manager_runs(scope):
        hint = "log in, or have root call `loginctl enable-linger` for you"
        return DaemonError("no systemd manager of yours is running", hint=hint)
    return None


def _user(arguments: argparse.Namespace) -> Service:
    if arguments.runs_as:
        raise ConfigError("--as goes with --system", hint="--user is always you")
    return services.user_service()


def _system(arguments: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Service:
    """The service that is meant. Raises ConfigError where that is not clear."""
    if arguments.state:
        hint = "a system service keeps its state in /var/lib/cadenzad/USER"
        raise ConfigError("--state goes with --user", hint=hint)
    user = arguments.runs_as or environ.get("SUDO_USER")
    if not user and arguments.action != "install":
        installed = services.installed_users()
        user = installed[0] if len(installed) == 1 else None
    if not user and os.geteuid() == 0:
        raise ConfigError("whose service? --as USER says it")
    return services.system_service(user or pwd.getpwuid(os.getuid()).pw_name)


# -- install and uninstall -------------------------------------------------------------------------


def _install(service: Service, arguments: argparse.Namespace) -> int:
    state = state_dir(arguments.state) if service.scope == "user" else None
    files = services.contents(service, _workspaces(service, arguments.workspace), state)
    report = _Report(arguments)
    if arguments.dry_run and not arguments.json:
        for path, text in files.items():
            say(f"# {path}")
            say_lines(text)
    services.install(service, files, Hand(service, report.step, dry=arguments.dry_run))
    report.end(service, [] if arguments.dry_run else _advice(service))
    return OK


def _uninstall(service: Service, arguments: argparse.Namespace) -> int:
    report = _Report(arguments)
    hand = Hand(service, report.step, dry=arguments.dry_run)
    services.uninstall(service, hand)
    report.end(service, ["state and configuration are kept"] if hand.changed else ["not installed"])
    return OK


def _workspaces(service: Service, flags: list[str]) -> list[Path]:
    """The folders to name in the unit; none where the daemon's own configuration has them."""
    from cadenzad.config.files import load_config

    for flag in flags:
        if not expand(flag).is_dir():
            raise ConfigError(f"{flag}: no such folder", hint="--workspace DIR holds projects")
    if not flags and service.scope == "system":
        raise ConfigError(
            "no workspace", hint="--workspace DIR: a system service sees only what it is given"
        )
    if not flags and not load_config(None).workspaces:
        raise ConfigError("no workspace", hint="--workspace DIR, or `workspaces` in the config")
    return list(dict.fromkeys(expand(flag).resolve() for flag in flags))


def _advice(service: Service) -> list[str]:
    """What the one who installs may not know."""
    if service.scope == "system":
        return [
            f"as {service.user}: export CADENZAD_STATE=/var/lib/cadenzad/{service.user}",
            f"the key, if any: /etc/cadenzad/{service.user}/groq_api_key, mode 0600",
        ]
    if (Path("/var/lib/systemd/linger") / service.user).exists():
        return []
    return [f"it ends when you log out; to keep it: loginctl enable-linger {service.user}"]


class _Report:
    """Steps as lines while they are done, or as one JSON object at the end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._json: bool = arguments.json
        self._dry: bool = arguments.dry_run
        self._steps: list[str] = []

    def step(self, text: str) -> None:
        self._steps.append(text)
        if not self._json:
            say(f"would {text}" if self._dry and not text.startswith("unchanged") else text)

    def end(self, service: Service, advice: list[str]) -> None:
        if self._json:
            answer = {"unit": service.unit, "dry_run": self._dry, "steps": self._steps}
            say_json(answer)
            return
        for line in advice:
            say(line, err=True)


# -- status ----------------------------------------------------------------------------------------


def _no_status(missing: DaemonError, *, as_json: bool) -> int:
    """Nobody to ask: a clear answer, not a failure."""
    if as_json:
        say_json({"unit": None, "systemd": False, "installed": False})
    else:
        say(f"{missing.message}: {missing.hint}")
    return UNKNOWN


def _status(service: Service, *, as_json: bool) -> int:
    """How the unit is. The LSB exit code."""
    shown = services.shown(service)
    installed = shown.get("LoadState") == "loaded"
    if as_json:
        say_json(_object(service, shown, installed=installed))
    elif not installed:
        say(f"{service.unit}: not installed")
        say(f"install it: cadenzactl service install --{service.scope} --workspace DIR")
    else:
        for line in _lines(service, shown):
            say(line)
    if not installed:
        return UNKNOWN
    return OK if shown["ActiveState"] in RUNNING else NOT_RUNNING


def _object(service: Service, shown: Mapping[str, str], *, installed: bool) -> dict[str, object]:
    return {
        "unit": service.unit,
        "systemd": True,
        "installed": installed,
        "active": shown.get("ActiveState", "unknown"),
        "sub": shown.get("SubState", "unknown"),
        "enabled": shown.get("UnitFileState") == "enabled",
        "pid": int(shown.get("MainPID") or 0) or None,
        "restarts": int(shown.get("NRestarts") or 0),
        "status": shown.get("StatusText", ""),
        "result": shown.get("Result", ""),
    }


def _lines(service: Service, shown: Mapping[str, str]) -> list[str]:
    """One line of facts, then what the daemon says of itself or why it is not there."""
    facts = [f"{shown['ActiveState']} ({shown['SubState']})"]
    facts.append(shown.get("UnitFileState") or "not enabled")
    if shown.get("MainPID", "0") != "0":
        facts.append(f"pid {shown['MainPID']}")
    if shown.get("NRestarts", "0") != "0":
        facts.append(f"restarted {shown['NRestarts']} times")
    lines = [f"{service.unit}: {', '.join(facts)}"]
    if shown.get("StatusText"):
        lines.append(f"  {shown['StatusText']}")
    if shown["ActiveState"] not in RUNNING:
        control = "--user " * (service.scope == "user")
        lines.append(f"  last result: {shown.get('Result', 'unknown')}")
        lines.append(f"  journalctl {control}-u {service.unit} -n 20")
    return lines
