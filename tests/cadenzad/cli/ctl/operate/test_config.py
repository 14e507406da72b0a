"""cadenzactl config: what is set by which file, and every mistake on a line of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.config.files import load_config
from cadenzad.config.settings import KEYS


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The daemon's own file, where it is looked for."""
    made = tmp_path / "home" / ".config" / "cadenzad" / "cadenzad.toml"
    made.parent.mkdir(parents=True)
    made.write_text("[watch]\nsettle = 0.1\nsettle_open = 3\n")
    return made


def test_show_has_every_key_with_value_and_origin(run_cli, file: Path) -> None:
    # given
    over = Path(f"{file}.d") / "10.toml"
    over.parent.mkdir()
    over.write_text("[watch]\nsettle = 0.2\n")

    # when
    code, out, err = run_cli(main, "config", "show")

    # then
    assert (code, err) == (0, "")
    heading, *rows = out.splitlines()
    assert heading.split() == ["KEY", "VALUE", "SET", "BY"]
    assert [row.split()[0] for row in rows] == list(KEYS)
    by_key = {row.split()[0]: row.split()[1:] for row in rows}
    assert by_key["watch.settle"] == ["0.2", str(over)]
    assert by_key["watch.settle_open"] == ["3.0", str(file)]
    assert by_key["log.level"] == ['"info"', "default"]


