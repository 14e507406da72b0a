"""The adapter's jobs: train and score, score again, roll back. They run in a child process.

An adapter is built aside, scored, and only then switched to; what will be recorded is noted before
anything is moved (handlers.recovery), so that the log and the disk agree again after a crash at any
point. What an earlier job left was made good before a job begins.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from handlers.jobs import JobContext, JobResult, PermanentFailure
from handlers.lora.context import LoraContext, trusted_encoder
from handlers.lora.data.dataset import Dataset, load_dataset
from handlers.lora.fingerprint import scored_against, trained_from
from handlers.lora.hub.card import write_card
from handlers.lora.hub.curves import write_events
from handlers.lora.model.encoder import find_encoder
from handlers.lora.model.files import SCORECARD, folder_sha256, read_head
from handlers.lora.model.interface import Decoder
from handlers.lora.model.training import TrainOptions, TrainReport, train
from handlers.lora.registry import version_before
from handlers.lora.scorecard.scorecard import Scorecard, score
from handlers.lora.verdicts import FORCE, why_not
from handlers.project.code import ImportedCode
from handlers.project.paths import ADAPTERS_DIR
from handlers.recovery import FINISHED_BEFORE
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

OPTIONS = ("epochs", "lr", "rank", "seed")
SIMULATED = "simulated"
"""The folder of the state directory that remembers simulations."""


def retrain(task: JobContext) -> JobResult:
    """Train a new version and score it; with `gate` in the spec a DEPLOY is deployed.

    What the daemon asks for is done as far as anything changed: an adapter that was made of the
    same is only scored again, or left as it is.
    """
    context = _open(task)
    if done := _done_before(context):
        return done
    finetune = task.spec.get("finetune")
    with _permanent(InputError):
        dataset = load_dataset(
            context.project, finetune=context.project.path / finetune if finetune else None
        )
        encoder = trusted_encoder(context.project.path, context.past.trusted)
    inputs = trained_from(dataset, context.project.library, context.settings, encoder)
    newest = _made_of(context, inputs) if context.by == "cadenzad" else None
    if newest is not None and _card_inputs(context, newest) == _against(context, dataset):
        return JobResult((), "the last adapter was trained and scored on exactly this")
    if newest is not None:
        return _score_again(context, dataset, newest)
    if not dataset.train:
        raise PermanentFailure("there is nothing to train on", hint=_first_step(context))
    return _train_version(context, dataset, encoder, inputs)


def rescore(task: JobContext) -> JobResult:
    """Score a version again (the newest); with `gate` in the spec a DEPLOY is deployed."""
    context = _open(task)
    if done := _done_before(context):
        return done
    version = task.spec.get("version") or max(context.registry.versions(), default=0)
    if not version:
        raise PermanentFailure("there is no adapter yet", hint="cadenza env lora finetune PROJECT")
    with _permanent(InputError):
        dataset = load_dataset(context.project)
    return _score_again(context, dataset, version)


def roll_back(task: JobContext) -> JobResult:
    """Deploy an earlier version again: the one named by `to`, else the one deployed before.

    What no verdict allows takes `force` in the spec, which the event then says.
    """
    context = _open(task)
    if done := _done_before(context):
        return done
    current = context.registry.deployed()
    wanted = task.spec.get("to")
    version = int(wanted) if wanted is not None else version_before(context.rows, context.registry)
    if version is None:
        raise PermanentFailure("no other version was ever deployed", hint="--to N names one")
    if version not in context.registry.versions():
        raise PermanentFailure(f"{context.project.path}: there is no adapter version {version}")
    if version == current == context.recorded:
        raise PermanentFailure(f"version {version} is deployed already")
    assert context.history is not None  # what is deployed is deployed where the log is
    refusal = why_not(context.history, str(context.project.path), version, serving=current)
    if refusal and not context.task.spec.get("force"):
        raise PermanentFailure(f"{context.project.path}: {refusal}", hint=FORCE)
    try:
        context.load(context.registry.folder(version))
        event = AdapterRolledBack(
            version=version,
            previous=(context.recorded if version == current else current) or 0,
            by=context.by,
            reason="asked for" if version != current else "it serves, and was not recorded",
            forced=bool(refusal),
        )
        context.note([event])
        context.registry.promote(version)
    except CadenzaError as error:
        raise PermanentFailure(f"not rolled back: {error.message}", hint=error.hint) from None
    against = f", against its verdict: {refusal}" if refusal else ""
    return JobResult((event,), f"version {version} is deployed again{against}")


# -- steps -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _permanent(*errors: type[CadenzaError]) -> Iterator[None]:
    """Turns what another attempt would not help into PermanentFailure."""
    try:
        yield
    except errors as error:
        raise PermanentFailure(error.message, hint=error.hint) from None


def _open(task: JobContext) -> LoraContext:
    with _permanent(InputError, UnsafePathError):
        return LoraContext.open(task)


def _done_before(context: LoraContext) -> JobResult | None:
    """The result when an earlier attempt was cut short after all of it was done."""
    if context.past.finished:
        return JobResult((), FINISHED_BEFORE)
    return None


def _first_step(context: LoraContext) -> str:
    """What teaches where nobody taught anything: the mission's own run, or a person's words."""
    where = shlex.quote(str(context.project.path))
    return (
        f"cadenza env run {where} --headless --policy scripted: the phases that it completes teach"
        f" their goals; or cadenza env lora add {where} 'sit down' --steps sit"
    )


def _made_of(context: LoraContext, inputs: str) -> int | None:
    """The newest version, if it is recorded, scored, whole, and made of just this."""
    newest = context.rows[-1] if context.rows else None
    if newest is None or not newest.scored or newest.version not in context.registry.versions():
        return None
    try:
        facts, _ = read_head(context.registry.folder(newest.version))
    except InputError:
        return None
    return newest.version if facts.inputs_sha256 == inputs else None


def _against(context: LoraContext, dataset: Dataset) -> str:
    return scored_against(dataset, context.project.library, context.project.spec, context.settings)


def _card_inputs(context: LoraContext, version: int) -> object:
    """What a version's scorecard says it was measured against."""
    try:
        card = json.loads((context.registry.folder(version) / SCORECARD).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return card.get("inputs_sha256") if isinstance(card, dict) else None


def _train_version(
    context: LoraContext, dataset: Dataset, encoder: ImportedCode | None, inputs: str
) -> JobResult:
    """Build the next version aside and score it; note its events, then put it in its place."""
    version = context.next_version
    draft = context.registry.stage()
    try:
        with _permanent(InputError, MissingExtraError):
            report = _train(context, dataset, draft, encoder, inputs)
            write_events(draft)
            card = _score(context, dataset, draft)
            text = _card_text(context, card, dataset)
            write_file(draft / SCORECARD, text)
            write_card(draft)
            trained = _trained(context, dataset, report, version, draft)
            events = [trained, _scored(card, version, text), *_consequences(context, card, version)]
            context.note(events)
            context.registry.commit(draft, version)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _switch(context, version, card, events)


def _score_again(context: LoraContext, dataset: Dataset, version: int) -> JobResult:
    folder = context.registry.folder(version)
    with _permanent(InputError, MissingExtraError):
        card = _score(context, dataset, folder)
    text = _card_text(context, card, dataset)
    events: list[Event] = [_scored(card, version, text)]
    if context.task.spec.get("gate"):
        events += _consequences(context, card, version)
    context.note(events)
    write_file(folder / SCORECARD, text)
    write_card(folder)
    return _switch(context, version, card, events)


def _train(
    context: LoraContext, dataset: Dataset, draft: Path, encoder: ImportedCode | None, inputs: str
) -> TrainReport:
    given = {name: context.task.spec[name] for name in OPTIONS if context.task.spec.get(name)}
    options = TrainOptions(
        threads=context.settings.threads,
        encoder=context.settings.encoder,
        device=context.settings.device,
        project_encoder=encoder,
        inputs_sha256=inputs,
        **given,
    )
    library = context.project.library
    return train(dataset.train, library, draft, options, context.report, dataset.sha256)


def _score(context: LoraContext, dataset: Dataset, folder: Path) -> Scorecard:
    deployed: Decoder | None = None
    current = context.registry.deployed()
    if current is not None and context.registry.folder(current) != folder:
        try:
            deployed = context.load(context.registry.folder(current))
        except CadenzaError:
            deployed = None  # a damaged one cannot be compared with, nor is it worth keeping
    return score(
        context.load(folder),
        dataset,
        context.project.spec,
        context.project.library,
        project=context.project.path,
        settings=context.settings,
        adapter=folder_sha256(folder),
        looks=context.past.looks,
        vectors=lambda texts: find_encoder(context.settings.encoder).encode(list(texts)),
        taught=[entry.goal for entry in read_head(folder)[1] if entry.goal],
        deployed=deployed,
        plain=context.load(folder, trained=False),
        reload=lambda: context.load(folder),
        remembered=context.task.state_dir / SIMULATED,
        report=context.report,
        elsewhere=context.task.spread,
    )


def _card_text(context: LoraContext, card: Scorecard, dataset: Dataset) -> bytes:
    """The scorecard's file, with a hash of what it was measured against."""
    shape = {**card.as_json(), "inputs_sha256": _against(context, dataset)}
    return (json.dumps(shape, indent=2, ensure_ascii=False) + "\n").encode()


def _switch(
    context: LoraContext, version: int, card: Scorecard, events: Sequence[Event]
) -> JobResult:
    """Deploy the version if its events, which are noted, say so."""
    promoted = any(isinstance(event, AdapterPromoted) for event in events)
    if promoted:
        with _permanent(InputError):
            context.registry.promote(version)
    summary = f"version {version}: {card.verdict}" + (" and deployed" if promoted else "")
    return JobResult(tuple(events), summary)


def _consequences(context: LoraContext, card: Scorecard, version: int) -> list[Event]:
    serving = context.registry.deployed()
    if card.verdict == "DEPLOY" and context.task.spec.get("gate"):
        serves = serving == version == context.recorded
        return [] if serves else [AdapterPromoted(version=version, previous=serving, by=context.by)]
    if card.verdict == "BLOCK":
        return [AdapterBlocked(version=version, serving=serving, reasons=card.reasons)]
    return []


def _trained(
    context: LoraContext, dataset: Dataset, report: TrainReport, version: int, draft: Path
) -> AdapterTrained:
    spec = context.task.spec
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
        threads=context.settings.threads,
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
        look=card.look,
    )
