"""The adapter's jobs: train and score, score again, roll back. They run in a child process.

An adapter is built aside, scored, and only then switched to; what will be recorded is written down
before anything is moved (handlers.lora.pending), so that the log and the disk agree again after a
crash at any point. A note that an earlier job left was made good before a job begins.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from handlers.jobs import JobContext, JobResult, PermanentFailure
from handlers.lora import pending
from handlers.lora.context import Work, trusted_encoder
from handlers.lora.data.dataset import Dataset, load_dataset
from handlers.lora.fingerprint import scored_against, trained_from
from handlers.lora.model.encoder import ProjectCode
from handlers.lora.model.files import SCORECARD, folder_sha256, read_head
from handlers.lora.model.interface import Decoder
from handlers.lora.model.training import TrainOptions, TrainReport, train
from handlers.lora.registry import version_before
from handlers.lora.scorecard.scorecard import Scorecard, score
from handlers.project.paths import ADAPTERS_DIR
from store.durable import write_file
from store.errors import CadenzaError, InputError, MissingExtraError, UnsafePathError
from store.events.adapter import (
    AdapterBlocked,
    AdapterPromoted,
    AdapterRolledBack,
    AdapterScored,
    AdapterTrained,
    AxisFact,
)
from store.events.base import Event
from store.schema import connect_reader

OPTIONS = ("epochs", "lr", "rank", "seed")
SIMULATED = "simulated"
"""The folder of the state directory that remembers simulations."""


def retrain(context: JobContext) -> JobResult:
    """Train a new version and score it; with `gate` in the spec a DEPLOY is deployed.

    What the daemon asks for is done as far as anything changed: an adapter that was made of the
    same is only scored again, or left as it is.
    """
    work = _open(context)
    if done := _done_before(work):
        return done
    finetune = context.spec.get("finetune")
    try:
        dataset = load_dataset(work.project, finetune=Path(finetune) if finetune else None)
        encoder = trusted_encoder(work.project.path, work.trusted)
    except InputError as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    inputs = trained_from(dataset, work.project.library, work.settings, encoder)
    newest = _made_of(work, inputs) if work.by == "cadenzad" else None
    if newest is not None and _card_inputs(work, newest) == _against(work, dataset):
        return JobResult((), "the last adapter was trained and scored on exactly this")
    if newest is not None:
        return _score_again(work, dataset, newest)
    if not dataset.train:
        raise PermanentFailure("there is nothing to train on", hint="cadenza env lora add ...")
    version = max([*work.registry.versions(), *(row.version for row in work.rows)], default=0) + 1
    draft = work.registry.stage()
    try:
        report = _train(work, dataset, draft, encoder, inputs)
        card = _score(work, dataset, draft)
        text = _card_text(work, card, dataset)
        write_file(draft / SCORECARD, text)
        trained = _trained(work, dataset, report, version, draft)
        events = [trained, _scored(card, version, text), *_consequences(work, card, version)]
        work.note(events)
        work.registry.commit(draft, version)
    except (InputError, MissingExtraError) as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _switch(work, version, card, events)


def rescore(context: JobContext) -> JobResult:
    """Score a version again (the newest); with `gate` in the spec a DEPLOY is deployed."""
    work = _open(context)
    if done := _done_before(work):
        return done
    version = context.spec.get("version") or max(work.registry.versions(), default=0)
    if not version:
        raise PermanentFailure("there is no adapter yet", hint="cadenza env lora finetune PROJECT")
    try:
        dataset = load_dataset(work.project)
    except InputError as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    return _score_again(work, dataset, version)


def roll_back(context: JobContext) -> JobResult:
    """Deploy an earlier version again: the one named by `to`, else the one deployed before."""
    work = _open(context)
    if done := _done_before(work):
        return done
    current = work.registry.deployed()
    wanted = context.spec.get("to")
    version = int(wanted) if wanted is not None else version_before(work.rows, work.registry)
    if version is None:
        raise PermanentFailure("no other version was ever deployed", hint="--to N names one")
    if version not in work.registry.versions():
        raise PermanentFailure(f"{work.project.path}: there is no adapter version {version}")
    if version == current == work.recorded:
        raise PermanentFailure(f"version {version} is deployed already")
    try:
        work.load(work.registry.folder(version))
        event = AdapterRolledBack(
            version=version,
            previous=(work.recorded if version == current else current) or 0,
            by=work.by,
            reason="asked for" if version != current else "it serves, and was not recorded",
        )
        work.note([event])
        work.registry.promote(version)
    except CadenzaError as error:
        raise PermanentFailure(f"not rolled back: {error.message}", hint=error.hint) from None
    return JobResult((event,), f"version {version} is deployed again")


# -- steps -----------------------------------------------------------------------------------------


def _open(context: JobContext) -> Work:
    try:
        return Work.open(context)
    except (InputError, UnsafePathError) as error:
        raise PermanentFailure(error.message, hint=error.hint) from None


def _done_before(work: Work) -> JobResult | None:
    """What to say when an earlier attempt was cut short after all of it was done."""
    job = work.context.job
    with contextlib.closing(connect_reader(work.context.state_dir)) as log:
        if job is None or not pending.has_led_to(job, log):
            return None
    return JobResult((), "it was finished just before it was cut short")


def _made_of(work: Work, inputs: str) -> int | None:
    """The newest version, if it is recorded, scored, whole, and made of just this."""
    newest = work.rows[-1] if work.rows else None
    if newest is None or not newest.scored or newest.version not in work.registry.versions():
        return None
    try:
        facts, _ = read_head(work.registry.folder(newest.version))
    except InputError:
        return None
    return newest.version if facts.inputs_sha256 == inputs else None


def _against(work: Work, dataset: Dataset) -> str:
    return scored_against(dataset, work.project.library, work.project.spec, work.settings)


def _card_inputs(work: Work, version: int) -> object:
    """What a version's scorecard says it was measured against."""
    try:
        card = json.loads((work.registry.folder(version) / SCORECARD).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return card.get("inputs_sha256") if isinstance(card, dict) else None


def _score_again(work: Work, dataset: Dataset, version: int) -> JobResult:
    folder = work.registry.folder(version)
    try:
        card = _score(work, dataset, folder)
    except (InputError, MissingExtraError) as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    text = _card_text(work, card, dataset)
    events: list[Event] = [_scored(card, version, text)]
    if work.context.spec.get("gate"):
        events += _consequences(work, card, version)
    work.note(events)
    write_file(folder / SCORECARD, text)
    return _switch(work, version, card, events)


def _train(
    work: Work, dataset: Dataset, draft: Path, encoder: ProjectCode | None, inputs: str
) -> TrainReport:
    given = {name: work.context.spec[name] for name in OPTIONS if work.context.spec.get(name)}
    options = TrainOptions(
        threads=work.settings.threads,
        encoder=work.settings.encoder,
        project_encoder=encoder,
        inputs_sha256=inputs,
        **given,
    )
    return train(dataset.train, work.project.library, draft, options, work.report, dataset.sha256)


def _score(work: Work, dataset: Dataset, folder: Path) -> Scorecard:
    deployed: Decoder | None = None
    current = work.registry.deployed()
    if current is not None and work.registry.folder(current) != folder:
        try:
            deployed = work.load(work.registry.folder(current))
        except CadenzaError:
            deployed = None  # a damaged one cannot be compared with, nor is it worth keeping
    return score(
        work.load(folder),
        dataset,
        work.project.spec,
        work.project.library,
        project=work.project.path,
        settings=work.settings,
        taught=[entry.goal for entry in read_head(folder)[1] if entry.goal],
        deployed=deployed,
        reload=lambda: work.load(folder),
        remembered=work.context.state_dir / SIMULATED,
        report=work.report,
    )


def _card_text(work: Work, card: Scorecard, dataset: Dataset) -> bytes:
    """The scorecard's file, with a hash of what it was measured against."""
    shape = {**card.as_json(), "inputs_sha256": _against(work, dataset)}
    return (json.dumps(shape, indent=2, ensure_ascii=False) + "\n").encode()


def _switch(work: Work, version: int, card: Scorecard, events: Sequence[Event]) -> JobResult:
    """Deploy the version if its events, which are noted, say so."""
    promoted = any(isinstance(event, AdapterPromoted) for event in events)
    if promoted:
        try:
            work.registry.promote(version)
        except InputError as error:
            raise PermanentFailure(error.message, hint=error.hint) from None
    said = f"version {version}: {card.verdict}" + (" and deployed" if promoted else "")
    return JobResult(tuple(events), said)


def _consequences(work: Work, card: Scorecard, version: int) -> list[Event]:
    serving = work.registry.deployed()
    if card.verdict == "DEPLOY" and work.context.spec.get("gate"):
        serves = serving == version == work.recorded
        return [] if serves else [AdapterPromoted(version=version, previous=serving, by=work.by)]
    if card.verdict == "BLOCK":
        return [AdapterBlocked(version=version, serving=serving, reasons=card.reasons)]
    return []


def _trained(
    work: Work, dataset: Dataset, report: TrainReport, version: int, draft: Path
) -> AdapterTrained:
    spec = work.context.spec
    return AdapterTrained(
        version=version,
        path=f"{ADAPTERS_DIR}/{version:04}",
        sha256=folder_sha256(draft),
        dataset_sha256=dataset.sha256,
        base_sha256=report.base_sha256,
        encoder=report.encoder,
        rows=len(dataset.train),
        exam_rows=len(dataset.exam),
        sources=dataset.sources,
        epochs=report.epochs,
        loss=report.loss,
        seed=int(spec.get("seed") or 0),
        threads=work.settings.threads,
        seconds=report.seconds,
    )


def _scored(card: Scorecard, version: int, text: bytes) -> AdapterScored:
    checks = [AxisFact.model_validate(check) for check in card.as_json()["checks"]]
    return AdapterScored(
        version=version,
        verdict=card.verdict,
        held_out=card.held_out,
        checks=tuple(checks),
        reasons=card.reasons,
        next_steps=card.next_steps,
        scorecard=f"{ADAPTERS_DIR}/{version:04}/{SCORECARD}",
        scorecard_sha256=hashlib.sha256(text).hexdigest(),
    )
