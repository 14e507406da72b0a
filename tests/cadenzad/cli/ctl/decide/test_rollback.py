"""`cadenzactl rollback`: an earlier adapter serves again, or one line says why not."""

from __future__ import annotations

import json

import pytest

from cadenzad.cli.ctl.decide import rollback
from cadenzad.cli.programs import cadenzactl as main
from store.events.adapter import AdapterPromoted, AdapterRolledBack, AdapterScored


@pytest.fixture
def adapters(home, rescue) -> None:
    """Versions 1 and 2, of which 2 is deployed."""
    folder = rescue / ".cadenza-env" / "adapters"
    for number in (1, 2):
        (folder / f"{number:04}").mkdir(parents=True)
    (folder / "deployed").symlink_to("0002")
    home.record_adapters(rescue, 1, 2)


@pytest.fixture
def deployed_before(rescue, adapters, append) -> None:
    append(rescue, AdapterPromoted(version=1, previous=None, by="me"))
    append(rescue, AdapterPromoted(version=2, previous=1, by="me"))


def test_a_version_is_deployed_by_a_job(
    rescue, deployed_before, ended, run_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a job that does it
    event = AdapterRolledBack(version=1, previous=2, by="somebody", reason="asked for")
    outcome = ended("deploy", event, result="adapter 1 is deployed")
    wanted = []

    def run_by_hand(_arguments: object, *what: object):
        wanted.append(what)
        return outcome

    monkeypatch.setattr(rollback, "run_by_hand", run_by_hand)

    # when / then
    code, out, err = run_cli(main, "rollback", "rescue", "--to", 1)
    assert (code, out, err) == (0, "adapter 1 is deployed\n", "")
    assert wanted == [("deploy", rescue, {"to": 1}, "cadenzactl rollback")]
    answer = json.loads(run_cli(main, "rollback", "rescue", "--to", 1, "--json")[1])
    assert answer == {"AdapterRolledBack": event.as_shape()}


def test_a_job_that_fails_is_one_error(
    rescue, deployed_before, ended, run_cli, one_error, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = ended("deploy", state="failed", result="it is not whole")
    monkeypatch.setattr(rollback, "run_by_hand", lambda *_arguments: outcome)
    code, out, err = run_cli(main, "rollback", "rescue", "--to", 1)
    assert (code, out) == (1, "")
    assert one_error(err) == "it is not whole"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--to", 9], "there is no adapter version 9"),
        ([], "no other version that is still there was ever deployed"),
        (["--to", 1], "version 1 was never deployed, and it has no verdict"),
    ],
)
def test_what_cannot_be_is_seen_before_there_is_a_job(
    home, rescue, adapters, run_cli, one_error, arguments, expected
) -> None:
    code, out, err = run_cli(main, "rollback", "rescue", *arguments)
    assert (code, out) == (1, "")
    assert expected in one_error(err)
    assert home.events("JobQueued") == []


@pytest.mark.parametrize("verdict", ["BLOCK", "NEEDS_DATA"])
def test_a_verdict_against_it_takes_force(
    rescue, adapters, append, run_cli, one_error, verdict
) -> None:
    append(rescue, _scored(1, verdict))
    code, _, err = run_cli(main, "rollback", "rescue", "--to", 1)
    assert (code, f"version 1 was never deployed, and its verdict is {verdict}" in err) == (1, True)
    assert "--force" in one_error(err) + err


def test_one_deployed_by_force_takes_force_again_and_shows_while_it_serves(
    rescue, adapters, append, run_cli
) -> None:
    # given a blocked version that somebody deployed all the same
    def serve(version: int, previous: int, *, forced: bool) -> None:
        append(
            rescue,
            AdapterRolledBack(
                version=version, previous=previous, by="me", reason="asked for", forced=forced
            ),
        )

    append(rescue, AdapterPromoted(version=2, previous=None, by="me"), _scored(1, "BLOCK"))
    serve(1, 2, forced=True)
    # then status and why say so, also of that moment in the past
    at = json.loads(run_cli(main, "status", "--json")[1])["daemon"]["position"]
    assert "adapter 1 serves by force, without a DEPLOY" in run_cli(main, "status")[1]
    assert "version 1 serves by force, without a DEPLOY" in run_cli(main, "why", "rescue")[1]
    assert json.loads(run_cli(main, "why", "rescue", "--json")[1])["adapter"]["forced"] is True
    # and once another serves, it is no more said, nor was the blocked one deployed properly
    serve(2, 1, forced=False)
    assert _forced(run_cli(main, "status", "--json")[1]) is False
    assert _forced(run_cli(main, "status", "--json", "--at", at)[1]) is True
    code, _, err = run_cli(main, "rollback", "rescue")
    assert (code, "version 1 was never deployed, and its verdict is BLOCK" in err) == (1, True)


def _forced(status: str) -> bool:
    return json.loads(status)["projects"][0]["adapter"]["forced"]


def _scored(version: int, verdict: str) -> AdapterScored:
    return AdapterScored(
        version=version,
        verdict=verdict,
        held_out=True,
        checks=(),
        reasons=("it is worse",),
        next_steps=(),
        scorecard="x.json",
        scorecard_sha256="s",
    )


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "rollback", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


@pytest.mark.parametrize("version", ["0", "-1", "last", "1" * 10, ""])
def test_a_version_that_is_none_is_a_usage_error(home, run_cli, one_error, version) -> None:
    code, _, err = run_cli(main, "rollback", "rescue", f"--to={version}")
    assert code == 2
    assert "--to" in one_error(err)
