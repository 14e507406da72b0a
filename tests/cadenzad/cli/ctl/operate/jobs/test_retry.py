"""`cadenzactl jobs retry`: a job that was given up waits again, with all its attempts."""

from __future__ import annotations

import json

from cadenzad.cli.programs import cadenzactl as main


def test_a_job_that_was_given_up_waits_again(home, failed, run_cli) -> None:
    assert run_cli(main, "jobs", "retry", failed) == (
        0,
        f"job {failed} (selftest) queued again\n",
        "",
    )
    assert home.events("JobRetried")[0].event.by == "cadenzactl jobs retry"
    (job,) = json.loads(run_cli(main, "jobs", "--json")[1])["jobs"]
    assert (job["state"], job["attempt"]) == ("queued", 0)


def test_json_names_the_event(home, failed, run_cli) -> None:
    code, out, _ = run_cli(main, "jobs", "retry", failed, "--json")
    position = home.events("JobRetried")[0].position
    assert code == 0
    assert json.loads(out) == {"job": failed, "position": position, "type": "JobRetried"}


def test_one_that_waits_is_one_error(home, queued, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "jobs", "retry", queued)
    assert (code, out) == (1, "")
    assert one_error(err) == f"job {queued} is queued"
    assert "failed or cancelled" in err


def test_an_unknown_job_is_code_four(rescue, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "jobs", "retry", 9999)
    assert code == 4
    assert one_error(err) == "no job 9999"


def test_a_number_that_is_none_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "jobs", "retry", "all")
    assert code == 2
    assert "job" in one_error(err)
