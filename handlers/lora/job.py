"""The adapter's jobs: train and score, score again, roll back. They run in a child process.

An adapter is built aside, scored, and only then switched to; what will be recorded is noted before
anything is moved (handlers.recovery), so that the log and the disk agree again after a crash at any
point. What an earlier job left was made good before a job begins.
"""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

from handlers.jobs import JobResult, PermanentFailure
from handlers.lora.context import LoraContext, permanent, trusted_encoder, with_context
from handlers.lora.data.dataset import Dataset, load_dataset
from handlers.lora.fingerprint import trained_from
from handlers.lora.hub.curves import write_events
from handlers.lora.measuring import against, consequences, measure, switch
from handlers.lora.model.files import read_head
from handlers.lora.model.names import SCORECARD, folder_sha256
from handlers.lora.model.training import TrainOptions, TrainReport, train
from handlers.lora.registry import version_before
from handlers.lora.verdicts import FORCE, is_unknown, why_not
from handlers.project.code import ImportedCode
from handlers.project.paths import ADAPTERS_DIR
from handlers.recovery import FINISHED_BEFORE
from store.errors import CadenzaError, InputError, MissingExtraError
from store.events.adapter import AdapterRolledBack, AdapterTrained
from store.events.base import Event
from store.reads.offers import pulled_adapters

OPTIONS = ("epochs", "lr", "rank", "seed")


@with_context
def retrain(context: LoraContext) -> JobResult:
    """Train a new version and score it; with `gate` in the spec a DEPLOY is deployed.

    What the daemon asks for is done as far as anything changed: an adapter that was made of the
    same is only scored again, or left as it is.
    """
    if done := _done_before(context):
        return done
    finetune = context.task.spec.get("finetune")
    with permanent(InputError):
        dataset = load_dataset(
            context.project, finetune=context.project.path / finetune if finetune else None
        )
        encoder = trusted_encoder(context.project.path, context.past.trusted)
    inputs = trained_from(dataset, context.project.library, context.settings, encoder)
    newest = _made_of(context, inputs) if context.by == "cadenzad" else None
    if newest is not None and _card_inputs(context, newest) == against(context, dataset):
        return JobResult((), "the last adapter was trained and scored on exactly this")
    if newest is not None:
        return _score_again(context, dataset, newest)
    if not dataset.train:
        unused = "".join(f": {where}: {reason}" for where, reason in dataset.problems[:1])
        raise PermanentFailure(f"there is nothing to train on{unused}", hint=_first_step(context))
    return _train_version(context, dataset, encoder, inputs)


@with_context
def rescore(context: LoraContext) -> JobResult:
    """Score a version again (the newest); with `gate` in the spec a DEPLOY is deployed."""
    if done := _done_before(context):
        return done
    version = context.task.spec.get("version") or max(context.registry.versions(), default=0)
    if not version:
        raise PermanentFailure("there is no adapter yet", hint="cadenza env lora finetune PROJECT")
    with permanent(InputError):
        dataset = load_dataset(context.project)
    return _score_again(context, dataset, version)


@with_context
def roll_back(context: LoraContext) -> JobResult:
    """Deploy an earlier version again: the one named by `to`, else the one deployed before.

    What no verdict allows takes `force` in the spec, which the event then says; it says so as well
    of a version that serves already, where it is recorded without being known.
    """
    if done := _done_before(context):
        return done
    current = context.registry.deployed()
    wanted = context.task.spec.get("to")
    assert context.history is not None  # what is deployed is deployed where the log is
    pulled = pulled_adapters(context.history, str(context.project.path))
    before = version_before(context.rows, context.registry, pulled)
    version = int(wanted) if wanted is not None else before
    if version is None:
        raise PermanentFailure("no other version was ever deployed", hint="--to N names one")
    if version not in context.registry.versions():
        raise PermanentFailure(f"{context.project.path}: there is no adapter version {version}")
    if version == current == context.recorded:
        raise PermanentFailure(f"version {version} is deployed already")
    project = str(context.project.path)
    refusal = why_not(context.history, project, version)
    adopts = version == current and is_unknown(context.history, project, version)
    if refusal and not adopts and not context.task.spec.get("force"):
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
    against = f", without a DEPLOY: {refusal}" if refusal else ""
    return JobResult((event,), f"version {version} is deployed again{against}")


# -- steps -----------------------------------------------------------------------------------------


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
    """The newest version that was trained here, if it is recorded, scored, whole, and made of just
    this: what the fleet offered since is no reason to train the same again."""
    own = [row for row in context.rows if row.version not in context.past.offered]
    newest = own[-1] if own else None
    if newest is None or not newest.scored or newest.version not in context.registry.versions():
        return None
    try:
        facts, _ = read_head(context.registry.folder(newest.version))
    except InputError:
        return None
    return newest.version if facts.inputs_sha256 == inputs else None


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
        with permanent(InputError, MissingExtraError):
            report = _train(context, dataset, draft, encoder, inputs)
            write_events(draft)
            measured = measure(context, dataset, draft)
            measured.write(draft)
            trained = _trained(context, dataset, report, version, draft)
            card, gate = measured.card, bool(context.task.spec.get("gate"))
            found = consequences(context, card, version, gate=gate)
            events = [trained, measured.scored(version), *found]
            context.note(events)
            context.registry.commit(draft, version)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return switch(context, version, card, events)


def _score_again(context: LoraContext, dataset: Dataset, version: int) -> JobResult:
    folder = context.registry.folder(version)
    with permanent(InputError, MissingExtraError):
        measured = measure(context, dataset, folder)
    events: list[Event] = [measured.scored(version)]
    if context.task.spec.get("gate"):
        events += consequences(context, measured.card, version, gate=True)
    context.note(events)
    measured.write(folder)
    return switch(context, version, measured.card, events)


def _train(
    context: LoraContext, dataset: Dataset, draft: Path, encoder: ImportedCode | None, inputs: str
) -> TrainReport:
    given = {name: context.task.spec[name] for name in OPTIONS if context.task.spec.get(name)}
    options = TrainOptions(
        threads=context.settings.threads,
        encoder=context.settings.encoder,
        device=context.settings.device,
        project_encoder=encoder,
        targets=context.settings.targets,
        inputs_sha256=inputs,
        **given,
    )
    library = context.project.library
    return train(dataset.train, library, draft, options, context.report, dataset.sha256)


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
