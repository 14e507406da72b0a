"""`cadenza env finetune`: records where they were asked for, the history told, no traceback."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import runlogs

from cadenzad.cli.programs import cadenza as main
from cadenzad.requests import inbox
from handlers.project.scaffold import recorded_run
from store.lock import WriterLock


@pytest.fixture
def project(home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one log; the current folder is an empty one elsewhere."""
    made = home.project()
    home.log(made)
    (home.root / "here").mkdir()
    monkeypatch.chdir(home.root / "here")
    return made


@pytest.fixture
def finetune(run_cli):
    def call(*words):
        return run_cli(main, "env", "finetune", *words)

    return call


def records(path: str | Path) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


# -- what it does ----------------------------------------------------------------------------------


def test_it_exports_and_tells_the_history(home, project, finetune) -> None:
    code, out, err = finetune(project, "one", "-o", "out.jsonl")
    assert (code, out, err) == (0, "wrote 3 records to out.jsonl\n", "")
    assert [record["tick"] for record in records("out.jsonl")] == [1, 2, 3]
    requested, exported = home.events()
    assert (requested.type, exported.type) == ("ExportRequested", "RunExported")
    assert exported.causation == requested.position
    assert exported.project == str(project)
    assert exported.event.origin == "manual"
    assert exported.event.run_path == ".cadenza-env/one.log.jsonl"
    assert exported.event.output == str(home.root / "here" / "out.jsonl")


def test_json_counts_everything(project, finetune) -> None:
    log = project / ".cadenza-env" / "one.log.jsonl"
    log.write_bytes(log.read_bytes() + b"[1]\n")
    code, out, err = finetune(project, "one", "-o", "out.jsonl", "--json")
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert (answer["written"], answer["rejected"], answer["filtered"]) == (3, 1, 0)
    assert [line["line"] for line in answer["rejected_lines"]] == [4]


def test_bad_lines_are_named_and_counted(project, finetune) -> None:
    log = project / ".cadenza-env" / "one.log.jsonl"
    log.write_bytes(log.read_bytes() + b"[1]\n" * 30)
    code, out, err = finetune(project, "one", "-o", "out.jsonl")
    assert code == 0
    assert out == "wrote 3 records to out.jsonl; 30 lines rejected\n"
    assert err.splitlines()[0].startswith("line 4: ")
    assert err.splitlines()[-1].endswith("more rejected lines")


@pytest.mark.parametrize(
    "log", ["one", "one.log.jsonl", ".cadenza-env/one.log.jsonl", "{project}/.cadenza-env/one"]
)
def test_a_log_is_found_by_id_and_by_path(project, finetune, log) -> None:
    code, _, err = finetune(project, log.format(project=project), "-o", "out.jsonl")
    assert (code, err) == (0, "")


def test_a_log_here_comes_before_one_in_the_project(home, project, finetune) -> None:
    shutil.copyfile(recorded_run(), "one.log.jsonl")
    finetune(project, "one", "-o", "out.jsonl")
    assert len(records("out.jsonl")) > 3
    (_, exported) = home.events()
    assert exported.event.run_path == str(home.root / "here" / "one.log.jsonl")


def test_a_known_name_stands_for_a_project_unless_a_folder_here_is_one(
    home, project, finetune, run_cli
) -> None:
    # given a known project, and a folder of its name here that is none
    home.once()
    Path("rescue").mkdir()
    assert finetune("rescue", "one", "-o", "out.jsonl")[0] == 0

    # when the folder here becomes a project
    run_cli(main, "env", "init", "rescue")

    # then it is meant
    assert finetune("rescue", "one", "-o", "out.jsonl")[0] == 4


def test_filters_of_the_command_narrow_those_of_the_mission(home, project, finetune) -> None:
    home.log(project, "low", reward=-2.5)
    home.log(project, "bad", phase_failed=True)
    home.log(project, "mixed")
    with (project / ".cadenza-env" / "mixed.log.jsonl").open("ab") as stream:
        stream.write((project / ".cadenza-env" / "low.log.jsonl").read_bytes())
    code, out, _ = finetune(project, "mixed", "-o", "a.jsonl", "--min-reward", "-1")
    assert (code, out) == (0, "wrote 3 records to a.jsonl; 3 filtered out\n")
    code, out, err = finetune(project, "bad", "-o", "b.jsonl", "--no-failures")
    assert out == "wrote 0 records to b.jsonl; 3 filtered out\n"
    assert "the export is empty" in err
    assert code == 1


