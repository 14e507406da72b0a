"""cadenzad.toml: laid over by drop-ins and flags, and every mistake named in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cadenzad.config.files import default_path, load_config
from store.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cadenzad.toml"


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    config = load_config(None, [str(tmp_path)])
    assert config.workspaces == (tmp_path,)
    assert (config.watch.settle, config.reconcile.every, config.log.level) == (0.03, 60.0, "info")


def test_the_default_file_is_systemds_else_xdgs(tmp_path: Path) -> None:
    assert default_path({"CONFIGURATION_DIRECTORY": "/etc/c:/d"}) == Path("/etc/c/cadenzad.toml")
    assert default_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/cadenzad/cadenzad.toml")
    assert default_path({}) == tmp_path / "home" / ".config" / "cadenzad" / "cadenzad.toml"


def test_drop_ins_are_laid_over_in_name_order_key_by_key(file: Path, tmp_path: Path) -> None:
    # given
    file.write_text("workspaces = ['/a']\n[watch]\nsettle = 0.1\nsettle_open = 3\n")
    drop_ins = tmp_path / "cadenzad.toml.d"
    drop_ins.mkdir()
    (drop_ins / "20.toml").write_text("[watch]\nsettle = 0.3\n")
    (drop_ins / "10.toml").write_text("workspaces = ['/b']\n[watch]\nsettle = 0.2\n")
    (drop_ins / "notes.txt").write_text("not toml at all")

    # when
    config = load_config(file)

    # then
    assert config.workspaces == (Path("/b"),)
    assert (config.watch.settle, config.watch.settle_open) == (0.3, 3.0)


def test_workspaces_are_real_paths_each_once(file: Path, tmp_path: Path) -> None:
    (tmp_path / "robots").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "robots")
    config = load_config(None, [str(tmp_path / "link"), str(tmp_path / "robots"), "~/r"])
    assert config.workspaces == (tmp_path / "robots", tmp_path / "home" / "r")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("watch = {setle = 1}", "unknown key watch.setle"),
        ("workspace = ['/a']", "unknown key workspace"),
        ("watch = {settle = nan}", "watch.settle: Input should be a finite number"),
        ("watch = {settle = 0}", "watch.settle: "),
        ("jobs = {timeout = nan}", "jobs.timeout: Input should be a finite number"),
        ("reconcile = {every = inf}", "reconcile.every: "),
        ("log = {level = 'loud'}", "log.level: "),
        ("workspaces = '/a'", "workspaces: "),
        ('workspaces = ["a\\u0000b"]', "workspaces: "),
        ("workspaces = ['~nobody-of-that-name/x']", "~nobody-of-that-name/x"),
        ("watch = 3", "watch: "),
        ("a = 1\nb = ]", ".toml:2:5: Invalid value"),
        (
            "[judge]\nmode = 'off'\n[lora]\n[watch]\nsettle = 1\nsettle = 2",
            ".toml:6: watch.settle is set in line 5 as well",
        ),
        ("a = " + "[" * 100_000, "nested"),
        ("a = " + "9" * 5_000, "digits"),
        ("'a\\nb' = 1", "unknown key"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(file) in str(caught.value)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_text_without_quotes_is_told_so(file: Path) -> None:
    file.write_text("[judge]\nmode = apply\n")
    with pytest.raises(ConfigError, match=":2:8: Invalid value") as caught:
        load_config(file)
    assert 'mode = "apply"' in (caught.value.hint or "")


def test_the_mark_that_some_editors_put_first_is_no_mistake(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf[judge]\r\nmode = "off"\r\n')
    assert load_config(file).judge.mode == "off"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("watch = {setle = 1}", "did you mean settle?"),
        ("workspace = ['/a']", "did you mean workspaces?"),
        (
            "zzz = 1",
            "known here: workspaces, watch, reconcile, jobs, check, export, judge, lora, notify, "
            "takein, retention, hub, metrics, log",
        ),
        ("log = {zzz = 1}", "known here: level, json"),
        ("jobs = {timeouts = 1}", "did you mean timeout?"),
    ],
)
def test_an_unknown_key_is_answered_with_a_known_one(file: Path, text: str, hint: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert caught.value.hint == hint


def test_a_mistake_in_a_drop_in_names_the_drop_in(file: Path, tmp_path: Path) -> None:
    file.write_text("workspaces = ['/a']\n")
    (tmp_path / "cadenzad.toml.d").mkdir()
    (tmp_path / "cadenzad.toml.d" / "x.toml").write_bytes(b"# \xff\n")
    with pytest.raises(ConfigError, match=r"x\.toml:1: not UTF-8"):
        load_config(file)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.toml", "no such configuration file"),
        ("cadenzad.toml/x", "no such configuration file"),
        ("folder", "Is a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_file_that_is_none_is_named(file: Path, tmp_path: Path, name: str, message: str) -> None:
    file.touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path / name)


def test_what_cannot_be_read_is_named(file: Path, tmp_path: Path, without_privilege) -> None:
    file.write_text("workspaces = ['/a']\n")
    drop_ins = tmp_path / "cadenzad.toml.d"
    drop_ins.mkdir()
    for closed, mode in ((drop_ins, 0o755), (file, 0o644), (tmp_path, 0o755)):
        closed.chmod(0)
        try:
            with without_privilege(), pytest.raises(ConfigError, match="Permission denied"):
                load_config(file)
        finally:
            closed.chmod(mode)


def test_a_workspace_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(None, [os.fsdecode(bytes(tmp_path) + b"/\xff")])


def test_an_empty_workspace_is_not_the_current_folder() -> None:
    with pytest.raises(ConfigError, match="empty"):
        load_config(None, [""])
