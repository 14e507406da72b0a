"""The service on this machine: how it comes, goes and is asked about. Its texts: unitfiles."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cadenzad.config.paths import expand
from cadenzad.service_manager.units import Scope, drop_in, program, shipped
from store.durable import make_folder, write_file
from store.errors import ConfigError, DaemonError

SLICE = "cadenzad.slice"
SYSTEM_UNITS = Path("/etc/systemd/system")
DROP_IN = "50-cadenzactl.conf"
BY_HAND = "run `cadenzad --workspace DIR` by hand, or from cron with --once"


@dataclass(frozen=True)
class Service:
    """One service: under the manager of `user`, or under the system's and running as `user`."""

    scope: Scope
    user: str
    folder: Path
    """Where the manager looks for the unit files that an administrator or user adds."""

    @property
    def unit(self) -> str:
        return "cadenzad.service" if self.scope == "user" else f"cadenzad@{self.user}.service"

    @property
    def file(self) -> Path:
        """The unit file, which several users share under the system manager."""
        return self.folder / ("cadenzad.service" if self.scope == "user" else "cadenzad@.service")

    @property
    def drop_in(self) -> Path:
        return self.folder / f"{self.unit}.d" / DROP_IN


def user_service(environ: Mapping[str, str] = os.environ) -> Service:
    """The service of whoever asks, under their own manager."""
    config = expand(environ.get("XDG_CONFIG_HOME") or "~/.config")
    return Service("user", pwd.getpwuid(os.getuid()).pw_name, config / "systemd" / "user")


def system_service(user: str) -> Service:
    """The service that runs as `user` under the system manager. Raises ConfigError."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise ConfigError(f"{user}: there is no such user") from None
    return Service("system", user, SYSTEM_UNITS)


def installed_users() -> list[str]:
    """The users for whom a system service was installed."""
    found = SYSTEM_UNITS.glob(f"cadenzad@*.service.d/{DROP_IN}")
    return sorted(path.parent.name.split("@")[1].removesuffix(".service.d") for path in found)


def contents(service: Service, workspaces: Sequence[Path], state: Path | None) -> dict[Path, str]:
    """Every file of the service and its text; `state`: the state directory of a user's service."""
    return {
        service.file: shipped(service.file.name),
        service.folder / SLICE: shipped(SLICE),
        service.drop_in: drop_in(service.scope, program(), workspaces, state),
    }


def known_services(
    scopes: Sequence[Scope], environ: Mapping[str, str] = os.environ
) -> list[Service]:
    """The services there may be for us under these managers: our own, and the system's."""
    own = user_service(environ)
    services = [own] if "user" in scopes else []
    if "system" in scopes:
        users = dict.fromkeys([own.user, *installed_users()])
        services += [Service("system", user, SYSTEM_UNITS) for user in users]
    return services


# -- the manager -----------------------------------------------------------------------------------


def manager_runs(scope: Scope, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a systemd to talk to; without one `systemctl` only complains."""
    if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
        return False
    return scope == "system" or (Path(_runtime(environ)) / "systemd/private").exists()


def systemctl(
    scope: Scope, *words: str, environ: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """Run `systemctl`, for the user's manager also where no login has set the way to it."""
    return subprocess.run(
        ["systemctl", f"--{scope}", "--no-pager", *words],
        env={**environ, "XDG_RUNTIME_DIR": _runtime(environ)},
        capture_output=True,
        text=True,
        check=False,
    )


def shown(service: Service) -> dict[str, str]:
    """What the manager says of the unit, by the names that `systemctl show` has; {} for nothing."""
    names = "LoadState,ActiveState,SubState,UnitFileState,MainPID,NRestarts,StatusText,Result"
    answer = systemctl(service.scope, "show", f"--property={names}", service.unit)
    pairs = (line.partition("=") for line in answer.stdout.splitlines())
    return {name: value for name, _, value in pairs} if answer.returncode == 0 else {}


def _runtime(environ: Mapping[str, str]) -> str:
    return environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"


# -- coming and going ------------------------------------------------------------------------------


class Hand:
    """Carries steps out and tells each; with `dry`, only tells."""

    def __init__(self, service: Service, tell: Callable[[str], None], *, dry: bool) -> None:
        self._service, self._report, self._dry = service, tell, dry
        self.changed = False

    def write(self, path: Path, text: str) -> None:
        """Give a file this text; one that has it already stays untouched."""
        if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text:
            self._report(f"unchanged {path}")
            return
        self.changed = True
        self._report(f"write {path}")
        if not self._dry:
            make_folder(path.parent)
            write_file(path, text.encode(), mode=0o644)

    def remove(self, path: Path) -> None:
        """Take a file away, and its folder if that was a drop-in folder and is empty now."""
        if not path.exists():
            return
        self.changed = True
        self._report(f"remove {path}")
        if not self._dry:
            path.unlink()
            if path.parent.suffix == ".d" and not any(path.parent.iterdir()):
                path.parent.rmdir()

    def control(self, *words: str) -> None:
        """`systemctl`. Raises DaemonError when it fails."""
        scope = self._service.scope
        self._report(" ".join(["systemctl", *(["--user"] if scope == "user" else []), *words]))
        if self._dry:
            return
        done = systemctl(scope, *words)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise DaemonError(
                f"systemctl {' '.join(words)}: {said[0] if said else f'exit {done.returncode}'}",
                hint=f"journalctl{' --user' * (scope == 'user')} -u {self._service.unit} -n 20",
            )


def install(service: Service, files: Mapping[Path, str], hand: Hand) -> None:
    """Write what differs, enable the unit and have it run with what is written. Idempotent."""
    for path, text in files.items():
        hand.write(path, text)
    now = shown(service) if manager_runs(service.scope) else {}
    if hand.changed:
        hand.control("daemon-reload")
    if hand.changed or now.get("UnitFileState") != "enabled":
        hand.control("enable", service.unit)
    if now.get("ActiveState") != "active":
        hand.control("start", service.unit)
    elif hand.changed:
        hand.control("restart", service.unit)


def uninstall(service: Service, hand: Hand) -> None:
    """Stop and disable the unit and take its files away; state and configuration stay."""
    now = shown(service) if manager_runs(service.scope) else {}
    if now.get("LoadState") == "loaded" and service.file.exists():
        hand.control("disable", "--now", service.unit)
    hand.remove(service.drop_in)
    if not _others(service):
        hand.remove(service.file)
        hand.remove(service.folder / SLICE)
    if hand.changed:
        hand.control("daemon-reload")


def _others(service: Service) -> list[Path]:
    """What still uses the template: drop-ins of other users' services, or their being enabled."""
    found = [
        *service.folder.glob(f"cadenzad@*.service.d/{DROP_IN}"),
        *service.folder.glob("*.wants/cadenzad@*.service"),
    ]
    own = {service.unit, f"{service.unit}.d"}
    return [path for path in found if not own & {path.name, path.parent.name}]
