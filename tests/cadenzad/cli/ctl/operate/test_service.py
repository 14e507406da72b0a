"""`cadenzactl service`: what it writes, what it tells systemd, and how it answers without one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.service_manager import install as services
from cadenzad.service_manager.install import DROP_IN, Hand, Service, install, uninstall
from store.errors import ConfigError, DaemonError

SYSTEMCTL = """#!/bin/sh
# A manager that knows one unit, in three files beside this one: what was asked, and how it is.
here=$(dirname "$0")
shift 2                       # --user or --system, --no-pager
echo "$@" >> "$here/asked"
case $1 in
    show) cat "$here/shown" ;;
    start | restart) test ! -e "$here/broken" || { echo "Job failed." >&2; exit 1; } ;;
esac
"""
SHOWN = "LoadState=loaded\nActiveState={}\nSubState={}\nUnitFileState={}\nMainPID={}\n"
RUNNING = SHOWN.format("active", "running", "enabled", 42) + "StatusText=watching 2 projects\n"
STOPPED = SHOWN.format("inactive", "dead", "disabled", 0)


class Manager:
    """A stand-in for systemctl; the real one is in tests/flow/test_systemd.py."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "systemctl").write_text(SYSTEMCTL)
        (folder / "systemctl").chmod(0o755)
        self.is_now(STOPPED)

    def is_now(self, shown: str) -> None:
        (self.folder / "shown").write_text(shown)

    def breaks(self) -> None:
        (self.folder / "broken").touch()

    def asked(self) -> list[str]:
        """What it was told to do since the last call."""
        path = self.folder / "asked"
        words = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [word for word in words if not word.startswith("show ")]


@pytest.fixture
def manager(tmp_path, monkeypatch) -> Manager:
    made = Manager(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}:{os.environ['PATH']}")
    monkeypatch.setattr(services, "manager_runs", lambda scope: True)
    return made


@pytest.fixture
def nobody(monkeypatch) -> None:
    """A machine without systemd."""
    monkeypatch.setattr(services, "manager_runs", lambda scope: False)


@pytest.fixture
def workspace(tmp_path) -> Path:
    path = tmp_path / "robots"
    path.mkdir()
    return path


def steps(service: Service, files: dict[Path, str], dry: bool = False) -> list[str]:
    told: list[str] = []
    install(service, files, Hand(service, told.append, dry=dry))
    return told


def test_a_user_installs_and_everything_done_is_told(manager, workspace, capsys):
    # when
    code = main(["service", "install", "--user", "--workspace", str(workspace)])

    # then
    units = Path(os.environ["HOME"]) / ".config/systemd/user"
    told = capsys.readouterr()
    assert code == 0
    assert manager.asked() == [
        "daemon-reload",
        "enable cadenzad.service",
        "start cadenzad.service",
    ]
    assert told.out.splitlines() == [
        f"write {units}/cadenzad.service",
        f"write {units}/cadenzad.slice",
        f"write {units}/cadenzad.service.d/{DROP_IN}",
        "systemctl --user daemon-reload",
        "systemctl --user enable cadenzad.service",
        "systemctl --user start cadenzad.service",
    ]
    text = (units / "cadenzad.service.d" / DROP_IN).read_text()
    assert f"--workspace {workspace}" in text
    assert f"CADENZAD_STATE={os.environ['HOME']}/.local/state/cadenzad" in text


def test_installing_again_does_nothing_and_a_change_restarts(manager, tmp_path):
    # given
    service = Service("user", "alice", tmp_path / "units")
    files = {service.file: "a", service.drop_in: "b"}
    steps(service, files)
    manager.is_now(RUNNING)
    manager.asked()

    # when nothing has changed
    assert steps(service, files) == [f"unchanged {path}" for path in files]
    assert manager.asked() == []

    # and when something has
    steps(service, files | {service.drop_in: "c"})
    assert manager.asked()[-1] == "restart cadenzad.service"
    assert service.drop_in.read_text() == "c"


def test_a_dry_run_tells_and_touches_nothing(manager, workspace, capsys):
    code = main(["service", "install", "--user", "--dry-run", "--workspace", str(workspace)])
    out = capsys.readouterr().out
    assert code == 0
    assert "Type=notify" in out
    assert "would systemctl --user enable cadenzad.service" in out
    assert manager.asked() == []
    assert not (Path(os.environ["HOME"]) / ".config/systemd").exists()


