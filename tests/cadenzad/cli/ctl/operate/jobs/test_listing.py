"""`cadenzactl jobs`: what waits, runs, has ended or was given up."""

from __future__ import annotations

import json

from cadenzad.cli.programs import cadenzactl as main
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
    assert job["project"] == str(rescue)


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
