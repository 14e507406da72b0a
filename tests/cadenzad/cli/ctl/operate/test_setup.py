"""`cadenzactl setup`: what it writes, what it leaves alone, and that a key is shown nowhere."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.config.files import default_path, load_config
from cadenzad.service_manager import install as services

KEY = "gsk_a-key-that-nobody-sees"


@pytest.fixture(autouse=True)
def nobody_runs_units(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(services, "manager_runs", lambda scope: False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("CONFIGURATION_DIRECTORY", raising=False)


def test_from_nothing_to_a_watched_sample(home, run_cli, tmp_path: Path) -> None:
    # when
    words = ("setup", "--workspace", tmp_path / "robots", "--sample", "dog", "--service", "none")
    code, out, err = run_cli(main, *words)

    # then
    assert (code, err) == (0, "")
    assert (tmp_path / "robots" / "dog" / "env.json").is_file()
    assert load_config(None).workspaces == (tmp_path / "robots",)
    assert f"next: cadenzad --workspace {tmp_path / 'robots'}" in out

    # when it is repeated, then nothing changes
    before = default_path().read_bytes()
    code, out, _ = run_cli(main, *words, "--json")
    assert code == 0
    steps = json.loads(out)["steps"]
    assert [step.split(":")[0] for step in steps] == [
        "unchanged",
        "unchanged",
        "no key",
        "no service",
    ]
    assert default_path().read_bytes() == before


def test_a_file_that_somebody_wrote_is_laid_over_and_not_edited(
    home, run_cli, tmp_path: Path
) -> None:
    # given
    (tmp_path / "old").mkdir()
    default_path().parent.mkdir(parents=True)
    written = f"# mine\nworkspaces = ['{tmp_path / 'old'}']\n"
    default_path().write_text(written)

    # when
    code, _, err = run_cli(main, "setup", "--workspace", tmp_path / "new")

    # then
    assert (code, err) == (0, "")
    assert default_path().read_text() == written
    assert load_config(None).workspaces == (tmp_path / "old", tmp_path / "new")
    code, out, _ = run_cli(main, "setup")
    assert (code, "is watched" in out) == (0, True)


def test_a_later_file_that_says_otherwise_is_named(home, run_cli, one_error, tmp_path) -> None:
    default_path().parent.mkdir(parents=True)
    default_path().write_text("")
    later = default_path().parent / "cadenzad.toml.d" / "90-site.toml"
    later.parent.mkdir()
    later.write_text("workspaces = []\n")
    code, _, err = run_cli(main, "setup", "--workspace", tmp_path / "new")
    assert code == 2
    assert "a later file sets `workspaces`" in one_error(err)


def test_a_key_is_kept_for_the_daemon_alone(
    home, run_cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    file = tmp_path / "key"
    file.write_text(KEY + "\n")

    # when
    words = ("setup", "--workspace", tmp_path / "robots", "--key-file")
    said = [run_cli(main, *words, file)]
    kept = default_path().parent / "groq_api_key"

    # then
    assert kept.read_text() == KEY + "\n"
    assert kept.stat().st_mode & 0o777 == 0o600

    # from stdin too
    monkeypatch.setattr("sys.stdin", io.StringIO("gsk_another-key"))
    said.append(run_cli(main, *words, "-"))
    assert kept.read_text() == "gsk_another-key\n"
    assert all(code == 0 and "gsk_" not in out + err for code, out, err in said)


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "it is empty"), ("two words", "it has spaces in it"), (None, "No such file")],
)
def test_what_is_no_key_is_refused(
    home, run_cli, one_error, tmp_path: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    words = ("--workspace", tmp_path / "robots", "--key-file", tmp_path / "key")
    code, _, err = run_cli(main, "setup", *words)
    assert code == 2
    assert reason in one_error(err)
    assert not (default_path().parent / "groq_api_key").exists()


def test_without_a_workspace_it_says_how(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "setup", "--yes")
    assert code == 2
    assert "cadenzactl setup --workspace ~/robots" in err


def test_on_a_terminal_it_asks(home, tmp_path: Path) -> None:
    # given a terminal, and somebody at it
    import pty
    import subprocess
    import sys

    above, below = pty.openpty()
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    code = "from cadenzad.cli.programs import cadenzactl; raise SystemExit(cadenzactl())"
    words = [sys.executable, "-c", code, "setup", "--service", "none"]
    with subprocess.Popen(words, stdin=below, stdout=below, stderr=below, env=env) as process:
        os.close(below)
        os.write(above, f"{tmp_path / 'asked'}\n".encode())
        heard = b""
        while b"key:" not in heard:
            heard += os.read(above, 1024)
        os.write(above, f"{KEY}\n".encode())
        try:
            while chunk := os.read(above, 1024):
                heard += chunk
        except OSError:
            pass  # the other side is closed
        os.close(above)
        assert process.wait(20) == 0, heard

    # then
    assert b"Which folder holds your projects?" in heard
    assert (tmp_path / "asked").is_dir()
    assert (tmp_path / "config" / "cadenzad" / "groq_api_key").read_text() == KEY + "\n"
    assert KEY.encode() not in heard


def test_it_installs_the_service_where_there_is_a_manager(
    home, run_cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(services, "manager_runs", lambda scope: True)
    monkeypatch.setattr(services.Hand, "control", lambda self, *words: asked.append(words))
    code, out, err = run_cli(main, "setup", "--workspace", tmp_path / "robots")
    assert (code, err) == (0, "")
    assert asked == [
        ("daemon-reload",),
        ("enable", "cadenzad.service"),
        ("start", "cadenzad.service"),
    ]
    assert "next: cadenzad --workspace" not in out


@pytest.mark.parametrize("name", ["a/b", "../dog", "/dog", ".hidden", "..", "a\nb", "a\x1b[2J"])
def test_a_sample_that_no_scan_would_find_is_refused(
    home, run_cli, one_error, tmp_path, name
) -> None:
    code, out, err = run_cli(main, "setup", "--workspace", tmp_path / "new", f"--sample={name}")
    assert (code, out) == (2, "")
    assert "a name" in one_error(err)
    assert "--sample rescue-dog" in err
    assert not (tmp_path / "new").exists()


def test_a_whole_path_that_is_missing_may_be_a_typo(home, run_cli, one_error, tmp_path) -> None:
    folder = tmp_path / "hmoe" / "me" / "robots"
    code, out, err = run_cli(main, "setup", "--workspace", folder)
    assert (code, out) == (2, "")
    assert f"3 folders of it are missing, from {tmp_path / 'hmoe'} on" in one_error(err)
    assert f"mkdir -p {folder.parent}" in err
    assert not (tmp_path / "hmoe").exists()


@pytest.mark.parametrize(("answer", "made"), [("yes\n", True), ("\n", False)])
def test_on_a_terminal_it_is_asked_whether_to_make_it(
    home, run_cli, monkeypatch, tmp_path, answer, made
) -> None:
    typed = io.StringIO(answer + "\n\n")
    typed.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", typed)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "")
    folder = tmp_path / "new" / "robots"
    code, out, err = run_cli(main, "setup", "--workspace", folder)
    assert "Make them? [no]" in err
    assert (code, folder.is_dir()) == ((0, True) if made else (2, False))
    if made:
        assert f"made {folder.parent}\nmade {folder}\n" in out
