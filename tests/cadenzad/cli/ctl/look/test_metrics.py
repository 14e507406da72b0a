"""`cadenzactl metrics`: text, JSON or a file, with and without a daemon."""

from __future__ import annotations

import json

import pytest

from cadenzad.cli.programs import cadenzactl as main


@pytest.fixture
def recorded_home(home):
    home.log(home.project())
    home.once()
    return home


def test_text_goes_to_stdout(recorded_home, run_cli) -> None:
    code, out, err = run_cli(main, "metrics")
    assert (code, err) == (0, "")
    assert "# TYPE cadenzad_up gauge\ncadenzad_up 0\n" in out
    assert f"cadenzad_events_total {len(recorded_home.events())}\n" in out


def test_json_has_the_same_families(recorded_home, run_cli) -> None:
    _, text, _ = run_cli(main, "metrics")
    code, out, _ = run_cli(main, "metrics", "--json")
    assert code == 0
    families = json.loads(out)["metrics"]
    assert [f"# TYPE {f['name']} {f['type']}" for f in families] == [
        line for line in text.splitlines() if line.startswith("# TYPE")
    ]
    (up,) = [family for family in families if family["name"] == "cadenzad_up"]
    assert up["samples"] == [{"labels": {}, "value": 0.0}]


def test_a_textfile_is_written_in_silence(recorded_home, run_cli, tmp_path) -> None:
    target = tmp_path / "c.prom"
    assert run_cli(main, "metrics", "--textfile", target) == (0, "", "")
    assert target.read_text().startswith("# HELP cadenzad_up ")
    _, out, _ = run_cli(main, "metrics", "--textfile", target, "--json")
    assert json.loads(out) == {"textfile": str(target)}


@pytest.mark.parametrize("target", ["", "nowhere/c.prom", "."])
def test_a_file_that_is_none_is_one_error(recorded_home, run_cli, one_error, target) -> None:
    code, out, err = run_cli(main, "metrics", "--textfile", target)
    assert code in (1, 2)
    assert out == ""
    assert one_error(err)


def test_without_a_log_it_is_one_error(home, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "metrics")
    assert (code, out) == (1, "")
    assert "no event log yet" in one_error(err)
