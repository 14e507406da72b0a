"""`cadenza env finetune --format`: runs in formats that their own readers load."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cadenzad.cli.programs import cadenza as main
from handlers.dataset.formats.place import MANIFEST, replacing
from handlers.project.scaffold import recorded_run

pytest.importorskip("pyarrow", reason="the dataset extra is not installed")

STEPS = 32
"""Actions of the recorded run."""


@pytest.fixture
def project(home: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample with its recorded run, which ends by time, and one that succeeds.

    What was seen before the first action of that one is unknown.
    """
    made: Path = home.project()
    (made / ".cadenza-env" / "first.log.jsonl").write_bytes(recorded_run().read_bytes())
    home.log(made, "second", ticks=4)
    (home.root / "here").mkdir()
    monkeypatch.chdir(home.root / "here")
    return made


@pytest.fixture
def finetune(run_cli: Any) -> Callable[..., tuple[int, str, str]]:
    def call(*words: object) -> tuple[int, str, str]:
        done: tuple[int, str, str] = run_cli(main, "env", "finetune", *words)
        return done

    return call


def ticks(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_bytes().splitlines()]


def test_parquet_holds_every_step_of_all_runs_with_exact_rewards(project, finetune, home) -> None:
    import pyarrow.parquet as pq

    code, out, err = finetune(project, "--all", "-o", "runs.parquet", "--format", "parquet")
    assert (code, err) == (0, "")
    assert out == f"wrote 36 steps of 2 runs to {Path.cwd()}/runs.parquet\n"
    table = pq.read_table("runs.parquet")
    logged = [t["reward"] for t in ticks(project / ".cadenza-env/first.log.jsonl") if t["action"]]
    assert table["reward"].to_pylist()[:STEPS] == logged
    assert table["run_id"].to_pylist() == ["first"] * STEPS + ["second"] * 4
    events = home.events("RunExported")
    assert [(e.event.run_id, e.event.records, e.event.format) for e in events] == [
        ("first", STEPS, "parquet"),
        ("second", 4, "parquet"),
    ]


def test_npz_is_what_an_offline_learner_takes(project, finetune) -> None:
    numpy = pytest.importorskip("numpy")
    code, _, err = finetune(project, "--all", "-o", "runs.npz", "--format", "npz", "--json")
    assert (code, err) == (0, "")
    with numpy.load("runs.npz") as arrays:
        got = dict(arrays)
    # the second run has no observation before its first action, which is left out
    assert got["observations"].shape == (STEPS + 3, 7)
    assert got["actions"].shape == (STEPS + 3, 1)
    assert got["rewards"].dtype == numpy.float32
    assert got["episode_ids"].tolist() == ["first", "second"]
    # every trajectory ends, in one way, and nowhere else
    ends = got["terminals"] + got["timeouts"]
    assert numpy.flatnonzero(ends).tolist() == [STEPS - 1, STEPS + 2]
    assert (got["timeouts"][STEPS - 1], got["terminals"][-1]) == (1, 1)
    assert (got["next_observations"][: STEPS - 1] == got["observations"][1:STEPS]).all()
    # an observation is what was seen before the action
    first = ticks(project / ".cadenza-env/first.log.jsonl")
    assert got["observations"][0][5] == numpy.float32(first[0]["obs"]["pos_x"])
    assert got["action_names"][got["actions"][0, 0]] == first[1]["action"]


@pytest.mark.parametrize("kind", ["minari", "minari-arrow"])
def test_minari_loads_it(project, finetune, kind, monkeypatch: pytest.MonkeyPatch) -> None:
    minari = pytest.importorskip("minari", reason="the formats extra is not installed")
    code, _, err = finetune(project, "--all", "-o", "rescue-v0", "--format", kind)
    assert code == 0
    assert err == "  1 step is not in it: an observation, action or reward is unknown\n"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(Path.cwd()))
    dataset = minari.load_dataset("rescue-v0")
    first, second = dataset.iterate_episodes()
    assert (dataset.total_steps, dataset.total_episodes) == (STEPS + 3, 2)
    assert first.observations.shape == (STEPS + 1, 7)
    assert all(dataset.observation_space.contains(seen) for seen in first.observations)
    assert all(dataset.action_space.contains(int(action)) for action in first.actions)
    assert (first.terminations[-1], first.truncations[-1]) == (False, True)
    assert (second.terminations[-1], second.truncations[-1]) == (True, False)
    assert first.infos["params"].shape == (STEPS + 1, 6)
    told = list(dataset.storage.get_episode_metadata([0, 1]))
    assert [item["run_id"] for item in told] == ["first", "second"]


