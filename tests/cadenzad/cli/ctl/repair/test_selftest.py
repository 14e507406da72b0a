"""`cadenzactl selftest`: does what jobs need work where they run?"""

from __future__ import annotations

import json

import pytest
from children import importing_from

from cadenzad.cli.programs import cadenzactl as main
from store import interpreter
from store.lock import WriterLock


@pytest.fixture(autouse=True)
def files_alone(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's child does not find torch and mujoco: what is heavy is not what is tested here."""
    (tmp_path / "light.py").write_text(
        "import importlib.util\n"
        "find = importlib.util.find_spec\n"
        "def without(name, *rest):\n"
        "    return None if name in ('torch', 'mujoco') else find(name, *rest)\n"
        "importlib.util.find_spec = without\n"
    )
    monkeypatch.setattr(interpreter, "command", importing_from(tmp_path, "light"))


def test_without_a_daemon_the_job_runs_here(home, run_cli) -> None:
    code, out, err = run_cli(main, "selftest")
    assert (code, err) == (0, "")
    assert out.startswith("job 1: succeeded: files: 1 folders writable; torch: ")
    assert home.types()[:2] == ["JobQueued", "JobStarted"]


def test_a_projects_folder_is_tried_too(home, rescue, run_cli) -> None:
    code, out, _ = run_cli(main, "selftest", "rescue", "--json")
    job = json.loads(out)
    assert (code, job["kind"], job["state"]) == (0, "selftest", "succeeded")
    assert job["result"].startswith("files: 2 folders writable")


def test_a_job_that_fails_is_code_one(rescue, run_cli) -> None:
    rescue.rename(rescue.with_name("gone"))
    code, out, _ = run_cli(main, "selftest", "rescue")
    assert code == 1
    assert ": failed: " in out


def test_a_daemon_that_never_answers_ends_with_one_line(home, run_cli, one_error) -> None:
    home.begin_log()
    with WriterLock(home.state, "cadenzad").acquire():
        code, out, err = run_cli(main, "selftest", "--timeout", "0.1")
    assert (code, out) == (1, "")
    assert one_error(err) == "the job has not ended in 0.1 s"
    assert list((home.state / "inbox").iterdir()) == []


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "selftest", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


def test_a_timeout_that_is_none_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "selftest", "--timeout", "soon")
    assert code == 2
    assert "--timeout" in one_error(err)
