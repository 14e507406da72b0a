"""`cadenzactl jobs cancel`: a job is not wanted any more, and its history stays."""

from __future__ import annotations

import json

from cadenzad.cli.programs import cadenzactl as main


def test_a_job_that_waits_is_cancelled(home, queued, run_cli) -> None:
    assert run_cli(main, "jobs", "cancel", queued) == (
        0,
        f"job {queued} (selftest) cancelled\n",
        "",
    )
    (cancelled,) = home.events("JobCancelled")
    assert (cancelled.event.job, cancelled.event.by) == (queued, "cadenzactl jobs cancel")
    assert cancelled.causation == queued


def test_json_names_the_event(home, queued, run_cli) -> None:
    code, out, _ = run_cli(main, "jobs", "cancel", queued, "--json")
    position = home.events("JobCancelled")[0].position
    assert code == 0
    assert json.loads(out) == {"job": queued, "position": position, "type": "JobCancelled"}


def test_one_that_has_ended_is_one_error(home, failed, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "jobs", "cancel", failed)
    assert (code, out) == (1, "")
    assert one_error(err) == f"job {failed} is failed"
    assert "queued or running" in err
    assert home.events("JobCancelled") == []


def test_an_unknown_job_is_code_four(rescue, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "jobs", "cancel", 9999)
    assert code == 4
    assert one_error(err) == "no job 9999"


def test_a_number_that_is_none_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "jobs", "cancel", "all")
    assert code == 2
    assert "job" in one_error(err)
