"""The job of an adapter that the fleet offers: through this project's own scorecard, or taken back.

Each job does one thing, the most urgent that the log says is due. What came is laid down as the
next version of this project, scored as one that was trained here (its exam, its scene, its looks),
noted and then switched to, so a kill at any point leaves it taken up once, or not at all.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from handlers.jobs import JobResult, TryLater
from handlers.lora.context import LoraContext, permanent, with_context
from handlers.lora.data.dataset import load_dataset
from handlers.lora.hub.packed import arrived, unpack
from handlers.lora.measuring import Measured, consequences, measure, switch
from handlers.lora.recovery import ADAPTERS
from handlers.lora.registry import version_before
from handlers.lora.verdicts import why_not
from handlers.project.paths import ADAPTERS_DIR
from handlers.recovery import FINISHED_BEFORE, has_led_to
from store.errors import CadenzaError, InputError
from store.events.adapter import AdapterPromoted, AdapterRolledBack, AdapterTrained
from store.events.base import Event
from store.events.fleet import OfferDeclined, OfferKept
from store.reads.offers import OfferRow, next_offer, pulled_adapters

CONCLUDES: tuple[type[Event], ...] = (*ADAPTERS.events, OfferDeclined, OfferKept)
"""What may come of a job."""

AGAIN_S = 60.0
"""So long a job waits for what the hub is asked for again."""


@with_context
def consider(context: LoraContext) -> JobResult:
    """Do what is due about a project's offers: take a pulled one back, or put one to the gate."""
    history = context.history
    assert history is not None  # an offer is taken up where the log is
    if has_led_to(CONCLUDES, context.task.job, history):
        return JobResult((), FINISHED_BEFORE)
    due = next_offer(history, str(context.project.path), "adapter")
    if due is None:
        return JobResult((), "no offer waits")
    done = _take_back(context, due) if due.withdrawn else _take_up(context, due)
    return JobResult(done.events, f"offer {due.offer}: {done.summary}")


# -- up --------------------------------------------------------------------------------------------


def _take_up(context: LoraContext, due: OfferRow) -> JobResult:
    """An offered adapter through the gate of one that was trained here."""
    draft = context.registry.stage()
    try:
        trained = _laid_down(context, due, draft)
        measured = _measured(context, draft)
    except InputError as error:
        reason = error.with_hint.replace(str(draft), "what is offered")
        return JobResult((OfferDeclined(offer=due.offer, reason=reason),), reason)
    else:
        return _concluded(context, due, draft, trained, measured)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _laid_down(context: LoraContext, due: OfferRow, draft: Path) -> AdapterTrained:
    """Put what came into a folder. Raises InputError for what is no adapter, or is here already;
    TryLater where nothing came."""
    try:
        data = arrived(context.task.state_dir, due.content).read_bytes()
    except OSError as error:
        raise TryLater(
            f"offer {due.offer}: what the hub sent is not here: {error.strerror}", AGAIN_S
        ) from None
    trained = unpack(data, draft)
    same = next((row for row in context.rows if row.sha256 == trained.sha256), None)
    if same is not None:
        state = same.state.replace("_", " ")
        raise InputError(
            f"it is version {same.version} here already ({state})",
            hint=f"cadenza env lora eval {context.project.path.name} --version {same.version}"
            " scores that again",
        )
    return trained.changed(
        version=context.next_version,
        path=f"{ADAPTERS_DIR}/{context.next_version:04}",
        offer=due.offer,
    )


def _measured(context: LoraContext, draft: Path) -> Measured:
    """Raises InputError for one that cannot be used here: another base, an encoder that nobody
    trusts, actions that this robot has not."""
    with permanent(InputError):
        dataset = load_dataset(context.project)
    try:
        context.load(draft)
    except CadenzaError as error:
        raise InputError(error.message, hint=error.hint) from None
    with permanent(InputError):
        return measure(context, dataset, draft)


def _concluded(
    context: LoraContext, due: OfferRow, draft: Path, trained: AdapterTrained, measured: Measured
) -> JobResult:
    """Note what came of it, and only then have it."""
    version, card = trained.version, measured.card
    measured.write(draft)
    events: list[Event] = [trained, measured.scored(version)]
    events += consequences(context, card, version, gate=True)
    if not any(isinstance(event, AdapterPromoted) for event in events):
        why = f"version {version}: {card.verdict}: {'; '.join(card.reasons) or 'no reason given'}"
        events.append(OfferDeclined(offer=due.offer, reason=why))
    context.note(events)
    context.registry.commit(draft, version)
    return switch(context, version, card, events)


# -- back ------------------------------------------------------------------------------------------


def _take_back(context: LoraContext, due: OfferRow) -> JobResult:
    """A pulled version serves no more: what served before it does, or none."""
    version, serving = due.version, context.registry.deployed()
    assert version is not None  # it was taken up
    if serving != version:
        why = f"version {serving} serves here since" if serving else "none serves here any more"
        kept = OfferKept(offer=due.offer, reason=f"{due.reason}; {why}")
        return JobResult((kept,), f"it was pulled, and {why}")
    assert context.history is not None
    before = _usable_before(context)
    project = str(context.project.path)
    refusal = before and why_not(context.history, project, before)
    reason = f"offer {due.offer} was pulled: {due.reason}"
    event = AdapterRolledBack(
        version=before, previous=version, by=context.by, reason=reason, forced=bool(refusal)
    )
    context.note([event])
    context.registry.promote(before)
    now = f"version {before} is deployed again" if before else "no version is deployed"
    return JobResult((event,), f"it was pulled: {due.reason}; {now}")


def _usable_before(context: LoraContext) -> int | None:
    """The version that was deployed before and can still be used; None for none."""
    assert context.history is not None
    without = set(pulled_adapters(context.history, str(context.project.path)))
    while (version := version_before(context.rows, context.registry, without)) is not None:
        try:
            context.load(context.registry.folder(version))
        except CadenzaError:
            without.add(version)  # damaged since, or its encoder is trusted no more
        else:
            break
    return version
