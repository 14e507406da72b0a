"""`cadenza env dataset`: a project's runs as one dataset, looked at, copied, recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import runlogs

from cadenzad.cli.programs import cadenza, cadenzactl
from handlers.dataset.folder import job
from handlers.dataset.folder.manifest import Manifest
from handlers.dataset.folder.place import Place
from handlers.dataset.folder.settings import ExportSettings
from handlers.dataset.folder.split import split_of
from handlers.jobs import JobContext
from handlers.settings import Settings
from store.events.envelope import NewEvent, project_stream
from store.events.exports import DatasetUpdated
from store.opening import open_writer

pq = pytest.importorskip("pyarrow.parquet", reason="the extra `dataset` is not installed")


@pytest.fixture
def project(home) -> Path:
    """A project with two runs of ours, one of them failed."""
    made = home.project()
    for seed, name in enumerate(("one", "two")):
        write_log(made, name, seed=seed, success=name == "one")
    return made


def write_log(project: Path, name: str, **changes: Any) -> Path:
    folder = project / ".cadenza-env"
    folder.mkdir(exist_ok=True)
    log = folder / f"{name}.log.jsonl"
    log.write_bytes(runlogs.as_log(runlogs.judged(**changes)))
    return log


@pytest.fixture
def dataset(run_cli, project):
    """`dataset(*words)`: what the command does with the project: (exit code, stdout, stderr)."""
    return lambda *words: run_cli(cadenza, "env", "dataset", project, *words)


@pytest.fixture
def update(home, project):
    """Bring the dataset up as the command does, without a process of its own; the job's summary."""

    def updated(**wanted: object) -> str:
        home.once()
        settings = Settings(ExportSettings(**wanted))
        result = job.update(JobContext({"by": "me"}, project, home.state, lambda _: None, settings))
        with closing(open_writer(home.state)) as writer:
            stream = project_stream(str(project))
            writer.run(lambda step: step.append(*(NewEvent(stream, e) for e in result.events)))
        return result.summary

    return updated


def last(home) -> DatasetUpdated:
    return home.events("DatasetUpdated")[-1].event


def current(project: Path) -> Manifest:
    manifest = Place(project).current()
    assert manifest is not None
    return manifest


def runs_in(project: Path, config: str = "steps") -> set[str]:
    place = Place(project)
    return {
        run
        for shard, _ in current(project).files(config)
        for run in pq.read_table(place.shard(config, shard.name), partitioning=None)[
            "run_id"
        ].to_pylist()
    }


