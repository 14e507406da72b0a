"""What becomes of a rewrite: watched, taken back, approved late, edited by hand, found again."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dying import die_once
from judging import QUICK, ask_stub, drop, kill_judging, remedy, stuck_log

from handlers.recovery import FINISHED_BEFORE

pytest.importorskip("groq")
pytest.importorskip("mujoco")

REPLACED = "handlers.judge.rewrite:swap:after:1"
LINE = "- when in enter_debris and stuck for 2 ticks: walk_backward distance_m=0.4"


@pytest.fixture
def judged(house, stubs) -> Iterator[Callable[..., Path]]:
    """A project, and a Groq that answers with these remedies, the last of them ever after."""
    with ExitStack() as stack:

        def start(*remedies: dict[str, object], mode: str = "apply") -> Path:
            answers = [stubs.completion(item) for item in remedies or (remedy(),)]
            stub = stack.enter_context(stubs.GroqStub(answers))
            ask_stub(house, stub)
            house.environ["USER"] = "somebody"
            house.configure(improve=QUICK.replace("[judge]", f"[judge]\nmode = '{mode}'"))
            project: Path = house.project()
            return project

        yield start


def prompt_of(house) -> dict[str, Any]:
    return house.project_status()["prompt"]


def good_runs(project: Path, logs, count: int = 8) -> None:
    for number in range(count):
        drop(project, f"good{number}", logs.run(3 + number))


def prompt(house, *arguments: object, check: bool = True):
    return house.run("cadenzactl", "prompt", "rescue", *arguments, check=check)


# -- which runs count ------------------------------------------------------------------------------


def test_runs_that_a_training_by_hand_read_are_not_runs_after_it(house, logs, judged) -> None:
    # given good runs in the log, and failing ones nobody has recorded
    project = judged()
    good_runs(project, logs)
    house.once()
    for number in range(1, 5):
        drop(project, f"r{number}", stuck_log(logs, 4 + number))

    # when a person has the prompt rewritten because of those, and the daemon comes later
    house.run("cadenza", "env", "train", project)
    house.once()

    # then they stand before the rewrite, which stays
    assert house.events("PromptRolledBack") == []
    assert prompt_of(house)["watching"] is True
    shown = json.loads(prompt(house, "--json").stdout)
    assert shown["evidence"]["before"]["runs"] == 12
    assert shown["evidence"]["after"]["runs"] == 0


def test_a_log_that_lay_there_unread_at_the_rewrite_was_driven_before_it(
    house, logs, judged
) -> None:
    # given a version that is proposed, and logs that come while no daemon runs
    project = judged(mode="propose")
    good_runs(project, logs)
    drop(project, "r1", stuck_log(logs))
    house.once()
    for number in range(2, 6):
        drop(project, f"r{number}", stuck_log(logs, 4 + number))

    # when the version is approved before anybody reads them
    prompt(house, "approve")
    (written,) = house.events("PromptRewritten")
    assert len(written["data"]["unread"]) == 4
    house.once()

    # then they count as runs before
    assert house.events("PromptRolledBack") == []
    evidence = json.loads(prompt(house, "--json").stdout)["evidence"]
    assert (evidence["before"]["runs"], evidence["after"]["runs"]) == (13, 0)


def test_old_logs_that_grow_are_no_runs_after_the_rewrite(house, logs, judged) -> None:
    project = judged()
    good_runs(project, logs)
    for number in range(1, 5):
        drop(project, f"r{number}", stuck_log(logs, 4 + number))
    house.once()
    assert prompt_of(house)["watching"] is True

    for number in range(1, 5):
        with (project / ".cadenza-env" / f"r{number}.log.jsonl").open("ab") as log:
            log.write(logs.tick(5 + number, phase="enter_debris", terminated=True, truncated=True))
    house.once()
    assert len(house.events("RunExtended")) == 4
    assert house.events("PromptRolledBack") == []


def test_copies_of_a_log_are_one_run(house, logs, judged) -> None:
    project = judged()
    good_runs(project, logs)
    drop(project, "r1", stuck_log(logs))
    house.once()
    for number in range(6):
        drop(project, f"copy{number}", stuck_log(logs, 9))
    house.once()
    assert house.events("PromptRolledBack") == []
    evidence = json.loads(prompt(house, "--json").stdout)["evidence"]
    assert evidence["after"]["runs"] == 1


def test_too_few_runs_before_leave_the_watch_undecided(house, logs, judged) -> None:
    # given a rewrite after one run that was as bad as can be
    project = judged()
    drop(project, "r1", stuck_log(logs))
    house.once()
    shown = prompt(house).stdout
    says = "watched: with 1 runs (1 as bad as a run can be) before the watch cannot tell"
    assert says in shown
    for look in ("status", "why"):
        assert says in house.run("cadenzactl", look, "rescue", check=False).stdout

    # when as many runs come as are waited for
    for number in range(4):
        drop(project, f"b{number}", stuck_log(logs, 6 + number))
    house.once()

    # then nothing is claimed that could not have been found
    (ended,) = house.events("PromptWatchEnded")
    assert ended["data"]["outcome"] == "undecided"
    assert ended["data"]["evidence"]["least_p"] == 1.0
    assert prompt_of(house)["watch"].startswith("undecided: 4 runs since; with 1 runs")


def test_runs_that_came_in_a_pause_are_looked_at_when_it_ends(house, logs, judged) -> None:
    project = judged()
    before = (project / "main.py").read_bytes()
    good_runs(project, logs)
    drop(project, "r1", stuck_log(logs))
    house.once()
    house.run("cadenzactl", "pause", "rescue")
    for number in range(4):
        drop(project, f"b{number}", stuck_log(logs, 6 + number))
    house.once()
    assert house.events("PromptRolledBack") == []

    house.run("cadenzactl", "resume", "rescue")
    house.once()
    (back,) = house.events("PromptRolledBack")
    assert back["data"]["evidence"]["after"]["runs"] == 4
    assert (project / "main.py").read_bytes() == before


def test_without_a_daemon_training_by_hand_looks_at_the_watch_first(house, logs, judged) -> None:
    project = judged()
    before = (project / "main.py").read_bytes()
    good_runs(project, logs)
    drop(project, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", project)
    for number in range(4):
        drop(project, f"b{number}", stuck_log(logs, 6 + number))

    done = house.run("cadenza", "env", "train", project)
    assert "taken back as 2: the first 4 runs since are worse" in done.stdout
    assert (project / "main.py").read_bytes() == before
    why = house.run("cadenzactl", "why", "rescue").stdout
    assert "took version 1 back, by cadenzad" in why
    assert "bets on whether each run is poor" in why
    assert "after: runs 4, succeeded 0" in why


# -- after a crash, and in a copy ------------------------------------------------------------------


@pytest.fixture
def killed(house, logs, judged) -> Path:
    """A project whose judging was killed when the file was replaced, and nothing recorded."""
    project = judged(mode="off")
    drop(project, "r1", stuck_log(logs))
    house.once()
    kill_judging(house, project, REPLACED)
    assert LINE in (project / "main.py").read_text()
    assert house.events("PromptRewritten") == []
    return project


def test_a_daemon_that_starts_records_what_a_killed_judging_wrote(house, killed) -> None:
    house.start()
    (written,) = house.events("PromptRewritten")
    assert prompt_of(house)["version"] == written["data"]["version"] == 1
    assert prompt_of(house)["watching"] is True
    (judged,) = house.events("RunsJudged")
    assert judged["data"]["usage"]["total"] > 0
    assert pending_notes(killed) == []


def test_what_was_asked_for_is_done_after_a_recovery(house, killed) -> None:
    # then a rollback records what was written, and takes it back
    before = (killed / ".cadenza-env" / "prompts" / "0001" / "before.py").read_bytes()
    done = prompt(house, "rollback")
    assert "version 1 taken back as 2" in done.stdout
    assert (killed / "main.py").read_bytes() == before
    assert [event["type"] for event in house.events("PromptRewritten", "PromptRolledBack")] == [
        "PromptRewritten",
        "PromptRolledBack",
    ]


def pending_notes(project: Path) -> list[Path]:
    return list((project / ".cadenza-env" / "prompts").glob(".pending-*"))


def test_a_copied_project_has_no_history_of_its_own(house, killed) -> None:
    copy = killed.with_name("copy")
    shutil.copytree(killed, copy)
    house.once()
    house.once()  # the copy is known now, and what lies there

    done = house.run("cadenzactl", "prompt", "copy", "rollback", check=False)
    assert done.returncode == 1
    assert done.stderr.count("no current prompt version") == 1
    assert len(house.events("PromptRewritten")) == 1
    assert (pending_notes(killed), pending_notes(copy)) == ([], [])
    jobs = json.loads(house.run("cadenzactl", "jobs", "--json").stdout)
    assert "prompt" not in json.dumps([job["kind"] for job in jobs.get("jobs", jobs)])


def test_a_history_that_was_lost_is_not_made_up(house, killed) -> None:
    # given a state directory that is new, so that no job of it wrote the version
    shutil.rmtree(house.state)
    house.once()
    house.once()

    assert prompt(house, "rollback", check=False).returncode == 1
    assert house.events("PromptRewritten") == []
    assert len(pending_notes(killed)) == 1


def test_a_rollback_that_is_killed_is_finished_and_not_asked_for_twice(house, logs, judged) -> None:
    # given a daemon whose child dies, once, when it has replaced the file
    project = judged()
    before = (project / "main.py").read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", project)
    marker = die_once(house, "handlers.judge.prompt.actions:swap:after:1")
    house.configure(
        improve=QUICK.replace("[judge]", "[jobs]\nbackoff = 0.1\n[judge]\nmode = 'off'")
    )
    house.start()

    # then the next attempt finds that all of it was done
    prompt(house, "rollback", check=False)
    house.until(lambda: house.events("JobSucceeded")[1:], "the second attempt")
    assert marker.exists()
    assert len(house.events("JobFailed")) == 1
    assert house.events("JobSucceeded")[1]["data"]["summary"] == FINISHED_BEFORE
    (back,) = house.events("PromptRolledBack")
    assert back["data"]["of"] == 1
    assert (project / "main.py").read_bytes() == before
    assert pending_notes(project) == []


def test_a_proposal_that_was_put_into_the_file_by_hand_is_recorded(house, logs, judged) -> None:
    # given somebody who did not ask for an approval
    project = judged(mode="propose")
    before = (project / "main.py").read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.once()
    after = (project / ".cadenza-env" / "prompts" / "0001" / "after.py").read_bytes()
    (project / "main.py").write_bytes(after)
    assert "version 1 is in main.py already" in prompt(house).stdout

    # then it cannot be rejected any more
    refused = prompt(house, "reject", check=False)
    assert refused.returncode == 1
    assert "is recorded now; rescue: no proposed prompt version" in refused.stderr
    assert prompt_of(house)["version"] == 1
    (written,) = house.events("PromptRewritten")
    assert written["data"]["by"] == "somebody, by hand"
    prompt(house, "rollback")
    assert (project / "main.py").read_bytes() == before


# -- people edit their files -----------------------------------------------------------------------


def test_a_conflict_ends_the_watch_and_is_recorded_once(house, logs, judged) -> None:
    # given a rewrite whose block somebody edits
    project = judged()
    good_runs(project, logs)
    drop(project, "r1", stuck_log(logs))
    house.once()
    source = project / "main.py"
    source.write_text(source.read_text().replace("distance_m=0.4", "distance_m=0.6"))
    touched = source.read_bytes()

    # when runs come that are worse
    for number in range(6):
        drop(project, f"b{number}", stuck_log(logs, 6 + number))
        house.once()

    # then it is theirs, said once, and no longer watched
    (conflict,) = house.events("PromptConflictFound")
    assert conflict["data"]["version"] == 1
    assert prompt_of(house)["watching"] is False
    assert "changed by hand" in prompt(house).stdout
    assert "theirs" in prompt(house, "log").stdout
    assert source.read_bytes() == touched
    jobs = [job for job in house.project_status()["jobs"] if job["kind"] == "prompt"]
    assert jobs == []


def test_the_old_file_put_back_by_hand_is_seen(house, logs, judged) -> None:
    project = judged()
    source = project / "main.py"
    before = source.read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.once()
    source.write_bytes(before)

    assert "changed by hand: the managed block was taken out by hand" in prompt(house).stdout
    assert prompt_of(house)["changed"]
    assert "changed by hand" in house.run("cadenzactl", "status", check=False).stdout
    assert "changed by hand" in house.run("cadenzactl", "why", "rescue").stdout

    # and the next training does not write the same remedy again
    drop(project, "r2", stuck_log(logs, 7))
    done = house.run("cadenza", "env", "train", project)
    assert source.read_bytes() == before
    assert "was taken back before" in done.stderr
    assert prompt_of(house)["version"] is None


def test_an_edit_elsewhere_is_no_change_of_ours(house, logs, judged) -> None:
    project = judged()
    drop(project, "r1", stuck_log(logs))
    house.once()
    source = project / "main.py"
    source.write_bytes(source.read_bytes() + b"# edited\n")
    assert prompt_of(house)["changed"] == ""
    assert prompt_of(house)["watching"] is True


def test_a_proposal_is_approved_in_a_file_that_was_edited_elsewhere(house, logs, judged) -> None:
    project = judged(mode="propose")
    source = project / "main.py"
    before = source.read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.once()
    source.write_bytes(before + b"# edited\n")

    assert "version 1 is in main.py" in prompt(house, "approve").stdout
    assert LINE in source.read_text()
    assert source.read_bytes().endswith(b"# edited\n")
    prompt(house, "rollback")
    assert source.read_bytes() == before + b"# edited\n"


# -- one change at a time --------------------------------------------------------------------------


def test_a_second_training_while_one_is_watched_is_proposed(house, logs, judged) -> None:
    # given a rewrite that is watched
    other = remedy(rule={"action": "turn_left"})
    project = judged(remedy(), other)
    drop(project, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", project)
    first = (project / "main.py").read_bytes()
    drop(project, "r2", stuck_log(logs, 7))

    # when somebody trains again
    done = house.run("cadenza", "env", "train", project)

    # then the file stays, until they say that they mean it
    assert "version 2 is proposed" in done.stdout
    assert "version 1 is still watched" in done.stdout
    assert (project / "main.py").read_bytes() == first
    assert prompt_of(house)["watching"] is True
    prompt(house, "approve")
    (ended,) = house.events("PromptWatchEnded")
    assert ended["data"]["outcome"] == "superseded"
    assert ended["data"]["version"] == 1
    assert prompt_of(house)["version"] == 2


def test_a_remedy_that_was_taken_back_does_not_return_with_other_numbers(
    house, logs, judged
) -> None:
    longer = [{"is": "stuck", "name": "none", "n": 0, "for_ticks": 4}]
    project = judged(remedy(), remedy(rule={"conditions": longer}))
    before = (project / "main.py").read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", project)
    prompt(house, "rollback")
    drop(project, "r2", stuck_log(logs, 7))

    done = house.run("cadenza", "env", "train", project)
    assert "was taken back before" in done.stderr
    assert (project / "main.py").read_bytes() == before


def test_a_rollback_that_is_rolled_back_brings_the_rules_and_the_watch(house, logs, judged) -> None:
    project = judged()
    before = (project / "main.py").read_bytes()
    drop(project, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", project)
    written = (project / "main.py").read_bytes()
    prompt(house, "rollback")
    assert (project / "main.py").read_bytes() == before

    assert "version 1 are back, and watched" in prompt(house, "rollback").stdout
    assert (project / "main.py").read_bytes() == written
    status = prompt_of(house)
    assert (status["version"], status["state"], status["watching"]) == (3, "restored", True)
    assert status["rules"] == [LINE]
    assert "\n\n" not in prompt(house).stdout


# -- what is said ----------------------------------------------------------------------------------


def test_a_project_trained_by_hand_without_a_daemon_is_known(house, logs, judged) -> None:
    project = judged()
    drop(project, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", project)

    assert house.project_status()["runs"]["total"] == 1
    assert LINE in prompt(house).stdout
    why = house.run("cadenzactl", "why", "rescue").stdout
    assert "r1: .cadenza-env/r1.log.jsonl, read at" in why


def test_a_project_outside_every_workspace_is_known_once_it_was_trained(
    house, logs, judged, tmp_path
) -> None:
    project = judged()
    elsewhere = tmp_path / "elsewhere" / "rescue2"
    shutil.copytree(project, elsewhere)
    house.start()
    drop(elsewhere, "r1", stuck_log(logs))
    house.run("cadenza", "env", "train", elsewhere)
    assert LINE in house.run("cadenzactl", "prompt", "rescue2").stdout


@pytest.mark.parametrize("action", ["approve", "reject", "rollback"])
def test_an_action_that_cannot_be_says_so_once_and_leaves_no_job(
    action, house, logs, judged
) -> None:
    judged(mode="off")
    house.once()
    plain = prompt(house, action, check=False)
    assert plain.returncode == 1
    assert plain.stderr.count("prompt version") == 1
    as_json = prompt(house, action, "--json", check=False)
    assert as_json.returncode == 1
    assert "prompt version" in json.loads(as_json.stdout)["error"]["message"]
    assert house.project_status()["jobs"] == []


def test_a_version_that_was_changed_on_disk_fails_in_one_line(house, logs, judged) -> None:
    project = judged(mode="propose")
    drop(project, "r1", stuck_log(logs))
    house.once()
    (project / ".cadenza-env" / "prompts" / "0001" / "after.py").write_bytes(b"other")
    done: subprocess.CompletedProcess[str] = prompt(house, "approve", "--json", check=False)
    assert done.returncode == 1
    assert "was changed on disk" in json.loads(done.stdout)["error"]["message"]
    assert done.stderr.count("was changed on disk") == 1
