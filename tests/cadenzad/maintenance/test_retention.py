"""What may go: the policy selects by age and number, the rules protect whatever it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cadenzad.maintenance.retention import Plan, Policy, make_plan
from store.reads.state import State
from store.schema import connect_reader

DAY = 86400.0
NOW = 1_700_000_000.0
"""Before anything here was recorded: ages are set by hand."""


@pytest.fixture
def project(home) -> Path:
    """Four logs, recorded and exported; the age of log N and of its export is N days."""
    project = home.project()
    for age in (1, 2, 3, 4):
        home.log(project, f"r{age}", ticks=age)
    home.once()
    for age in (1, 2, 3, 4):
        set_age(project / f".cadenza-env/exports/r{age}.finetune.jsonl", age)
        set_age(project / f".cadenza-env/r{age}.log.jsonl", age)
    home.once()  # the logs' new times are read
    return project


def set_age(path: Path, days: float) -> None:
    os.utime(path, (NOW - days * DAY, NOW - days * DAY), follow_symlinks=False)


def plan(home, project: Path, *what: str, **policy: object) -> Plan:
    reader = connect_reader(home.state)
    try:
        chosen = {"what": frozenset(what)} if what else {}
        return make_plan(State(reader), str(project), Policy(**chosen, **policy), NOW)
    finally:
        reader.close()


def names(plan: Plan) -> list[str]:
    return [Path(item.path).name for item in plan.to_go]


def reasons(plan: Plan) -> dict[str, str]:
    return {Path(item.path).name: item.reason for item in plan.kept}


POLICIES: list[tuple[dict[str, float], list[str]]] = [
    ({"keep_last": 3}, ["r4"]),
    ({"keep_last": 0}, ["r4", "r3", "r2", "r1"]),
    ({"keep_last": 9}, []),
    ({"older_than": 2.5 * DAY}, ["r4", "r3"]),
    ({"older_than": 5 * DAY}, []),
    ({"keep_last": 3, "older_than": 2.5 * DAY}, ["r4"]),
    ({"keep_last": 1, "older_than": 2.5 * DAY}, ["r4", "r3"]),
]


def test_a_policy_selects_the_oldest(home, project) -> None:
    for policy, expected in POLICIES:
        found = plan(home, project, "logs", **policy)
        assert names(found) == [f"{name}.log.jsonl" for name in expected], policy
        assert found.kept == []


def test_logs_go_before_the_exports_for_which_they_may_go(home, project) -> None:
    found = plan(home, project, keep_last=3)
    assert [item.kind for item in found.to_go] == ["run", "export", "manifest"]
    log, export, _ = found.to_go
    assert (log.path, export.of) == (".cadenza-env/r4.log.jsonl", ".cadenza-env/r4.log.jsonl")
    assert log.sha256 is not None
    assert export.sha256 is not None


def test_a_log_without_a_current_export_stays_unless_forced(home, project) -> None:
    # given an env.json that no longer is one, so that a new log's export fails, and a session log
    home.log(project, "new")
    (project / "env.json").write_text("{}")
    session = project / "s.orchestrator.jsonl"
    session.write_text('{"ts": 1, "event": "session_start", "robot": "go1"}\n')
    home.once()

    # when
    found = plan(home, project, "logs")

    # then
    assert reasons(found) == {
        "new.log.jsonl": "its export is failed",
        "s.orchestrator.jsonl": "an orchestrator log has no export",
    }
    assert len(plan(home, project, "logs", force=True).to_go) == 6


def test_a_log_whose_export_was_deleted_stays(home, project) -> None:
    (project / ".cadenza-env/exports/r4.finetune.jsonl").unlink()
    found = plan(home, project, "logs", keep_last=3)
    assert found.to_go == []
    assert "is not there" in reasons(found)["r4.log.jsonl"]


def test_a_log_that_changed_since_it_was_read_stays_also_when_forced(home, project) -> None:
    with (project / ".cadenza-env/r4.log.jsonl").open("ab") as log:
        log.write(b"{}\n")
    set_age(project / ".cadenza-env/r4.log.jsonl", 4)
    found = plan(home, project, "logs", keep_last=3, force=True)
    assert found.to_go == []
    assert "not as it was last read" in reasons(found)["r4.log.jsonl"]


def test_an_export_that_somebody_changed_stays_unless_forced(home, project) -> None:
    export = project / ".cadenza-env/exports/r4.finetune.jsonl"
    export.write_text(export.read_text() + "\n")
    set_age(export, 4)
    found = plan(home, project, "exports", keep_last=3)
    assert found.to_go == []
    assert "somebody changed it" in reasons(found)["r4.finetune.jsonl"]
    assert len(plan(home, project, "exports", keep_last=3, force=True).to_go) == 2


def test_an_export_that_is_newer_than_its_event_stays(home, project) -> None:
    # given the same bytes written anew, as an export whose event is still on its way
    export = project / ".cadenza-env/exports/r4.finetune.jsonl"
    os.utime(export, (4e9, 4e9))
    found = plan(home, project, "exports")
    assert len(found.to_go) == 6
    assert "newer than what is recorded" in reasons(found)["r4.finetune.jsonl"]


def test_files_that_no_event_speaks_of_are_not_ours(home, project) -> None:
    (project / ".cadenza-env/exports/mine.finetune.jsonl").write_text("{}\n")
    (project / ".cadenza-env/notes.txt").write_text("n")
    assert not {"mine.finetune.jsonl", "notes.txt"} & set(names(plan(home, project)))


def test_a_folder_that_leads_out_of_the_project_is_not_entered(home, project) -> None:
    exports = project / ".cadenza-env/exports"
    exports.rename(home.root / "elsewhere")
    exports.symlink_to(home.root / "elsewhere")
    found = plan(home, project, "exports")
    assert found.to_go == []
    assert len(found.kept) == 4
    assert all("leads out of the project" in item.reason for item in found.kept)


def test_a_symlink_in_a_logs_place_is_no_log(home, project) -> None:
    log = project / ".cadenza-env/r4.log.jsonl"
    log.rename(project / "kept.txt")
    log.symlink_to(project / "kept.txt")
    assert "r4.log.jsonl" not in names(plan(home, project, "logs"))


# -- adapters --------------------------------------------------------------------------------------


@pytest.fixture
def adapters(home, project) -> Path:
    """Adapters 1, 2, 3 and 10 (the newest has the oldest times), and 2 deployed."""
    folder = project / ".cadenza-env/adapters"
    for number in (10, 3, 2, 1):
        (folder / str(number)).mkdir(parents=True)
        (folder / str(number) / "adapter_model.safetensors").write_bytes(bytes(number))
        set_age(folder / str(number), number)
    (folder / "deployed").symlink_to("2")
    (folder / "scratch").mkdir()
    home.record_adapters(project, 1, 2, 3, 10)
    return folder


def test_adapters_go_by_number_and_the_deployed_one_never(home, project, adapters) -> None:
    found = plan(home, project, "adapters", keep_last=1, force=True)
    assert names(found) == ["1", "3"]
    assert [item.bytes for item in found.to_go] == [1, 3]
    assert reasons(found) == {"2": "it is deployed"}


def test_an_adapter_that_no_event_speaks_of_stays(home, project, adapters) -> None:
    (adapters / "0").mkdir()
    (adapters / "4").mkdir()
    assert names(plan(home, project, "adapters", force=True)) == ["1", "3", "10"]


def test_without_a_deployed_adapter_only_the_policy_counts(home, project, adapters) -> None:
    (adapters / "deployed").unlink()
    assert names(plan(home, project, "adapters", keep_last=2)) == ["1", "2"]


@pytest.mark.parametrize("mishap", ["dangling", "a file"])
def test_what_is_deployed_must_be_known(home, project, adapters, mishap) -> None:
    (adapters / "deployed").unlink()
    if mishap == "dangling":
        (adapters / "deployed").symlink_to("7")
    else:
        (adapters / "deployed").write_text("2")
    found = plan(home, project, "adapters")
    assert found.to_go == []
    assert all("cannot be told" in reason for reason in reasons(found).values())


def test_an_absolute_deployed_link_protects_as_well(home, project, adapters) -> None:
    (adapters / "deployed").unlink()
    (adapters / "deployed").symlink_to(adapters / "3")
    assert names(plan(home, project, "adapters")) == ["1", "2", "10"]
