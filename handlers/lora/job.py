"""The adapter's jobs: train and score, score again, roll back. They run in a child process.

An adapter is built aside, scored, and only then switched to; what will be recorded is written down
before the switch, so that the log and the disk agree again after a crash at any point.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.jobs import JobContext, JobResult, PermanentFailure
from handlers.lora.dataset import Dataset, load_dataset
from handlers.lora.decoder import Decoder
from handlers.lora.model.decoding import load_decoder
from handlers.lora.model.files import SCORECARD
from handlers.lora.model.training import TrainOptions, TrainReport, train
from handlers.lora.registry import Registry
from handlers.lora.scorecard import Scorecard, Thresholds, score
from handlers.project.library import ActionLibrary, library_for
from handlers.project.paths import ADAPTERS_DIR, ENCODER_FILE, inside
from handlers.project.spec import ProjectSpec, load_spec
from handlers.project.writing import write_new
from store.adapterevents import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
    AxisFact,
)
from store.errors import CadenzaError, InputError, MissingExtraError
from store.events import Event
from store.improvements import AdapterRow, adapters, trusted
from store.queries import State
from store.schema import connect_reader

OPTIONS = ("epochs", "lr", "rank", "seed")
SIMULATED = "simulated"
"""The folder of the state directory that remembers simulations."""


@dataclass
class _Work:
    """A project and its adapters."""

    context: JobContext
    project: Path
    spec: ProjectSpec
    library: ActionLibrary
    registry: Registry
    rows: list[AdapterRow]
    settings: Mapping[str, Any]
    encoder: Path | None

    @classmethod
    def open(cls, context: JobContext) -> _Work:
        assert context.project is not None
        project = context.project
        state = State(connect_reader(context.state_dir))
        spec = load_spec(project / "env.json")
        return cls(
            context,
            project,
            spec,
            library_for(spec.robot, project, spec.signals),
            Registry(project),
            adapters(state.connection, str(project)),
            context.settings.get("lora", {}),
            trusted_encoder(project, trusted(state.connection, str(project), ENCODER_FILE)),
        )

    @property
    def by(self) -> str:
        return str(self.context.spec.get("by", "cadenzad"))

    def decoder(self, version: int) -> Decoder:
        return load_decoder(self.registry.folder(version), self.library, self.encoder)

    def thresholds(self) -> Thresholds:
        names = Thresholds.model_fields
        return Thresholds(**{name: self.settings[name] for name in names if name in self.settings})


def trusted_encoder(project: Path, sha256: str | None) -> Path | None:
    """The project's lora_encoder.py, if it has one. Raises PermanentFailure for one untrusted."""
    path = inside(project, Path(ENCODER_FILE))
    if not path.is_file():
        return None
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        changed = "changed since it was trusted" if sha256 else "is not trusted"
        raise PermanentFailure(
            f"{path}: {changed}, so it is not run", hint=f"cadenzactl trust {project.name}"
        )
    return path


def retrain(context: JobContext) -> JobResult:
    """Train a new version and score it; with `gate` in the spec a DEPLOY is deployed."""
    work = _open(context)
    noted = work.registry.noted({row.version for row in work.rows})
    if noted:
        return JobResult(noted, "recorded a version that was finished just before a crash")
    finetune = context.spec.get("finetune")
    try:
        dataset = load_dataset(work.project, finetune=Path(finetune) if finetune else None)
    except InputError as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    if _is_known(work, dataset):
        return JobResult((), "the last adapter was trained on exactly this: nothing to do")
    if not dataset.train:
        raise PermanentFailure("there is nothing to train on", hint="cadenza env lora add ...")
    version = max([*work.registry.versions(), *(row.version for row in work.rows)], default=0) + 1
    draft = work.registry.stage()
    try:
        report = _train(work, dataset, draft)
        card = _score(work, dataset, draft)
        _write_card(draft, card)
        folder = work.registry.commit(draft, version)
    except (InputError, MissingExtraError) as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    trained = _trained(work, dataset, report, version, folder)
    events = [trained, _scored(work, card, version), *_consequences(work, card, version)]
    return _switch(work, version, card, events)


def rescore(context: JobContext) -> JobResult:
    """Score a version again (the newest); with `promote` in the spec a DEPLOY is deployed."""
    work = _open(context)
    version = context.spec.get("version") or max(work.registry.versions(), default=0)
    if not version:
        raise PermanentFailure("there is no adapter yet", hint="cadenza env lora finetune PROJECT")
    try:
        dataset = load_dataset(work.project)
        card = _score(work, dataset, work.registry.folder(version))
    except (InputError, MissingExtraError) as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    _write_card(work.registry.folder(version), card)
    events: list[Event] = [_scored(work, card, version)]
    if context.spec.get("gate"):
        events += _consequences(work, card, version)
    return _switch(work, version, card, events)


