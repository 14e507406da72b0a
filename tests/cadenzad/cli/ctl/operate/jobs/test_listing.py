"""`cadenzactl jobs`: what waits, runs, has ended or was given up."""

from __future__ import annotations

import json
import logging

from cadenzad.cli.programs import cadenzactl as main
from cadenzad.logfiles import job_log, logged_to
from store.events.process import JobStarted


def test_a_job_that_waits_is_a_line(rescue, queued, run_cli) -> None:
    code, out, err = run_cli(main, "jobs")
    assert (code, err) == (0, "")
    headings, line = out.splitlines()
    assert headings.split() == ["JOB", "KIND", "PROJECT", "STATE", "ATTEMPT", "QUEUED", "SAYS"]
    assert line.split()[:5] == [str(queued), "selftest", "rescue", "queued", "0"]
    assert line.endswith("a test")


def test_json_has_everything_of_it(rescue, failed, run_cli) -> None:
    code, out, _ = run_cli(main, "jobs", "rescue", "--json")
    (job,) = json.loads(out)["jobs"]
    assert code == 0
    assert (job["job"], job["state"], job["result"]) == (failed, "failed", "no disk")
    assert (job["project"], job["path"]) == ("rescue", str(rescue))


def test_only_those_that_were_given_up(rescue, queued, run_cli) -> None:
    assert run_cli(main, "jobs", "--failed")[:2] == (0, "no jobs\n")


def test_one_that_runs_says_how_far_it_is(home, rescue, append, queued, run_cli) -> None:
    append(rescue, JobStarted(job=queued, attempt=1, pid=1))
    code, out, _ = run_cli(main, "jobs", "--json")
    (job,) = json.loads(out)["jobs"]
    assert (code, job["state"], job["attempt"], job["progress"]) == (0, "running", 1, None)


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "jobs", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


def test_a_number_that_is_none_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "jobs", "--last", "many")
    assert code == 2
    assert "--last" in one_error(err)


def test_one_job_with_all_that_is_known_of_it(home, rescue, failed, run_cli) -> None:
    code, out, _ = run_cli(main, "jobs", failed)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == f"job {failed}: selftest for rescue: failed, attempt 0"
    assert "result: no disk" in lines
    assert lines[-1] == f"its log: cadenzactl jobs {failed} --log"
    _, out, _ = run_cli(main, "jobs", failed, "--json")
    job = json.loads(out)
    assert job["events"][0]["type"] == "JobQueued"
    assert job["queued_at"].endswith("Z")
    assert job["not_before"] is None


def test_what_a_job_logged_is_shown_and_followed_to_its_end(home, rescue, failed, run_cli) -> None:
    with logged_to(job_log(home.state, failed)):
        logging.getLogger("cadenzad.jobs").warning("no room left")
    code, out, err = run_cli(main, "jobs", failed, "--log")
    assert (code, err) == (0, "")
    assert out.rstrip().endswith("WARNING no room left")
    code, out, err = run_cli(main, "jobs", failed, "--log", "--follow")
    assert (code, out.count("\n")) == (1, 1), "it had failed"
    assert err == f"job {failed} (selftest) failed: no disk\n"


def test_a_job_that_logged_nothing_says_so(home, rescue, queued, run_cli) -> None:
    code, out, err = run_cli(main, "jobs", queued, "--log")
    assert (code, out) == (0, "")
    assert "has logged nothing" in err


def test_a_log_is_one_job_s(home, rescue, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "jobs", "rescue", "--log")
    assert code == 2
    assert "one job" in one_error(err)
    code, _, err = run_cli(main, "jobs", "4711")
    assert code == 4
    assert one_error(err) == "no job 4711"