def test_a_dry_run_needs_no_systemd(nobody, workspace, capsys):
    words = ["--dry-run", "--json", "--as", "nobody", "--workspace", str(workspace)]
    assert main(["service", "install", "--system", *words]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["dry_run"]
    assert answer["unit"] == "cadenzad@nobody.service"
    assert answer["steps"][-1] == "systemctl start cadenzad@nobody.service"


def test_uninstalling_takes_back_what_installing_wrote(manager, tmp_path):
    # given the services of two users, who share the template
    units = tmp_path / "units"
    alice, bob = Service("system", "alice", units), Service("system", "bob", units)
    for service in (alice, bob):
        steps(service, {service.file: "a", units / "cadenzad.slice": "s", service.drop_in: "b"})
    manager.is_now(RUNNING)
    manager.asked()

    # when
    uninstall(alice, Hand(alice, lambda text: None, dry=False))

    # then
    assert manager.asked() == ["disable --now cadenzad@alice.service", "daemon-reload"]
    assert not alice.drop_in.parent.exists()
    assert bob.drop_in.exists()
    assert alice.file.exists()

    # and with the last one goes the template
    uninstall(bob, Hand(bob, lambda text: None, dry=False))
    assert list(units.iterdir()) == []

    # and again is nothing
    manager.asked()
    again = Hand(bob, lambda text: None, dry=False)
    uninstall(bob, again)
    assert not again.changed
    assert manager.asked() == []


def test_a_unit_that_does_not_start_is_an_error_with_a_next_step(manager, tmp_path):
    manager.breaks()
    service = Service("user", "alice", tmp_path / "units")
    with pytest.raises(DaemonError, match=r"start cadenzad.service: Job failed\.") as caught:
        steps(service, {service.file: "a"})
    assert caught.value.hint == "journalctl --user -u cadenzad.service -n 20"


@pytest.mark.parametrize(
    ("shown", "code", "says"),
    [
        (RUNNING, 0, "cadenzad.service: active (running), enabled, pid 42\n  watching 2 projects"),
        (STOPPED, 3, "cadenzad.service: inactive (dead), disabled"),
        (SHOWN.format("failed", "failed", "enabled", 0) + "Result=watchdog\n", 3, "watchdog"),
        (SHOWN.format("activating", "auto-restart", "enabled", 0), 3, "auto-restart"),
        ("LoadState=not-found\nActiveState=inactive\n", 4, "not installed"),
    ],
)
def test_status_answers_with_the_lsb_code(manager, shown, code, says, capsys):
    manager.is_now(shown)
    assert main(["service", "status", "--user"]) == code
    assert says in capsys.readouterr().out


def test_status_as_json(manager, capsys):
    manager.is_now(RUNNING + "NRestarts=2\n")
    assert main(["service", "status", "--user", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["active"], answer["pid"], answer["restarts"]) == ("active", 42, 2)


def test_without_systemd_status_says_what_to_do_instead(nobody, capsys):
    assert main(["service", "status"]) == 4
    assert capsys.readouterr().out == (
        "no systemd here: run `cadenzad --workspace DIR` by hand, or from cron with --once\n"
    )


def test_without_systemd_nothing_is_installed(nobody, workspace, capsys):
    assert main(["service", "install", "--user", "--workspace", str(workspace)]) == 1
    assert "no systemd here" in capsys.readouterr().err
    assert not (Path(os.environ["HOME"]) / ".config/systemd").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["install", "--user"], "no workspace"),
        (["install", "--user", "--workspace", "/no/such"], "/no/such: no such folder"),
        (["install", "--user", "--as", "bob"], "--as goes with --system"),
        (["install", "--system", "--as", "no-such-user"], "there is no such user"),
        (["install", "--system", "--as", "nobody"], "no workspace"),
        (["install", "--system", "--as", "nobody", "--state", "/x"], "--state goes with --user"),
    ],
)
def test_what_cannot_be_installed_is_said_in_one_line(manager, words, says, capsys):
    assert main(["service", *words, "--dry-run"]) == 2
    assert says in capsys.readouterr().err


def test_a_user_that_does_not_exist_has_no_service():
    with pytest.raises(ConfigError):
        services.system_service("no-such-user")
