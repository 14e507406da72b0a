"""Examples -> an adapter on disk: rehearsed on a part of them, then trained on all."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handlers.lora.model.encoder import STEADY, find_encoder, is_sample, sample
from handlers.lora.model.encoders.base import Encoder, torch
from handlers.lora.model.files import Facts, save_known, write_curve, write_head
from handlers.lora.model.learning.familiarity import fit_probe, with_openings
from handlers.lora.model.learning.fit import Epoch, Pace, fit
from handlers.lora.model.learning.foreign import foreign_goals
from handlers.lora.model.learning.known import Known, learned, lesson_of
from handlers.lora.model.learning.rehearsal import rehearse
from handlers.lora.model.lora import attach, base_sha256, round_weights, save
from handlers.lora.model.rows import Row
from handlers.project.code import ImportedCode
from handlers.project.library import ActionLibrary
from store.errors import InputError


@dataclass(frozen=True)
class TrainOptions:
    """`epochs` at most: it stops where validation gets no better; None for it and `lr`: what suits
    the encoder. `project_encoder` is a trusted lora_encoder.py, `targets` its layers for LoRA.
    `inputs_sha256` is of all that the adapter is made of, for it to be known by.
    """

    epochs: int | None = None
    lr: float | None = None
    rank: int = 16
    seed: int = 0
    threads: int = 1
    encoder: str = "auto"
    device: str = "auto"
    project_encoder: ImportedCode | Path | None = None
    targets: Sequence[str] = ()
    inputs_sha256: str = ""


@dataclass(frozen=True)
class TrainReport:
    """What came out. `loss` of the last epoch; None when there was nothing to tell apart. `epochs`
    that were trained; `curve` of the rehearsal, with the loss of what was held back.
    """

    encoder: str
    base_sha256: str
    entries: int
    epochs: int
    loss: float | None
    seconds: float
    curve: tuple[Epoch, ...] = ()


def train(
    rows: Sequence[Row],
    library: ActionLibrary,
    out: Path,
    options: TrainOptions,
    report: Callable[[Mapping[str, Any]], None] = lambda _values: None,
    dataset_sha256: str = "",
) -> TrainReport:
    """Train on rows and write the adapter into `out`, an existing folder.

    The same rows, seed and threads give the same bytes (on a CPU). Raises InputError for no rows,
    for images an encoder cannot read, and when the loss is no number.
    """
    if not rows:
        raise InputError("there is nothing to train on", hint="cadenza env lora add PROJECT ...")
    torch().set_num_threads(options.threads)
    began = time.monotonic()
    own = " with lora_encoder.py" if options.project_encoder else ""
    report({"step": f"encoding{own}"})
    encoder = _encoder(options)
    pace = Pace(options.epochs or encoder.epochs, options.lr or encoder.lr, options.seed)
    known = learned(rows, library)
    inputs = known.inputs(encoder)
    known_by = [] if all(known.paths) else sample(encoder)
    encoder.settle(inputs)
    plain = _vectors(encoder, inputs)
    untrained = _probe(encoder, known, plain)
    tell = _reporter(report, pace.epochs)
    rehearsed = rehearse(encoder, rows, library, options.rank, pace, tell("rehearsing"))
    enough = replace(pace, epochs=rehearsed.epochs)
    told = _fit_all(encoder, known, inputs, out, options.rank, enough, tell("training"))
    vectors = _vectors(encoder, inputs).half()
    save_known(out, vectors, plain, encoder.state())
    write_curve(out, rehearsed.curve)
    facts = Facts(
        encoder=encoder.name,
        encoder_identity=encoder.identity,
        base=encoder.base,
        width=encoder.width,
        base_sha256=base_sha256(encoder.identity, encoder.width),
        repeats=known.repeats,
        images=known.images,
        gate=replace(rehearsed.trained, probe=_probe(encoder, known, vectors.float())),
        untrained=replace(rehearsed.untrained, probe=untrained),
        sample=known_by,
        rank=options.rank,
        epochs=len(told),
        lr=pace.lr,
        seed=options.seed,
        threads=options.threads,
        dataset_sha256=dataset_sha256,
        library_sha256=library_sha256(library),
        inputs_sha256=options.inputs_sha256,
    )
    write_head(out, known.entries, facts)
    return TrainReport(
        encoder=encoder.name,
        base_sha256=facts.base_sha256,
        entries=len(known.entries),
        epochs=len(told),
        loss=told[-1].loss if told else None,
        seconds=round(time.monotonic() - began, 2),
        curve=rehearsed.curve,
    )


def _encoder(options: TrainOptions) -> Encoder:
    """The encoder to train with. A project's own is built twice, one after the other: it must give
    the same vectors again, and had better say so before it is trained than after.
    """
    given = (options.encoder, options.project_encoder, options.device, options.targets)
    if options.project_encoder is None:
        return find_encoder(*given)
    first = sample(find_encoder(*given))
    encoder = find_encoder(*given)
    if not is_sample(encoder, first):
        raise InputError(
            "lora_encoder.py gives other vectors each time that it is built", hint=STEADY
        )
    return encoder


def library_sha256(library: ActionLibrary) -> str:
    """A hash of the actions there are and what they take."""
    shape = [(name, library.spec(name).parameters) for name in library.names]
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()


def _fit_all(
    encoder: Encoder,
    known: Known,
    inputs: Sequence[Any],
    out: Path,
    rank: int,
    pace: Pace,
    report: Callable[[int, Epoch], None],
) -> list[Epoch]:
    """Train on all there is, and save the adapter: the encoder then has what was saved."""
    adapted = attach(encoder, rank, pace.seed)
    told: list[Epoch] = []
    if known.has_twins:
        lesson = lesson_of(known, inputs, encoder, pace.seed)
        told = fit(encoder, adapted, lesson, pace, report=report)
    round_weights(adapted)
    save(adapted, encoder, out)
    return told


def _vectors(encoder: Encoder, inputs: Sequence[Any]) -> Any:
    with torch().no_grad():
        return encoder.forward(inputs).cpu()


def _probe(encoder: Encoder, known: Known, vectors: Any) -> list[float]:
    """The probe between all that was taught, with its vectors, and all foreign phrases."""
    if known.images:
        return []
    taught = known.taught(vectors)
    whole = torch().stack([vector for _, vector in taught])
    seen = with_openings(encoder, [text.spoken for text, _ in taught], whole)
    probe = fit_probe(seen, with_openings(encoder, foreign_goals()))
    return [round(float(value), 6) for value in probe]


def _reporter(
    report: Callable[[Mapping[str, Any]], None], epochs: int
) -> Callable[[str], Callable[[int, Epoch], None]]:
    """Progress by the epoch, for each step of the training."""

    def named(step: str) -> Callable[[int, Epoch], None]:
        def told(number: int, epoch: Epoch) -> None:
            shown: dict[str, Any] = {"done": number + 1, "total": epochs}
            shown["loss"] = round(epoch.loss, 4)
            if epoch.validation is not None:
                shown["validation"] = round(epoch.validation, 4)
            report({"step": step, **shown})

        return told

    return named
