"""`cadenzactl resume`: what a pause left out is done."""

from __future__ import annotations

import json

from cadenzad.cli.programs import cadenzactl as main


def test_what_was_left_out_is_done(home, rescue, run_cli) -> None:
    # given a run that came in a pause
    run_cli(main, "pause", "rescue")
    home.log(rescue, "two", ticks=5)
    home.once()

    # when
    assert run_cli(main, "resume", "rescue") == (0, "rescue is active\n", "")
    home.once()

    # then
    assert len(home.events("RunExported")) == 2


def test_one_that_is_active_stays_so(home, rescue, run_cli) -> None:
    assert run_cli(main, "resume", "rescue")[:2] == (0, "rescue is already active\n")
    answer = json.loads(run_cli(main, "resume", "rescue", "--json")[1])
    assert answer == {"project": "rescue", "paused": False, "position": None}
    assert home.events("ProjectResumed") == []


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "resume", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


def test_without_a_project_it_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "resume")
    assert code == 2
    assert "project" in one_error(err)