def test_lerobot_has_what_its_reader_looks_for(project, finetune) -> None:
    """The tables of v3.0; LeRobot's own reader is asked in test_own_readers.py."""
    pandas = pytest.importorskip("pandas")
    assert finetune(project, "--all", "-o", "rescue", "--format", "lerobot")[0] == 0
    folder = Path("rescue")
    info = json.loads((folder / "meta/info.json").read_text())
    data = pandas.read_parquet(folder / "data/chunk-000/file-000.parquet")
    episodes = pandas.read_parquet(folder / "meta/episodes/chunk-000/file-000.parquet")
    tasks = pandas.read_parquet(folder / "meta/tasks.parquet")
    assert info["total_frames"] == len(data) == STEPS + 3
    assert set(info["features"]) == set(data.columns)
    assert data["index"].tolist() == list(range(STEPS + 3))
    assert episodes["dataset_to_index"].tolist() == [STEPS, STEPS + 3]
    assert tasks.index.name == "task"
    asked = ticks(project / ".cadenza-env/first.log.jsonl")[1]["goal_prompt"]
    assert tasks.loc[asked, "task_index"] == data["task_index"][0]
    stats = json.loads((folder / "meta/stats.json").read_text())
    assert stats["next.reward"]["mean"][0] == pytest.approx(data["next.reward"].mean(), rel=1e-6)
    assert len(data["action"][0]) == len(info["features"]["action"]["names"])
    assert data["action"][0][: len(data["action"][0]) - 6].sum() == 1


def test_mcap_holds_the_log_line_by_line(project, finetune) -> None:
    reader = pytest.importorskip("mcap.reader", reason="the formats extra is not installed")
    assert finetune(project, "first", "-o", "run.mcap", "--format", "mcap")[0] == 0
    with open("run.mcap", "rb") as stream:
        messages = list(reader.make_reader(stream).iter_messages())
    assert [json.loads(message.data) for _, _, message in messages] == ticks(
        project / ".cadenza-env/first.log.jsonl"
    )
    times = [message.log_time for _, _, message in messages]
    assert times == sorted(times)
    assert {channel.metadata["run_id"] for _, channel, _ in messages} == {"first"}


def test_trl_has_what_its_trainers_ask_for(
    project, finetune, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)  # a thread that stays
    words = ["-o", "examples", "--format", "trl", "--json"]
    code, out, _ = finetune(project, "--all", *words)
    assert code == 0
    cache = str(Path.cwd() / "cache")
    sft = datasets.load_dataset("examples", "sft", split="train", cache_dir=cache)
    assert len(sft) == json.loads(out)["steps"] == STEPS + 3
    assert sft[0]["prompt"].startswith("[MISSION:")
    assert json.loads(sft[0]["completion"])["action"]
    kto = datasets.load_dataset("examples", "kto", split="train", cache_dir=cache)
    assert {type(label) for label in kto["label"]} == {bool}


@pytest.mark.parametrize("kind", ["parquet", "trl", "npz", "lerobot", "minari", "mcap"])
def test_the_same_logs_give_the_same_bytes(project, finetune, kind) -> None:
    pytest.importorskip("mcap")
    pytest.importorskip("minari")
    for name in ("a", "b"):
        (Path.cwd() / name).mkdir()
        assert finetune(project, "--all", "-o", f"{name}/out-v0", "--format", kind)[0] == 0
    one, other = (contents(Path(name) / "out-v0") for name in ("a", "b"))
    assert one == other
    assert one


def contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    return {str(item.relative_to(path)): item.read_bytes() for item in files}


