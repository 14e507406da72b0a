"""`cadenzactl pause`: reactive work for a project stops, and what is dropped is still recorded."""

from __future__ import annotations

import json

from cadenzad.cli.programs import cadenzactl as main


def test_a_paused_project_is_recorded_and_not_exported(home, rescue, run_cli) -> None:
    assert run_cli(main, "pause", "rescue") == (0, "rescue is paused\n", "")
    home.log(rescue, "two", ticks=5)
    home.once()
    assert [record.event.run_id for record in home.events("RunRecorded")] == ["one", "two"]
    assert len(home.events("RunExported")) == 1
    assert home.events("ProjectPaused")[0].event.by == "cadenzactl pause"


def test_once_more_changes_nothing(home, rescue, run_cli) -> None:
    code, out, _ = run_cli(main, "pause", "rescue", "--json")
    first = json.loads(out)
    assert (code, first["project"], first["paused"]) == (0, "rescue", True)
    assert first["position"] == len(home.events())
    assert run_cli(main, "pause", rescue)[:2] == (0, "rescue is already paused\n")
    assert json.loads(run_cli(main, "pause", rescue, "--json")[1])["position"] is None
    assert len(home.events("ProjectPaused")) == 1


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "pause", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


def test_without_a_project_it_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "pause")
    assert code == 2
    assert "project" in one_error(err)
