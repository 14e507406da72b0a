"""Trainings, adapters and prompts in MLflow: told once each, however often that is tried."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cadenzad.config.files import Config
from cadenzad.config.project import ProjectConfigs, reaction_policy
from handlers.jobs import JobContext, PermanentFailure
from handlers.reactions import ReactionPolicy, Tools
from handlers.tracking.job import track
from handlers.tracking.mlflow import name_of
from handlers.tracking.reactions import TRACK, track_on_change
from store.events.adapter import (
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
    AxisFact,
)
from store.events.base import Event
from store.events.envelope import NewEvent, project_stream
from store.events.process import JobFailed
from store.events.prompt import PromptProposed, PromptRewritten, PromptRolledBack, RuleFact
from store.log import EventLog
from store.opening import open_writer
from store.reads.state import State
from store.schema import connect_reader

RULE = "- Phase enter_debris: crawl."
VERSION = {
    "file": "main.py",
    "before_sha256": "0",
    "after_sha256": "1",
    "rules": (RuleFact(line=RULE, mode_id="stuck@enter_debris"),),
    "diff": f" the author's own s3cret words\n+{RULE}",
}


def trained(version: int) -> AdapterTrained:
    return AdapterTrained(
        version=version,
        path=f".cadenza-env/adapters/{version:04}",
        sha256=f"sha-{version}",
        dataset_sha256="d",
        base_sha256="b",
        encoder="light",
        rows=8,
        exam_rows=4,
        epochs=2,
        loss=0.25,
        seed=0,
        threads=1,
        seconds=3.0,
    )


def scored(version: int, verdict: str) -> AdapterScored:
    axis = AxisFact(
        axis="exam", value=0.9, lower=0.8, upper=None, threshold=0.7, n=40, result="pass",
        gate="exam", detail="",
    )  # fmt: skip
    return AdapterScored.of_shape(
        {"version": version, "verdict": verdict, "held_out": True, "checks": (axis,),
         "reasons": (), "next_steps": (), "scorecard": "x.json", "scorecard_sha256": "s"}
    )  # fmt: skip


HISTORY: tuple[Event, ...] = (
    trained(1),
    scored(1, "DEPLOY"),
    AdapterPromoted(version=1, previous=None, by="me"),
    trained(2),
    scored(2, "BLOCK"),
    PromptProposed(version=1, parent=None, reason="waits for approval", **VERSION),
    PromptRewritten(version=1, parent=None, by="me", improved=True, **VERSION),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose log has HISTORY, with the files of its first adapter."""
    made = tmp_path / "rescue dog"
    folder = made / ".cadenza-env" / "adapters" / "0001"
    folder.mkdir(parents=True)
    (folder / "training.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n")
    (folder / "head.json").write_text("{}")
    record(tmp_path, made, *HISTORY)
    return made


def record(state: Path, project: Path, *events: Event) -> None:
    with closing(open_writer(state)) as writer:
        writer.append(*(NewEvent(project_stream(str(project)), event) for event in events))


def context(project: Path, first: int = 1) -> JobContext:
    return JobContext(
        spec={"first": first},
        project=project,
        state_dir=project.parent,
        report=lambda values: None,
    )


# -- when ------------------------------------------------------------------------------------------


def react(project: Path, position: int, *, tracked: bool = True) -> list[Any]:
    tools = Tools(policy=lambda _project: ReactionPolicy(track=tracked))
    with closing(connect_reader(project.parent)) as reader:
        found = EventLog(reader).get(position)
        assert found is not None
        return list(track_on_change(found, State(reader), tools))


def test_one_job_of_the_project_tells_what_waits_from_the_first_of_it_on(project: Path) -> None:
    (queued,) = react(project, 1)
    assert (queued.kind, queued.project, queued.spec) == (TRACK, str(project), {"first": 1})
    assert react(project, 1, tracked=False) == []
    record(project.parent, project, queued)
    assert react(project, 2) == [], "one that waits covers it"
    failed = JobFailed(job=len(HISTORY) + 1, attempt=3, error="MLflow cannot be reached")
    record(project.parent, project, failed)
    (again,) = react(project, 5)
    assert again.spec == {"first": 1}


def test_it_is_tracked_where_the_environment_says_where_to(monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert not reaction_policy("", Config(), ProjectConfigs()).track
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert reaction_policy("", Config(), ProjectConfigs()).track


def test_without_the_package_or_the_address_it_says_so(project: Path, monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert "is not set" in track(context(project)).summary
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(PermanentFailure, match="mlflow is not installed") as error:
        track(context(project))
    assert error.value.hint == "pip install 'cadenzad[mlflow]'"


def test_projects_of_one_name_have_names_of_their_own() -> None:
    assert name_of(Path("/a/rescue")) != name_of(Path("/b/rescue"))
    assert name_of(Path("/a/\x1b[2J/../x y/z")).startswith("z-")
    assert "/" not in name_of(Path("/a/b:c"))
    assert ":" not in name_of(Path("/a/b:c"))


# -- what ------------------------------------------------------------------------------------------


@pytest.fixture
def client(tmp_path: Path, monkeypatch) -> Any:
    """MLflow's own client of a store of files."""
    mlflow = pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    uri = (tmp_path / "mlruns").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return mlflow.MlflowClient(tracking_uri=uri)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of MLflow, about its store of files
def test_mlflow_has_runs_models_with_aliases_and_prompts_once_each(project: Path, client) -> None:
    name = name_of(project)

    # when it is told twice, as after a kill
    for _ in range(2):
        assert track(context(project)).summary == f"tracked {len(HISTORY)} events as {name}"

    # then
    experiment = client.get_experiment_by_name(name).experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert set(runs) == {"adapter 1", "adapter 2"}
    first = runs["adapter 1"]
    assert first.info.status == "FINISHED"
    assert first.data.params["dataset_sha256"] == "d"
    assert first.data.metrics["final_loss"] == 0.25
    assert first.data.metrics["exam.lower"] == 0.8
    curve = client.get_metric_history(first.info.run_id, "loss")
    assert {(item.step, item.value) for item in curve} == {(1, 0.5), (2, 0.25)}
    files = [item.path for item in client.list_artifacts(first.info.run_id, "adapter")]
    assert "adapter/head.json" in files
    versions = client.search_model_versions(f"name = '{name}'")
    assert {item.tags["verdict"] for item in versions} == {"DEPLOY", "BLOCK"}
    deployed = client.get_model_version_by_alias(name, "deployed")
    assert deployed.run_id == first.info.run_id
    prompt = client.get_prompt_version_by_alias(f"{name}-prompt", "current")
    assert (prompt.version, prompt.template) == (1, RULE)
    assert client.get_prompt_version_by_alias(f"{name}-prompt", "proposed").version == 1
    written = "".join(
        path.read_text(errors="replace")
        for path in (project.parent / "mlruns").rglob("*")
        if path.is_file()
    )
    assert "s3cret" not in written

    # when both are taken back, then the aliases say so
    record(
        project.parent,
        project,
        AdapterRolledBack(version=None, previous=1, by="me", reason="it fell"),
        PromptRolledBack(
            version=2, of=1, parent=1, by="me", reason="worse since",
            **{**VERSION, "rules": (), "after_sha256": "0"},
        ),
    )  # fmt: skip
    track(context(project, first=len(HISTORY) + 1))
    assert "deployed" not in client.get_registered_model(name).aliases
    prompt = client.get_prompt_version_by_alias(f"{name}-prompt", "current")
    assert prompt.version == 2
    assert "as its author wrote it" in prompt.template