def test_what_is_there_stays_unless_somebody_insists(project, finetune, one_error) -> None:
    Path("out").write_text("mine")
    code, _, err = finetune(project, "first", "-o", "out", "--format", "npz")
    assert code == 1
    assert "is there already" in one_error(err)
    assert Path("out").read_text() == "mine"
    assert finetune(project, "first", "-o", "out", "--format", "npz", "--force")[0] == 0
    assert finetune(project, "first", "-o", "out", "--format", "lerobot", "--force")[0] == 0
    assert Path("out/meta/info.json").exists()
    assert [path.name for path in Path().iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("words", "expected", "reason"),
    [
        (
            ["first", "-o", "x", "--format", "npz", "--min-reward", "0"],
            2,
            "jsonl and trl, not of npz",
        ),
        (["first", "-o", "x", "--format", "npz", "--keys", "extended"], 2, "--keys extended is of"),
        (["first", "-o", "-", "--format", "npz"], 2, "-o - is of --format jsonl"),
        (["--all", "-o", "x", "--manifest", "m"], 2, "--manifest is of one log's export"),
        (["--all", "-o", "-", "--json"], 2, "-o - and --json"),
        (["-o", "x"], 2, "name the run logs, or say --all"),
        (["first", "--all", "-o", "x"], 2, "name the run logs, or say --all"),
        (["first", "-o", "no/x", "--format", "npz"], 2, "there is no folder"),
        (["first", "second", "-o", "no/x"], 2, "there is no folder"),
        (["first", "-o", "x", "--format", "minari"], 1, "is called as its folder"),
        (["first", "foreign", "-o", "x", "--format", "parquet"], 1, "names no phase of mission"),
        (["first", "foreign", "-o", "x"], 1, "names no phase of mission"),
        (["short", "-o", "x", "--format", "npz"], 1, "nothing to export: 1 step"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_line(
    home, project, finetune, one_error, words, expected, reason
) -> None:
    if "minari" in words:
        pytest.importorskip("minari")
    home.log(project, "foreign", phase="follow the wall")
    home.log(project, "short", ticks=1)
    code, out, err = finetune(project, *words)
    assert (code, out) == (expected, "")
    assert reason in one_error(err)
    assert list(Path().iterdir()) == []


def test_failures_are_left_out_by_the_episode(project, finetune) -> None:
    words = ["-o", "x", "--format", "parquet", "--no-failures"]
    code, out, err = finetune(project, "--all", *words)
    assert (code, out) == (0, f"wrote 4 steps of 1 run to {Path.cwd()}/x\n")
    assert err == f"  {STEPS} steps are not in it: of an episode that did not succeed\n"


def test_json_lines_of_several_runs_are_those_of_each(project, finetune, home) -> None:
    alone = b""
    for name in ("first", "second"):
        assert finetune(project, name, "-o", "one.jsonl")[0] == 0
        alone += Path("one.jsonl").read_bytes()
    code, out, err = finetune(project, "--all", "-o", "all.jsonl")
    assert (code, err) == (0, "")
    assert out == f"wrote {STEPS + 4} records of 2 runs to all.jsonl\n"
    assert Path("all.jsonl").read_bytes() == alone
    made = [e.event for e in home.events("RunExported")][-2:]
    assert [(e.run_id, e.records) for e in made] == [("first", STEPS), ("second", 4)]
    assert len({e.output_sha256 for e in made}) == 1
    # a log that is named twice is exported once
    code, out, err = finetune(project, "first", "second", "first.log.jsonl", "-o", "all.jsonl")
    assert (code, Path("all.jsonl").read_bytes()) == (0, alone)
    assert "first.log.jsonl: was named before, and is exported once" in err


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_of_copies_all_takes_one_and_says_so(project, finetune, kind) -> None:
    copy = project / ".cadenza-env" / "zz-copy.log.jsonl"
    copy.write_bytes((project / ".cadenza-env" / "second.log.jsonl").read_bytes())
    words = ("--all", "-o", "x", "--format", kind, "--json", "--force")
    code, out, err = finetune(project, *words)
    assert (code, json.loads(out)["runs"]) == (0, {"first": STEPS, "second": 4})
    assert f"{copy}: is a copy of second.log.jsonl, and left out ([export] twins = true" in err

    (project / "cadenzad.toml").write_text("[export]\ntwins = true\n")
    code, out, err = finetune(project, *words)
    assert (code, err) == (0, "")
    assert json.loads(out)["runs"] == {"first": STEPS, "second": 4, "zz-copy": 4}


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "trl", "mcap"])
def test_another_missions_log_does_not_stop_all(home, project, finetune, kind) -> None:
    if kind == "mcap":
        pytest.importorskip("mcap")
    home.log(project, "foreign", phase="follow the wall")
    code, out, err = finetune(project, "--all", "-o", "x", "--format", kind, "--json")
    assert code == 1  # not all of it is there
    told = json.loads(out)
    assert told["runs"] == {"first": STEPS, "second": 3 if kind == "trl" else 4}
    (reason,) = told["logs_left_out"].values()
    assert "foreign.log.jsonl: names no phase of mission" in reason
    assert Path("x").exists()
    (failed,) = [e.event for e in home.events("ExportFailed")]
    assert failed.run_id == "foreign"
    _, _, err = finetune(project, "--all", "-o", "y", "--format", kind)
    assert f"left out: {reason}" in err


def test_two_that_replace_one_folder_leave_one_of_them_whole(tmp_path: Path) -> None:
    """The second has its own ready while the first is being put in place."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / MANIFEST).write_text("old")
    with replacing(tmp_path / "x", force=True) as one:
        one.mkdir()
        (one / MANIFEST).write_text("one")
        with replacing(tmp_path / "x", force=True) as other:
            other.mkdir()
            (other / MANIFEST).write_text("other")
        assert (tmp_path / "x" / MANIFEST).read_text() == "other"
    assert (tmp_path / "x" / MANIFEST).read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_many_at_once_leave_one_whole(tmp_path: Path) -> None:
    def make(number: int) -> None:
        for _ in range(20):
            with replacing(tmp_path / "x", force=True) as place:
                place.mkdir()
                for name in (MANIFEST, "data"):
                    (place / name).write_text(str(number))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(4)))
    assert (tmp_path / "x" / MANIFEST).read_text() == (tmp_path / "x" / "data").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_lerobot_says_in_words_what_was_asked_for(
    project, finetune, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The columns as lerobot 0.6.1 declares them to `datasets`; it needs another Python itself."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)  # a thread that stays
    assert finetune(project, "first", "-o", "x", "--format", "lerobot-language")[0] == 0
    text, calls = datasets.Value("string"), datasets.List(datasets.Json())
    event = {"role": text, "content": text, "style": text, "camera": text, "tool_calls": calls}
    persistent = {**event, "timestamp": datasets.Value("float32")}
    types = {"language_persistent": persistent, "language_events": event}
    frames = datasets.Dataset.from_parquet(
        "x/data/chunk-000/file-000.parquet",
        cache_dir="cache",
        columns=list(types),
        features=datasets.Features({name: datasets.List(kind) for name, kind in types.items()}),
    )
    asked = [t["goal_prompt"] for t in ticks(project / ".cadenza-env/first.log.jsonl")[1:]]
    told = frames[len(frames) - 1]["language_persistent"]
    assert [item["style"] for item in told] == ["plan"] + ["subtask"] * len(dict.fromkeys(asked))
    for item in told[1:]:
        assert asked[int(item["timestamp"])] == item["content"]
    assert frames[0]["language_events"] == []
    info = json.loads(Path("x/meta/info.json").read_text())
    assert info["features"]["language_persistent"]["dtype"] == "language"


def test_lerobot_has_how_good_an_example_each_frame_is(project, finetune) -> None:
    import pyarrow.parquet as pq

    assert finetune(project, "first", "-o", "x", "--format", "lerobot")[0] == 0
    assert finetune(project, "first", "-o", "rows", "--format", "parquet")[0] == 0
    made = pq.read_table("x/quality.parquet")
    assert made["index"].to_pylist() == list(range(STEPS))
    assert made["weight"].to_pylist() == pq.read_table("rows")["weight"].to_pylist()