def test_a_manifest_is_written_where_asked(home, project, finetune) -> None:
    (home.root.parent / "home").mkdir()
    code, _, _ = finetune(project, "one", "-o", "out.jsonl", "--manifest", "~/m.json")
    manifest = json.loads((home.root.parent / "home" / "m.json").read_text())
    assert (code, manifest["counts"]["written"]) == (0, 3)


def test_records_on_stdout_can_be_piped(home, project, finetune) -> None:
    code, out, err = finetune(project, "one", "-o", "-")
    assert (code, err) == (0, "wrote 3 records to standard output\n")
    assert [json.loads(line)["tick"] for line in out.splitlines()] == [1, 2, 3]
    assert home.events("RunExported")[0].event.output == "-"
    # and nothing but an error where there is none
    code, out, _ = finetune(project, "nothing", "-o", "-")
    assert (code, out) == (4, "")


def test_extended_keys_come_last_and_cut_the_file_into_episodes(project, finetune) -> None:
    log = project / ".cadenza-env" / "one.log.jsonl"
    log.write_bytes(log.read_bytes() + runlogs.run(2, reward=1, truncated=True))
    assert finetune(project, "one", "-o", "plain.jsonl")[0] == 0
    assert finetune(project, "one", "-o", "more.jsonl", "--keys", "extended")[0] == 0
    added = ["goal_prompt", "terminated", "truncated", "run_id", "episode_step"]
    for plain, more in zip(records("plain.jsonl"), records("more.jsonl"), strict=True):
        assert list(more) == [*plain, *added]
        assert {key: more[key] for key in plain} == plain
    assert [
        (r["terminated"], r["truncated"], r["run_id"], r["episode_step"], type(r["reward"]))
        for r in records("more.jsonl")
    ] == [
        (False, False, "one", 0, float),
        (False, False, "one", 1, float),
        (True, False, "one", 2, float),
        (False, True, "one", 0, float),
        (False, True, "one", 1, float),
    ]


def test_a_foreign_log_is_taken_by_whoever_insists(home, project, finetune) -> None:
    home.log(project, "other", phase="follow the wall")
    code, out, _ = finetune(project, "other", "-o", "x", "--foreign")
    assert (code, out) == (0, "wrote 3 records to x\n")
    assert home.events("ExportRequested")[0].event.options.foreign


# -- odd names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my run", "räscue ✓", "a\nb", "--json", "'$(x)'", "x" * 200])
def test_odd_names_work_throughout(home, project, finetune, name) -> None:
    home.log(project, name)
    log = project / ".cadenza-env" / f"{name}.log.jsonl"
    code, out, err = finetune(project, log, "-o", f"./{name}.jsonl")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1
    assert len(records(f"{name}.jsonl")) == 3
    assert home.events("RunExported")[0].event.run_id == name


def test_names_that_are_not_utf8_are_exported_and_recorded_with_escapes(home, finetune) -> None:
    # given every name there is with a byte that is no text
    odd = os.fsdecode(b"\xff")
    project = home.project("res" + odd)
    log = home.log(project, "one" + odd)
    output = str(home.root / f"out{odd}.jsonl")

    # when
    code, out, err = finetune(project, log, "-o", output, "--json")

    # then
    assert (code, err) == (0, "")
    assert json.loads(out)["written"] == 3
    assert len(records(output)) == 3
    requested, exported = home.events()
    assert requested.project == str(home.workspace / "res\\xff")
    assert exported.event.output == str(home.root / "out\\xff.jsonl")
    assert exported.event.run_id == "one\\xff"


