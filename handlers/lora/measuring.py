"""An adapter's scorecard as a job of this project makes it, and what follows from the verdict.

The same for one that was trained here and one that came from the fleet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handlers.jobs import JobResult
from handlers.lora.context import LoraContext, permanent
from handlers.lora.data.dataset import Dataset
from handlers.lora.fingerprint import scored_against
from handlers.lora.hub.card import write_card
from handlers.lora.model.encoder import find_encoder
from handlers.lora.model.encoders.base import Encoder
from handlers.lora.model.files import read_head
from handlers.lora.model.interface import Decoder
from handlers.lora.model.names import SCORECARD, folder_sha256
from handlers.lora.scorecard.scorecard import Scorecard, score
from handlers.project.paths import ADAPTERS_DIR
from store.durable import write_file
from store.errors import CadenzaError, InputError
from store.events.adapter import AdapterBlocked, AdapterPromoted, AdapterScored, AxisFact
from store.events.base import Event

SIMULATED = "simulated"
"""The folder of the state directory that remembers simulations."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A scorecard, and the bytes of its file."""

    card: Scorecard
    text: bytes

    def write(self, folder: Path) -> None:
        """Put the scorecard and the model card into an adapter's folder."""
        write_file(folder / SCORECARD, self.text)
        write_card(folder)

    def scored(self, version: int) -> AdapterScored:
        card = self.card
        checks = [AxisFact.of_shape(check) for check in card.as_json()["checks"]]
        return AdapterScored(
            version=version,
            verdict=card.verdict,
            held_out=card.held_out,
            checks=tuple(checks),
            reasons=card.reasons,
            next_steps=card.next_steps,
            scorecard=f"{ADAPTERS_DIR}/{version:04}/{SCORECARD}",
            scorecard_sha256=hashlib.sha256(self.text).hexdigest(),
            look=card.look,
        )


def against(context: LoraContext, dataset: Dataset) -> str:
    """A hash of what a scorecard is measured against here, now."""
    return scored_against(dataset, context.project.library, context.project.spec, context.settings)


def measure(context: LoraContext, dataset: Dataset, folder: Path) -> Measured:
    """Score the adapter in a folder. Raises InputError for one that cannot be used here,
    PermanentFailure for one that needs code that nobody trusts, MissingExtraError."""
    card = _score(context, dataset, folder)
    shape = {**card.as_json(), "inputs_sha256": against(context, dataset)}
    return Measured(card, (json.dumps(shape, indent=2, ensure_ascii=False) + "\n").encode())


def _score(context: LoraContext, dataset: Dataset, folder: Path) -> Scorecard:
    deployed, alone = _deployed(context, folder)
    return score(
        context.load(folder),
        dataset,
        context.project.spec,
        context.project.library,
        project=context.project.path,
        settings=context.settings,
        adapter=folder_sha256(folder),
        looks=context.past.looks,
        vectors=lambda texts: _of_text(context).encode(list(texts)),
        taught=[entry.goal for entry in read_head(folder)[1] if entry.goal],
        deployed=deployed,
        alone=alone,
        plain=context.load(folder, trained=False),
        reload=lambda: context.load(folder),
        remembered=context.task.state_dir / SIMULATED,
        report=context.report,
        elsewhere=context.task.spread,
    )


def _of_text(context: LoraContext) -> Encoder:
    """What exam rows are compared with examples by: never the project's own encoder."""
    return find_encoder(context.settings.encoder, device=context.settings.device)


def _deployed(context: LoraContext, folder: Path) -> tuple[Decoder | None, str]:
    """The adapter that serves, or why the one in `folder` cannot be compared with it."""
    current = context.registry.deployed()
    if current is None:
        return None, ""
    if context.registry.folder(current) == folder:
        return None, "it is the one that is deployed"
    try:
        return context.load(context.registry.folder(current)), ""
    except CadenzaError as error:  # a damaged one is not worth keeping
        return None, f"version {current}, which is deployed, cannot be loaded: {error.message}"


def consequences(context: LoraContext, card: Scorecard, version: int, *, gate: bool) -> list[Event]:
    """What a verdict leads to; `gate`: whether a DEPLOY is deployed."""
    serving = context.registry.deployed()
    if card.verdict == "DEPLOY" and gate:
        serves = serving == version == context.recorded
        return [] if serves else [AdapterPromoted(version=version, previous=serving, by=context.by)]
    if card.verdict == "BLOCK":
        return [AdapterBlocked(version=version, serving=serving, reasons=card.reasons)]
    return []


def switch(
    context: LoraContext, version: int, card: Scorecard, events: Sequence[Event]
) -> JobResult:
    """Deploy the version if its events, which are noted, say so."""
    promoted = any(isinstance(event, AdapterPromoted) for event in events)
    if promoted:
        with permanent(InputError):
            context.registry.promote(version)
    summary = f"version {version}: {card.verdict}" + (" and deployed" if promoted else "")
    return JobResult(tuple(events), summary)