def test_show_in_json_has_types_and_defaults(run_cli, file: Path) -> None:
    code, out, _ = run_cli(main, "config", "show", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["files"] == [str(file)]
    assert list(answer["keys"]) == list(KEYS)
    assert answer["keys"]["watch.settle"] == {
        "value": 0.1,
        "origin": str(file),
        "default": 0.03,
        "needs_restart": False,
    }
    assert answer["keys"]["metrics.port"]["needs_restart"] is True


def test_show_of_a_project_is_as_it_is_for_that_project(run_cli, home, file: Path) -> None:
    # given a project that the event log knows by name
    project = home.project()
    (project / "cadenzad.toml").write_text("[watch]\nsettle_open = 5\n")
    home.once()

    # when
    code, out, _ = run_cli(main, "config", "show", "rescue", "--json")

    # then
    keys = json.loads(out)["keys"]
    assert code == 0
    assert (keys["watch.settle_open"]["value"], keys["watch.settle_open"]["origin"]) == (
        5.0,
        str(project / "cadenzad.toml"),
    )
    assert keys["watch.settle"]["origin"] == str(file)


def test_show_of_another_file(run_cli, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[jobs]\nworkers = 2\n")
    _, out, _ = run_cli(main, "config", "show", "--json", "--config", other)
    assert json.loads(out)["keys"]["jobs.workers"]["value"] == 2


def test_show_of_what_is_not_usable_is_one_error(run_cli, one_error, file: Path) -> None:
    file.write_text("[watch]\nsettle = 'x'\n")
    code, out, err = run_cli(main, "config", "show")
    assert (code, out) == (2, "")
    assert one_error(err).startswith(f"{file}:2: watch.settle: ")
    code, _, err = run_cli(main, "config", "show", "nobody")
    assert code == 2


def test_show_of_a_project_nobody_knows(run_cli, one_error, file: Path) -> None:
    code, _, err = run_cli(main, "config", "show", "nobody")
    assert code == 4
    assert "nobody" in one_error(err)


def test_check_says_good(run_cli, file: Path) -> None:
    assert run_cli(main, "config", "check") == (0, f"{file}: good\n", "")
    assert run_cli(main, "config", "check", file) == (0, f"{file}: good\n", "")
    file.unlink()
    assert run_cli(main, "config", "check") == (0, f"{file}: not there: defaults hold\n", "")


def test_check_has_one_line_for_each_mistake_and_exits_with_2(run_cli, file: Path) -> None:
    # given
    file.write_text("wach = 1\n[watch]\nsetle = 1\nmax_wait = 'a'\n")

    # when
    code, out, err = run_cli(main, "config", "check")

    # then
    assert (code, err) == (2, "")
    assert sorted(out.splitlines()) == [
        f"{file}:1: unknown key wach (did you mean watch?)",
        f"{file}:3: unknown key watch.setle (did you mean settle?)",
        f"{file}:4: watch.max_wait: Input should be a valid number, not 'a'"
        " (for example max_wait = 30.0)",
    ]


def test_check_in_json(run_cli, file: Path) -> None:
    code, out, _ = run_cli(main, "config", "check", "--json")
    assert (code, json.loads(out)) == (0, {"file": str(file), "ok": True, "problems": []})
    file.write_text("settle = 1\n")
    code, out, _ = run_cli(main, "config", "check", "--json")
    assert code == 2
    assert json.loads(out)["problems"] == [
        {"problem": f"{file}:1: unknown key settle", "hint": "did you mean watch.settle?"}
    ]


def test_check_of_a_projects_own_file_knows_what_a_project_may_set(
    run_cli, home, file: Path
) -> None:
    # given
    own = home.project() / "cadenzad.toml"
    own.write_text("[jobs]\nworkers = 9\n[watch]\nsettle = 0.07\n")

    # when
    code, out, _ = run_cli(main, "config", "check", own)

    # then the daemon's own value, 0.1, is what a project is held to
    assert code == 2
    lines = out.splitlines()
    assert len(lines) == 2
    assert any(f"{own}:2: jobs.workers cannot be set by a project" in line for line in lines)
    assert any("at least the daemon's 0.1" in line for line in lines)


def test_check_of_a_file_that_is_not_there(run_cli, tmp_path: Path) -> None:
    code, out, _ = run_cli(main, "config", "check", tmp_path / "x.toml")
    assert code == 2
    assert out == f"{tmp_path / 'x.toml'}: no such configuration file\n"


def test_without_an_action_it_says_which_there_are(run_cli, one_error) -> None:
    code, _, err = run_cli(main, "config")
    assert code == 2
    assert "ACTION" in one_error(err)


@pytest.mark.parametrize(
    ("text", "said", "example"),
    [
        ("[notify]\nurl = 'ftp://a/b'", "notify.url: is no http", '"http://127.0.0.1:8080/hook"'),
        (
            "[notify]\nurl = 'http://[b'",
            "notify.url: is no address",
            '"http://127.0.0.1:8080/hook"',
        ),
        ("[notify]\nurl_file = '/no/such'", "notify.url_file: /no/such: there is no such", "http"),
        ("[notify]\nargv = ['']", "notify.argv: the command has no name", "argv = ["),
        ("[takein]\nfields = ['x']", "takein.fields: 'x' is not FIELD = SOURCE", "obs.pos_x = "),
        ("[takein]\nfields = ['nose = /a']", "takein.fields: a tick has no field 'nose'", "obs."),
        ("[takein]\nfields = ['reward = r']", "takein.fields: no entry says", "action = /cmd"),
    ],
)
def test_what_can_not_work_is_refused_with_what_would(
    run_cli, file: Path, text, said, example
) -> None:
    file.write_text(text)
    code, out, err = run_cli(main, "config", "check")
    assert (code, err) == (2, "")
    (line,) = out.splitlines()
    assert line.startswith(f"{file}:2: {said}")
    assert example in line
    assert "Value error" not in line


def test_a_project_own_fields_are_checked_too(run_cli, home) -> None:
    own = home.project() / "cadenzad.toml"
    own.write_text("[takein]\nfields = ['x']\n")
    code, out, _ = run_cli(main, "config", "check", own)
    assert code == 2
    assert "is not FIELD = SOURCE" in out


def test_a_file_that_is_not_there_yet_keeps_no_daemon_from_its_start(file: Path) -> None:
    file.write_text("[notify]\nurl_file = '/no/such'\n")
    assert load_config(None).notify.ways == ("url",)