def roll_back(context: JobContext) -> JobResult:
    """Deploy an earlier version again: the one named by `to`, else the one deployed before."""
    work = _open(context)
    current = work.registry.deployed()
    wanted = context.spec.get("to")
    before = sorted(
        (row for row in work.rows if row.promoted and row.version != current),
        key=lambda row: row.promoted,
    )
    if wanted is None and not before:
        raise PermanentFailure("no other version was ever deployed", hint="--to N names one")
    version = int(wanted) if wanted is not None else before[-1].version
    if version == current:
        raise PermanentFailure(f"version {version} is deployed already")
    try:
        work.decoder(version)
        work.registry.promote(version)
    except CadenzaError as error:
        raise PermanentFailure(f"not rolled back: {error.message}", hint=error.hint) from None
    event = AdapterRolledBack(
        version=version, previous=current or 0, by=work.by, reason="asked for"
    )
    return JobResult((event,), f"version {version} is deployed again")


# -- steps -----------------------------------------------------------------------------------------


def _open(context: JobContext) -> _Work:
    try:
        return _Work.open(context)
    except InputError as error:
        raise PermanentFailure(error.message, hint=error.hint) from None


def _is_known(work: _Work, dataset: Dataset) -> bool:
    """Whether the newest adapter is of this very data; somebody who asks by hand gets a new one."""
    newest = work.rows[-1] if work.rows else None
    return (
        work.by == "cadenzad"
        and newest is not None
        and bool(newest.scored)
        and newest.dataset_sha256 == dataset.sha256
    )


def _train(work: _Work, dataset: Dataset, draft: Path) -> TrainReport:
    given = {name: work.context.spec[name] for name in OPTIONS if work.context.spec.get(name)}
    options = TrainOptions(
        threads=int(work.settings.get("threads", 1)),
        encoder=str(work.settings.get("encoder", "auto")),
        project_encoder=work.encoder,
        **given,
    )
    return train(dataset.train, work.library, draft, options, work.context.report, dataset.sha256)


def _score(work: _Work, dataset: Dataset, folder: Path) -> Scorecard:
    deployed: Decoder | None = None
    current = work.registry.deployed()
    if current is not None and work.registry.folder(current) != folder:
        try:
            deployed = work.decoder(current)
        except CadenzaError:
            deployed = None  # a damaged one cannot be compared with, nor is it worth keeping
    return score(
        load_decoder(folder, work.library, work.encoder),
        dataset,
        work.spec,
        work.library,
        project=work.project,
        thresholds=work.thresholds(),
        deployed=deployed,
        reload=lambda: load_decoder(folder, work.library, work.encoder),
        remembered=work.context.state_dir / SIMULATED,
        report=work.context.report,
    )


def _write_card(folder: Path, card: Scorecard) -> None:
    text = json.dumps(card.as_json(), indent=2, ensure_ascii=False)
    write_new(folder / SCORECARD, f"{text}\n".encode())


def _switch(work: _Work, version: int, card: Scorecard, events: list[Event]) -> JobResult:
    """Note what will be recorded, then switch, if there is anything to switch."""
    promoted = any(isinstance(event, AdapterPromoted) for event in events)
    if any(isinstance(event, AdapterTrained) for event in events):
        work.registry.note(version, events)
    if promoted:
        work.registry.promote(version)
    said = f"version {version}: {card.verdict}" + (" and deployed" if promoted else "")
    return JobResult(tuple(events), said)


def _consequences(work: _Work, card: Scorecard, version: int) -> list[Event]:
    serving = work.registry.deployed()
    if card.verdict == "DEPLOY" and work.context.spec.get("gate"):
        return [AdapterPromoted(version=version, previous=serving, by=work.by)]
    if card.verdict == "BLOCK":
        return [AdapterBlocked(version=version, serving=serving, reasons=card.reasons)]
    return []


def _trained(
    work: _Work, dataset: Dataset, report: TrainReport, version: int, folder: Path
) -> AdapterTrained:
    spec = work.context.spec
    return AdapterTrained(
        version=version,
        path=f"{ADAPTERS_DIR}/{folder.name}",
        sha256=work.registry.sha256(version),
        dataset_sha256=dataset.sha256,
        base_sha256=report.base_sha256,
        encoder=report.encoder,
        rows=len(dataset.train),
        exam_rows=len(dataset.exam),
        sources=dataset.sources,
        epochs=report.epochs,
        loss=report.loss,
        seed=int(spec.get("seed") or 0),
        threads=int(work.settings.get("threads", 1)),
        seconds=report.seconds,
    )


def _scored(work: _Work, card: Scorecard, version: int) -> AdapterScored:
    path = work.registry.folder(version) / SCORECARD
    checks = [AxisFact.model_validate(check) for check in card.as_json()["checks"]]
    return AdapterScored(
        version=version,
        verdict=card.verdict,
        held_out=card.held_out,
        checks=tuple(checks),
        reasons=card.reasons,
        next_steps=card.next_steps,
        scorecard=f"{ADAPTERS_DIR}/{version:04}/{SCORECARD}",
        scorecard_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
