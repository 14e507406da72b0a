"""A training away from its project: what goes along is enough, and what comes late is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import runlogs
from teaching import REST, rows

from cadenzad.jobs.cluster.bundle import Bundle
from handlers.away import Overtaken, expect_running
from handlers.jobs import JobContext, PermanentFailure
from handlers.lora.away import land, pack_scoring, pack_training
from handlers.lora.data.dataset import load_dataset
from handlers.lora.past import Past
from handlers.project.project import Project
from store.events.envelope import NewEvent, project_stream
from store.events.process import JobFailed, JobQueued, JobStarted
from store.opening import open_writer
from store.schema import connect_reader
from store.writer import Writer

SIT = [{"action": "sit"}]
MODEL = """<mujoco><compiler meshdir="meshes"/><include file="legs.xml"/>
<asset><mesh name="trunk" file="trunk.obj"/></asset></mujoco>"""


class Bench:
    """A project, its log, and a job of it."""

    def __init__(self, folder: Path) -> None:
        self.project, self.state = folder / "rescue", folder / "state"
        for part in ("lora", ".cadenza-env", "meshes", "pictures", "sub"):
            (self.project / part).mkdir(parents=True)
        self.state.mkdir()
        self.writer: Writer = open_writer(self.state)
        self.reader = connect_reader(self.state)
        self.stream = project_stream(str(self.project))
        self.write("env.json", json.dumps(REST | {"xml_path": "robot.xml"}))
        self.write("robot.xml", MODEL)
        self.write("legs.xml", "<mujoco/>")
        self.write("meshes/trunk.obj", "v 0 0 0")
        self.write("pictures/chair.png", "PNG")
        self.write("lora/patterns.jsonl", rows({"sit down": SIT, "stand up": SIT}))
        self.write(".cadenza-env/old.examples.jsonl", '{"goal": "sit", "actions": []}\nno json\n')
        self.write("lora/eval.jsonl", rows({"please sit": SIT}))
        (self.project / ".cadenza-env" / "one.log.jsonl").write_bytes(runlogs.run(3))
        self.write("notes.txt", "mine")
        self.write("main.py", "KEY = 'mine'")
        self.job = self.record(JobQueued(kind="retrain", project=str(self.project), reason="x"))

    def write(self, name: str, text: str) -> None:
        (self.project / name).write_text(text)

    def record(self, event: JobQueued | JobStarted | JobFailed) -> int:
        found = self.writer.append(NewEvent(self.stream, event))
        return int(found[0].position)

    def context(self, attempt: int = 1, **spec: object) -> JobContext:
        return JobContext(
            spec, self.project, self.state, lambda _: None, attempt=attempt, job=self.job
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.reader.close()
    made.writer.close()


def test_what_goes_along_teaches_the_same_and_is_all(bench: Bench, tmp_path: Path) -> None:
    # given rows that name a picture, and a file that somebody names for this training
    row = json.dumps({"goal": "sit there", "actions": SIT, "image": "pictures/chair.png"})
    bench.write(".cadenza-env/seen.examples.jsonl", row + "\n")
    given = tmp_path / "given.log.jsonl"
    given.write_bytes(runlogs.run(3))

    # when
    parcel = pack_training(bench.context(finetune=str(given)))
    copy = tmp_path / "copy"
    copy.mkdir()
    Bundle.of(parcel.files, whole=True).unpack(copy, lambda _entry: b"")

    # then
    assert set(parcel.files) == {
        "env.json", "robot.xml", "legs.xml", "meshes/trunk.obj", "pictures/chair.png",
        "lora/patterns.jsonl", ".cadenza-env/old.examples.jsonl", "lora/eval.jsonl",
        ".cadenza-env/seen.examples.jsonl", ".cadenza-env/one.log.jsonl", "given/given.log.jsonl",
    }  # fmt: skip
    there = load_dataset(Project.open(copy), finetune=copy / str(parcel.spec["finetune"]))
    here = load_dataset(Project.open(bench.project), finetune=given)
    assert (there.sha256, there.problems) == (here.sha256, here.problems)


def test_code_goes_along_when_it_is_trusted_and_only_then(bench: Bench) -> None:
    bench.write("lora_encoder.py", "import torch")
    with pytest.raises(PermanentFailure, match="is not trusted"):
        pack_training(bench.context())
    assert "lora_encoder.py" not in pack_scoring(bench.context()).files


def test_a_model_outside_of_the_project_stays(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "secret.obj").write_text("v")
    os.unlink(bench.project / "meshes" / "trunk.obj")
    os.symlink(tmp_path / "secret.obj", bench.project / "meshes" / "trunk.obj")
    with pytest.raises(PermanentFailure, match="leads out of the project"):
        pack_training(bench.context())


def test_what_the_log_knows_comes_back_as_it_went(bench: Bench) -> None:
    past = Past.of(bench.reader, str(bench.project), bench.job)
    assert Past.from_json(json.loads(json.dumps(past.as_json()))) == past


def test_only_the_attempt_that_runs_is_taken_home(bench: Bench, tmp_path: Path) -> None:
    # given an attempt that was given up, and the next one
    bench.record(JobStarted(job=bench.job, attempt=1, pid=1))
    expect_running(bench.reader, bench.context(1))
    bench.record(JobFailed(job=bench.job, attempt=1, error="silent", retry_at_us=1))
    bench.record(JobStarted(job=bench.job, attempt=2, pid=2))

    # then the first one's files are not even looked at
    event = JobQueued(kind="x", reason="any event")
    with pytest.raises(Overtaken, match="attempt 1 came too late"):
        land(bench.context(1), tmp_path / "not there", (event,))
    expect_running(bench.reader, bench.context(2))
    assert not (bench.project / ".cadenza-env" / "adapters").exists()