# -- what cannot be --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["{p}", "nothing", "-o", "x"], 4, "no run log 'nothing'"),
        (["{p}", ".", "-o", "x"], 4, "no run log '.'"),
        (["{p}", "/", "-o", "x"], 4, "no run log '/'"),
        (["{p}", "..", "-o", "x"], 4, "no run log '..'"),
        (["{p}", "x" * 5000, "-o", "x"], 4, "no run log"),
        (["{p}", "a\nb", "-o", "x"], 4, "no run log 'a\\nb'"),
        (["{p}", "", "-o", "x"], 2, "must not be empty"),
        (["{p}", "~nobody-of-that-name/x", "-o", "x"], 2, "home folder"),
        (["{p}", "folder", "-o", "x"], 4, "no run log 'folder'"),
        (["nowhere", "one", "-o", "x"], 4, "no project 'nowhere'"),
        (["", "one", "-o", "x"], 2, "must not be empty"),
        (["x" * 5000, "one", "-o", "x"], 4, "no project"),
        (["folder", "one", "-o", "x"], 4, "folder"),
        (["file", "one", "-o", "x"], 4, "no project 'file'"),
        (["{p}", "one"], 2, "-o/--output"),
        (["{p}", "one", "-o", ""], 2, "must not be empty"),
        (["{p}", "one", "-o", "."], 2, "is a folder"),
        (["{p}", "one", "-o", "/"], 2, "is a folder"),
        (["{p}", "one", "-o", "folder"], 2, "is a folder"),
        (["{p}", "one", "-o", "file/x"], 1, "cannot write file/x"),
        (["{p}", "one", "-o", "a/b/x"], 2, "there is no folder a/b"),
        (["{p}", "one", "-o", "-", "--json"], 2, "-o - and --json"),
        (["{p}", "other", "-o", "x"], 1, "names no phase of mission"),
        (["{p}", "one", "-o", "x" * 300], 1, "File name too long"),
        (["{p}", "one", "-o", "/dev/null"], 1, "not a regular file"),
        (["{p}", "one", "-o", "/dev/full"], 1, "not a regular file"),
        (["{p}", "one", "-o", "{p}/.cadenza-env/one.log.jsonl"], 1, "is the run log itself"),
        (["{p}", "one", "-o", "link"], 1, "is the run log itself"),
        (["{p}", "one", "-o", "x", "--manifest", "link"], 1, "is the run log itself"),
        (["{p}", "one", "-o", "x", "--manifest", "x"], 1, "at once"),
        (["{p}", "one", "-o", "x", "--manifest", "folder"], 2, "is a folder"),
        (["{p}", "one", "-o", "x", "--min-reward", "nan"], 2, "--min-reward"),
        (["{p}", "one", "-o", "x", "--min-reward", "inf"], 2, "--min-reward"),
        (["{p}", "one", "-o", "x", "--min-reward", "much"], 2, "--min-reward"),
        (["{p}", "one", "-o", "x", "--format", "xml"], 2, "--format"),
        (["{p}", "empty", "-o", "x"], 1, "nothing to export: the file holds no lines"),
        (["{p}", "garbage", "-o", "x"], 1, "nothing to export: no usable record"),
        (["{p}", "one", "-o", "x", "--state", ""], 2, "must not be empty"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_line(
    home, project, finetune, one_error, words, code, reason
) -> None:
    # given
    Path("folder").mkdir()
    Path("file").touch()
    log = project / ".cadenza-env" / "one.log.jsonl"
    Path("link").symlink_to(log)
    (project / ".cadenza-env" / "empty.log.jsonl").touch()
    (project / ".cadenza-env" / "garbage.log.jsonl").write_bytes(os.urandom(64) + b"\n[1]\nnull\n")
    home.log(project, "other", phase="follow the wall")
    before = log.read_bytes()

    # when
    done, out, err = finetune(*[word.replace("{p}", str(project)) for word in words])

    # then
    assert (done, out) == (code, "")
    assert reason in one_error(err)
    assert log.read_bytes() == before
    assert not Path("x").exists()


def test_an_env_json_that_is_broken_is_named(project, finetune, one_error) -> None:
    (project / "env.json").write_text('{"name": ')
    code, _, err = finetune(project, "one", "-o", "x")
    assert code == 1
    assert f"{project}/env.json: line 1" in one_error(err)


def test_a_failure_that_lies_in_the_input_is_history_too(home, project, finetune) -> None:
    (project / ".cadenza-env" / "empty.log.jsonl").touch()
    assert finetune(project, "empty", "-o", "x")[0] == 1
    requested, failed = home.events()
    assert (failed.type, failed.causation) == ("ExportFailed", requested.position)
    assert failed.event.origin == "manual"


def test_files_that_may_not_be_read_or_written_are_named(
    project, finetune, one_error, without_privilege
) -> None:
    log = project / ".cadenza-env" / "one.log.jsonl"
    Path("closed").mkdir(mode=0o500)
    for closed, words in (
        (log, [project, "one", "-o", "x"]),
        (project / "env.json", [project, "one", "-o", "x"]),
        (project, [project, log, "-o", "x"]),
        (Path("closed"), [project, "one", "-o", "closed/x"]),
        (Path("closed"), [project, "one", "-o", "closed/below/x"]),
    ):
        mode = closed.stat().st_mode
        closed.chmod(0)
        try:
            with without_privilege():
                code, out, err = finetune(*words)
        finally:
            closed.chmod(mode)
        assert (code in (1, 4), out) == (True, "")
        assert one_error(err)


def test_a_full_disk_leaves_what_was_there(project, finetune, one_error, full_disk) -> None:
    Path("out.jsonl").write_text("before")
    with full_disk(256):
        code, out, err = finetune(project, "one", "-o", "out.jsonl")
    assert (code, out) == (1, "")
    assert "out.jsonl" in one_error(err)
    assert Path("out.jsonl").read_text() == "before"
    assert [path.name for path in Path().iterdir()] == ["out.jsonl"]


# -- the history in the way ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage", ["garbage", "folder", "truncated", "file", "not a folder", "read-only"]
)
def test_an_export_succeeds_even_where_the_history_cannot_be_told(
    home, project, finetune, without_privilege, damage
) -> None:
    # given a state directory that is of no use
    database = home.state / "events.db"
    match damage:
        case "garbage":
            database.write_bytes(b"garbage" * 1000)
        case "folder":
            database.mkdir()
        case "truncated":
            home.once()
            database.write_bytes(database.read_bytes()[:4096])
        case "file" | "not a folder":
            shutil.rmtree(home.state)
            home.state.touch()
        case "read-only":
            home.state.chmod(0o500)
    words = ["--state", home.state / "below"] if damage == "not a folder" else []

    # when
    try:
        with without_privilege():
            code, out, err = finetune(project, "one", "-o", "out.jsonl", *words)
    finally:
        if damage == "read-only":
            home.state.chmod(0o700)

    # then the export is there and the rest is a warning
    assert (code, out) == (0, "wrote 3 records to out.jsonl\n")
    assert len(records("out.jsonl")) == 3
    assert "warning: not recorded in the history: " in err
    assert all(line.startswith("warning: ") for line in err.splitlines())


def test_a_daemon_that_holds_the_lock_is_left_a_request(home, project, finetune) -> None:
    with WriterLock(home.state, inbox.DAEMON_ROLE).acquire():
        code, _, err = finetune(project, "one", "-o", "out.jsonl")
    assert (code, err) == (0, "")
    (path,) = inbox.waiting(home.state)
    assert inbox.read(path).kind == "record-export"


def test_another_command_that_never_ends_gets_one_too(
    home, project, finetune, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cadenzad.requests.client.PATIENCE_S", 0.05)
    with WriterLock(home.state, "cadenzactl").acquire():
        assert finetune(project, "one", "-o", "out.jsonl")[0] == 0
    home.once()
    assert home.types().count("RunExported") == 2  # by hand, and by the daemon
    assert list((home.state / "inbox").iterdir()) == []


def test_the_same_export_twice_is_told_twice(home, project, finetune) -> None:
    for _ in range(2):
        assert finetune(project, "one", "-o", "out.jsonl")[0] == 0
    assert home.types() == ["ExportRequested", "RunExported"] * 2
    assert len({event.event.output_sha256 for event in home.events("RunExported")}) == 1