def test_it_is_brought_up_looked_at_and_recorded(home, project, dataset, run_cli) -> None:
    code, out, _ = dataset("update")
    assert (code, out.split(",")[0]) == (0, "2 runs (2 added)")
    assert runs_in(project) == {"one", "two"}

    (event,) = home.events("DatasetUpdated")
    assert event.event.runs == 2
    assert event.event.rows == {"steps": 12, "sft": 12, "dpo": 6, "kto": 12, "rl": 12}
    assert event.event.labels == (6, 6)
    _, out, _ = run_cli(cadenzactl, "status", "--json")
    assert json.loads(out)["projects"][0]["dataset"]["rows"]["dpo"] == 6

    code, out, _ = dataset("show", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["labels"] == {"true": 6, "false": 6}
    assert shown["actions"] == {"walk_forward": 12}
    assert sum(shown["rows"]["steps"].values()) == 12


def test_same_inputs_give_the_same_bytes(home, project, update) -> None:
    def files() -> dict[str, bytes]:
        root = Place(project).root
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    update()
    first = files()
    for path in first:
        (Place(project).root / path).unlink()
    update()
    assert files() == first
    assert len(first) == 12


def test_shards_are_never_rewritten_and_a_run_that_grew_has_another(home, project, update) -> None:
    update()
    kept = {path: path.stat().st_ino for path in Place(project).root.rglob("one-*.parquet")}
    with (project / ".cadenza-env/two.log.jsonl").open("ab") as log:
        log.write(runlogs.as_log(runlogs.judged(4, seed=9)))
    write_log(project, "three", seed=3)

    update()
    changed = last(home)

    assert kept == {path: path.stat().st_ino for path in Place(project).root.rglob("one-*.parquet")}
    assert set(changed.added) == {".cadenza-env/two.log.jsonl", ".cadenza-env/three.log.jsonl"}
    assert [item.reason for item in changed.left] == ["the log has other bytes"]
    assert len(list((Place(project).root / "steps").iterdir())) == 3
    assert {note.id for shard in current(project).shards for note in shard.episodes} == {
        "one", "two", "two#2", "three"
    }  # fmt: skip


def test_a_run_that_is_deleted_leaves_by_an_event(home, project, update) -> None:
    update()
    (project / ".cadenza-env/two.log.jsonl").unlink()
    update()

    assert runs_in(project) == {"one"}
    assert [(item.run_path, item.reason) for item in last(home).left] == [
        (".cadenza-env/two.log.jsonl", "the log is gone")
    ]
    assert list(Place(project).root.rglob("two-*")) == []


def test_a_log_that_was_pruned_stays(home, project, run_cli, update) -> None:
    update()
    code, _, err = run_cli(cadenzactl, "db", "prune", project, "--what", "logs", "--keep-last", "1")
    assert code == 0, err
    update()
    assert len(list((project / ".cadenza-env").glob("*.log.jsonl"))) == 1
    assert runs_in(project) == {"one", "two"}


def test_another_mission_makes_all_shards_anew(home, project, update) -> None:
    update()
    before = {shard.name for shard in current(project).shards}
    spec = json.loads((project / "env.json").read_text())
    spec["vla_finetune"] = {**spec.get("vla_finetune", {}), "prompt_template": "{goal_prompt}"}
    (project / "env.json").write_text(json.dumps(spec))
    update()

    assert before.isdisjoint(shard.name for shard in current(project).shards)
    assert {item.reason for item in last(home).left} == {"it is made differently now"}


def test_curate_names_what_is_bad_and_why(project, dataset, update) -> None:
    (project / ".cadenza-env/three.log.jsonl").write_bytes(
        (project / ".cadenza-env/one.log.jsonl").read_bytes()
    )
    stopped = runlogs.judged(6, seed=4)[:-1]
    stopped[3]["obs"]["pos_x"] = -59_000.0
    stopped[2]["obs"]["roll_deg"] = None
    for item in stopped:
        item["obs"]["pos_y"] = 0.5
    (project / ".cadenza-env/four.log.jsonl").write_bytes(runlogs.as_log(stopped))
    update()

    code, out, _ = dataset("curate", "--json")
    found = {item["episode"]: item["problems"] for item in json.loads(out)["episodes"]}
    assert code == 1
    assert found["four"].keys() == {"unknown", "diverged", "constant", "one action"}
    assert found["three"].keys() == {"duplicate"}
    assert found["four"]["unknown"] == "roll_deg in 1 of 5 steps"
    assert found["four"]["constant"] == "pos_y"
    assert found["three"]["duplicate"] == (
        "the same steps as .cadenza-env/one.log.jsonl: left out of every config"
    )
    assert "duplicate" not in found["one"]


def test_a_copy_of_a_run_counts_once_until_it_is_the_only_one(
    home, project, dataset, update
) -> None:
    # given a copy, and the same run under a stamp of its own
    one = project / ".cadenza-env/one.log.jsonl"
    lines = one.read_bytes().splitlines(keepends=True)
    stamped = json.loads(lines[0]) | {"stamp": {"policy": "elsewhere"}}
    (project / ".cadenza-env/copy.log.jsonl").write_bytes(one.read_bytes())
    (project / ".cadenza-env/stamped.log.jsonl").write_bytes(
        json.dumps(stamped).encode() + b"\n" + b"".join(lines[1:])
    )
    # when / then
    update()
    assert runs_in(project) == {"copy", "two"}
    assert [twin.run_id for twin in current(project).duplicates] == ["one", "stamped"]
    assert "left out as copies: 2 runs" in dataset("show")[1]
    assert not list(Place(project).root.rglob("stamped-*"))
    before = home.events("DatasetUpdated")
    update()
    assert home.events("DatasetUpdated") == before
    # and a copy of which the first is gone is a run
    (project / ".cadenza-env/copy.log.jsonl").unlink()
    update()
    assert runs_in(project) == {"one", "two"}
    # and who wants copies has them
    update(twins=True)
    assert runs_in(project) == {"one", "stamped", "two"}


def test_a_card_has_plots_and_the_same_as_text(project, dataset, tmp_path, update) -> None:
    update()
    code, _, _ = dataset("card", tmp_path / "card")
    page = (tmp_path / "card" / "card.md").read_text()
    assert code == 0
    for path in (tmp_path / "card").glob("*.svg"):
        text = path.read_text()
        assert path.name in page
        assert "<title>" in text
        assert "<desc>" in text
    assert "| walk_forward | 12 |" in page
    # it is made anew over one of ours, and over nothing else
    assert dataset("card", tmp_path / "card")[0] == 0
    (tmp_path / "card" / "causes.svg").write_text("<svg>mine</svg>")
    code, _, err = dataset("card", tmp_path / "card")
    assert code == 1
    assert "causes.svg: is there already, and `cadenza env dataset card` did not make it" in err
    assert (tmp_path / "card" / "causes.svg").read_text() == "<svg>mine</svg>"
    assert (tmp_path / "card" / "card.md").read_text() == page


def test_a_copy_is_brought_in_line_file_by_file(project, dataset, tmp_path, update) -> None:
    update()
    target = tmp_path / "copy"
    assert json.loads(dataset("push", target, "--json")[1])["copied"] == 10
    write_log(project, "three", seed=3)
    update()
    assert json.loads(dataset("push", target, "--json")[1])["copied"] == 5
    assert Place.at(target).current() == current(project)

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    code, _, err = dataset("push", tmp_path / "other")
    assert code != 0
    assert "is not empty and holds no dataset" in err
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["mine.txt"]


def test_verify_looks_at_every_shard_and_update_mends_them(project, run_cli, update) -> None:
    update()
    assert run_cli(cadenzactl, "verify")[0] == 0
    shard = next(Place(project).root.glob("dpo/one-*.parquet"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:99] + bytes([whole[99] ^ 1]) + whole[100:])

    code, out, _ = run_cli(cadenzactl, "verify", "--json")
    checks = {check["check"]: check["problems"] for check in json.loads(out)["checks"]}
    assert code == 1
    (problem,) = checks["datasets"]
    assert problem.startswith(f"{shard}: not the bytes that were written")
    assert "`cadenza env dataset PROJECT update` makes it anew" in problem
    assert "one.log.jsonl: made anew: its files were not there as they were written" in update()
    assert shard.read_bytes() == whole
    assert run_cli(cadenzactl, "verify")[0] == 0


def test_a_dataset_that_was_damaged_is_made_anew(project, dataset, update) -> None:
    update()
    whole = current(project)
    (Place(project).root / "README.md").write_text("# mine\n")
    code, _, err = dataset("show")
    assert code != 0
    assert "names no manifest" in err
    assert "made anew, because" in update()
    assert current(project) == whole


@pytest.mark.parametrize("harm", ["gone", "edited"])
def test_rows_of_pruned_logs_survive_what_befalls_the_card(project, update, run_cli, harm) -> None:
    update()
    run_cli(cadenzactl, "db", "prune", project, "--what", "logs", "--keep-last", "1")
    update()
    card = Place(project).root / "README.md"
    whole = card.read_bytes()
    if harm == "gone":
        card.unlink()
        Place(project).tidy()
    else:
        card.write_text("# mine\n")
    update()
    assert card.read_bytes() == whole
    assert runs_in(project) == {"one", "two"}


def test_a_run_that_cannot_be_read_now_keeps_the_rows_it_had(home, project, update) -> None:
    update()
    log = project / ".cadenza-env/two.log.jsonl"
    write_log(project, "two", seed=7)
    home.once()
    log.write_bytes(log.read_bytes().replace(b"walk_forward", b"turn_left   "))

    settings = Settings(ExportSettings())
    (event,) = job.update(JobContext({}, project, home.state, lambda _: None, settings)).events

    assert [item.run_path for item in event.failed] == [".cadenza-env/two.log.jsonl"]
    assert "changed since it was recorded" in event.failed[0].reason
    assert runs_in(project) == {"one", "two"}
    update()
    assert last(home).failed == ()


def test_without_a_dataset_it_says_how_to_make_one(dataset) -> None:
    code, _, err = dataset("show")
    assert code != 0
    assert "there is no dataset" in err
    assert "cadenza env dataset PROJECT update" in err


def test_later_runs_move_none_between_splits() -> None:
    runs = [f"2026-11-{day:02}T{hour:02}" for day in range(1, 31) for hour in range(24)]
    splits = [split_of(run, "cadenza", 0.1) for run in runs]
    assert 0.07 < splits.count("test") / len(runs) < 0.13
    assert splits != [split_of(run, "other", 0.1) for run in runs]
    assert {split_of(run, "cadenza", 0.0) for run in runs} == {"train"}


@pytest.mark.parametrize("words", [("show",), ("card",), ("curate",), ("push", "there")])
def test_without_the_extra_one_line_says_what_to_install(home, project, words, tmp_path) -> None:
    blocked = "import sys; sys.modules.update(numpy=None, pyarrow=None)\n"
    program = "from cadenzad.cli.programs import cadenza; sys.exit(cadenza(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", blocked + program, "env", "dataset", str(project), *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "CADENZAD_STATE": str(home.state)},
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == ["  pip install 'cadenzad[dataset]'"]
