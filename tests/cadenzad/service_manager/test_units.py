"""The unit files: one source, complete, understood by systemd, as closed as they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from checkout import ROOT

import cadenzad
from cadenzad.service_manager import units
from cadenzad.service_manager.install import Service, contents
from cadenzad.service_manager.units import drop_in, hidden, installation, program, quoted, shipped
from store.errors import ConfigError

NAMES = ("cadenzad.service", "cadenzad@.service", "cadenzad.slice")
LIMIT = 1.5


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    return found


def assignments(text: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (made,) = folder.glob("*.whl")
    return zipfile.ZipFile(made)


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_carries_the_units_of_the_systemd_folder(wheel, name, tmp_path, monkeypatch):
    # given a package as the wheel installs it
    wheel.extractall(tmp_path)
    monkeypatch.setattr(units, "PACKAGE", tmp_path / "cadenzad")

    # then
    assert shipped(name) == (ROOT / "systemd" / name).read_text()


def test_a_wheel_carries_nothing_but_the_three_packages(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if ".dist-info" not in top} == {"store", "handlers", "cadenzad"}


def test_a_checkout_is_bound_whole_into_the_sandbox():
    assert any(path == ROOT or ROOT.is_relative_to(path) for path in installation())


@pytest.mark.parametrize("name", ["cadenzad.service", "cadenzad@.service"])
def test_a_unit_says_what_keeps_the_daemon_on(name):
    unit = shipped(name)
    for key, value in {
        "Type": "notify",
        "NotifyAccess": "main",
        "Restart": "on-failure",
        "KillMode": "control-group",
        "OOMPolicy": "continue",
        "Slice": "cadenzad.slice",
        "Delegate": "cpu memory pids",
        "StartLimitIntervalSec": "0",
    }.items():
        assert assignments(unit, key) == [value]
    for key in ("WatchdogSec", "TimeoutStopSec", "ExecReload", "MemoryMax"):
        assert len(assignments(unit, key)) == 1
    keys = [value.partition(":")[0] for value in assignments(unit, "LoadCredential")]
    assert keys == ["groq_api_key", "openai_api_key", "hub_dsn"]
    assert assignments(unit, "SetCredential") == [rf"{key}:\n" for key in keys]
    for key in ("StateDirectory", "ConfigurationDirectory", "RuntimeDirectory"):
        assert assignments(unit, key)[0].startswith("cadenzad")


def test_the_system_unit_is_hardened(analyze):
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", ROOT / "systemd/cadenzad@.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert score, done.stderr
    assert float(score[1]) <= LIMIT


@pytest.mark.parametrize("scope", ["user", "system"])
def test_systemd_has_nothing_to_say_about_the_installed_files(scope, analyze, tmp_path):
    # given every file of a service whose paths are hard to write down
    workspace = tmp_path / 'a "b" 100% $HOME \\ ;#: c'
    workspace.mkdir()
    service = Service(scope, "daemon", tmp_path / "units")
    state = tmp_path / "state" if scope == "user" else None
    for path, text in contents(service, [workspace], state).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    # when
    done = subprocess.run(
        [analyze, "verify", "--man=no", tmp_path / "units" / service.unit],
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:"},
        capture_output=True,
        text=True,
        check=False,
    )

    # then
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/srv/robots", "/srv/robots"),
        ("/srv/my robots", '"/srv/my robots"'),
        ('/srv/"a"', '"/srv/\\"a\\""'),
        ("/srv/100%", "/srv/100%%"),
        ("/srv/a\\b", '"/srv/a\\\\b"'),
    ],
)
def test_a_path_is_one_word_of_a_unit_file(path, word):
    assert quoted(Path(path)) == word


def test_a_path_that_a_unit_file_cannot_hold_is_refused():
    with pytest.raises(ConfigError, match="cannot hold"):
        quoted("/srv/a\nExecStartPre=evil")


def test_the_drop_in_names_this_installation_and_binds_what_the_sandbox_hides():
    # given one workspace inside a home folder and one outside
    workspaces = [Path("/home/alice/ro:bots"), Path("/srv/$robots")]

    # when
    text = drop_in("system", ["/opt/bin/cadenzad"], workspaces, None)

    # then
    assert assignments(text, "ExecStart") == [
        "",
        "/opt/bin/cadenzad --workspace /home/alice/ro:bots --workspace /srv/$$robots",
    ]
    assert assignments(text, "BindPaths") == ["/home/alice/ro\\:bots"]
    assert assignments(text, "ReadWritePaths") == ["/srv/$robots"]
    bound = [Path(path) for path in assignments(text, "BindReadOnlyPaths")]
    assert bound == hidden(installation())


def test_the_drop_in_of_a_user_says_where_the_state_is_and_binds_nothing():
    text = drop_in("user", ["/opt/bin/cadenzad"], [], Path("/home/alice/state"))
    assert assignments(text, "Environment") == ["CADENZAD_STATE=/home/alice/state"]
    assert "Bind" not in text


def test_the_program_is_the_one_that_runs_here():
    command = program()
    assert Path(command[0]).is_absolute()
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cadenzad ")


def test_the_installation_is_where_our_modules_and_the_interpreter_are():
    folders = installation()
    for needed in (Path(cadenzad.__file__), Path(os.__file__), Path(sys.executable)):
        assert any(needed.is_relative_to(folder) for folder in folders)
    for one in folders:
        assert not any(one.is_relative_to(other) for other in folders if other != one)
