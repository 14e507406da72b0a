"""A dashboard as somebody starts it, what it answers, and a loop for it to show."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import runlogs
from houses import House
from judging import ask_stub, drop, remedy, stuck_log

from handlers.project.scaffold import recorded_run
from store.events.adapter import AdapterPromoted, AdapterScored, AdapterTrained, AxisFact
from store.events.envelope import NewEvent, project_stream
from store.events.prompt import PromptTried
from store.opening import open_writer

BIN = Path(sys.executable).parent


class Answer(NamedTuple):
    """What the server says."""

    status: int
    headers: dict[str, str]
    text: str


class Dashboard:
    """A running `cadenzactl dashboard`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, process.communicate()[1]
        self.url: str = json.loads(first)["url"].rstrip("/")

    def ask(self, path: str, method: str = "GET", body: str = "", **headers: str) -> Answer:
        """One request; `Host=...` and others are headers."""
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(self.url).port, timeout=20)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            sent = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, sent, answer.read().decode())
        finally:
            connection.close()


@contextmanager
def dashboard(environ: dict[str, str], *options: object) -> Iterator[Dashboard]:
    """Start one on a free port, and end it."""
    words = [str(BIN / "cadenzactl"), "dashboard", "--port", "0", "--json", *map(str, options)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, env=environ, stdout=pipe, stderr=pipe, text=True)
    try:
        yield Dashboard(process)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def make_loop(house: House, stubs: Any) -> Path:
    """A project that went once round: runs, a finding, a rewritten prompt, an adapter.

    The judging is real, its model is scripted; one run was recorded in MuJoCo. What a training and
    a trial record is written as they write it, as both take minutes.
    """
    project = house.project()
    drop(project, "recorded", recorded_run().read_bytes())
    drop(project, "r0", runlogs.run(4, yaw_deg=10.0))
    drop(project, "r1", stuck_log(runlogs))
    drop(project, "r2", runlogs.run(3, success=False, phase_failed=True))
    with stubs.GroqStub([stubs.completion(remedy("r1"))]) as stub:
        ask_stub(house, stub)
        house.once()
    (rewritten,) = house.events("PromptRewritten")
    _record(house, project, rewritten["data"])
    return project


def _record(house: House, project: Path, rewritten: dict[str, Any]) -> None:
    """What a trial, two trainings and their scorecards leave."""
    tried = PromptTried(
        decision=1, level=0.025, verdict="improved", evidence=56.7, pairs=8, first_seed=1,
        before_sha256=rewritten["before_sha256"], after_sha256=rewritten["after_sha256"],
        reason="improved: 8 pairs won, 0 lost",
    )  # fmt: skip
    found: list[Any] = [tried]
    for version, verdict, value in ((1, "BLOCK", 0.5), (2, "DEPLOY", 0.9)):
        folder = project / f".cadenza-env/adapters/{version:04}"
        folder.mkdir(parents=True)
        lines = [f"{n},{2 / n:.4f},{1 / n + 0.2:.4f}" for n in range(1, 11)]
        (folder / "training.csv").write_text("\n".join(["epoch,loss,validation", *lines]) + "\n")
        found += [_trained(version), _scored(version, verdict, value)]
    found.append(AdapterPromoted(version=2, previous=None, by="cadenzad"))
    writer = open_writer(house.state)
    try:
        writer.append(*(NewEvent(project_stream(str(project)), event) for event in found))
    finally:
        writer.close()


def _trained(version: int) -> AdapterTrained:
    return AdapterTrained(
        version=version, path=f".cadenza-env/adapters/{version:04}", sha256="s", dataset_sha256="d",
        base_sha256="b", encoder="light", rows=173, exam_rows=152, sources={"pattern": 173},
        epochs=10, loss=0.2, seed=0, threads=1,
    )  # fmt: skip


def _scored(version: int, verdict: Any, value: float) -> AdapterScored:
    def axis(name: str, threshold: float | None, detail: str) -> AxisFact:
        return AxisFact(
            axis=name, value=value, lower=value - 0.1, upper=min(1.0, value + 0.1),
            threshold=threshold, n=75, result="pass" if verdict == "DEPLOY" else "fail",
            gate="deploy", detail=detail,
        )  # fmt: skip

    return AdapterScored(
        version=version, verdict=verdict, held_out=True,
        checks=(axis("fidelity", 0.8, "68 of 75 right"), axis("training", None, "2 won, 0 lost")),
        reasons=("every axis passes",) if verdict == "DEPLOY" else ("fidelity is too low",),
        next_steps=(), scorecard="scorecard.json", scorecard_sha256="s",
    )  # fmt: skip
