"""Examples -> an adapter on disk."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from handlers.lora.model.encoder import Encoder, find_encoder, sample, torch
from handlers.lora.model.familiarity import (
    as_numbers,
    encode_foreign,
    fit_probe,
    gate,
    with_openings,
)
from handlers.lora.model.files import Facts, save_known, write_head
from handlers.lora.model.head import base_head, base_sha256, contrastive_loss, with_lora
from handlers.lora.model.lexicon import Entry, Lexicon, filled, learn, name_actions, plan_of
from handlers.lora.model.pieces import orders
from handlers.lora.model.rows import Row
from handlers.lora.model.text import read
from handlers.project.code import ImportedCode
from handlers.project.library import ActionLibrary
from store.errors import InputError

NOISE = 0.02
_SLOWER = "try a lower --lr"
MANY = 512


@dataclass(frozen=True)
class TrainOptions:
    """None: the default. `project_encoder` is a trusted lora_encoder.py.

    `inputs_sha256` is of all that the adapter is made of, for it to be known by.
    """

    epochs: int = 40
    lr: float = 5e-3
    rank: int = 16
    seed: int = 0
    threads: int = 1
    encoder: str = "auto"
    project_encoder: ImportedCode | Path | None = None
    inputs_sha256: str = ""


@dataclass(frozen=True)
class TrainReport:
    """What came out. `loss` of the last epoch; None when there was nothing to tell apart."""

    encoder: str
    base_sha256: str
    entries: int
    epochs: int
    loss: float | None
    seconds: float


def train(
    rows: Sequence[Row],
    library: ActionLibrary,
    out: Path,
    options: TrainOptions,
    report: Callable[[Mapping[str, Any]], None] = lambda _values: None,
    dataset_sha256: str = "",
) -> TrainReport:
    """Train on rows and write the adapter into `out`, an existing folder.

    The same rows, seed and threads give the same bytes. Raises InputError for no rows, for images
    an encoder cannot read, and when the loss is no number.
    """
    if not rows:
        raise InputError("there is nothing to train on", hint="cadenza env lora add PROJECT ...")
    torch().set_num_threads(options.threads)
    began = time.monotonic()
    own = " with lora_encoder.py" if options.project_encoder else ""
    report({"step": f"encoding{own}", "done": 0, "total": options.epochs})
    encoder = find_encoder(options.encoder, options.project_encoder)
    known = _known(encoder, rows, library)
    loss = _train_head(encoder, known, out, options, report)
    if known.images:
        save_known(out, known.vectors)
    facts = _facts(encoder, known, options, dataset_sha256, library_sha256(library))
    write_head(out, known.entries, facts)
    return TrainReport(
        encoder=encoder.name,
        base_sha256=facts.base_sha256,
        entries=len(known.entries),
        epochs=options.epochs,
        loss=loss,
        seconds=round(time.monotonic() - began, 2),
    )


def library_sha256(library: ActionLibrary) -> str:
    """A hash of the actions there are and what they take."""
    shape = [(name, library.spec(name).parameters) for name in library.names]
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()


class _Known(NamedTuple):
    """What is known and its `vectors` [N, width]. `repeats`: a count repeats a whole plan."""

    entries: list[Entry]
    vectors: Any
    repeats: bool
    images: bool


def _known(encoder: Encoder, rows: Sequence[Row], library: ActionLibrary) -> _Known:
    """What rows teach. With images every row is known as it is: half a goal has no picture."""
    seen = [row for row in rows if row.image is not None]
    if not seen:
        lexicon = learn([(row.goal, row.actions) for row in rows])
        _simplify(lexicon, rows)
        name_actions(lexicon, library)
        entries = lexicon.all()
        vectors = encoder.encode([entry.text.spoken for entry in entries])
        return _Known(entries, vectors, lexicon.repeats, images=False)
    if len(seen) < len(rows):
        without = next(row.where for row in rows if row.image is None)
        raise InputError(
            f"{len(seen)} examples have an image and {len(rows) - len(seen)} have none ({without})",
            hint="give every example an image, or none",
        )
    texts = [read(row.goal) for row in rows]
    paths = [row.image_path or Path(str(row.image)) for row in rows]
    vectors = encoder.encode([text.spoken for text in texts], paths)
    entries = [
        Entry(text, plan_of(row.actions, text), goal=row.goal)
        for text, row in zip(texts, rows, strict=True)
    ]
    return _Known(entries, vectors, repeats=False, images=True)


def _facts(
    encoder: Encoder, known: _Known, options: TrainOptions, dataset_sha256: str, library_sha256: str
) -> Facts:
    familiar, probe = _gate(encoder, known)
    return Facts(
        encoder=encoder.name,
        encoder_identity=encoder.identity,
        width=encoder.width,
        base_sha256=base_sha256(encoder.identity, encoder.width),
        repeats=known.repeats,
        images=known.images,
        familiar=familiar,
        sample=[] if known.images else sample(encoder),
        probe=probe,
        rank=options.rank,
        epochs=options.epochs,
        lr=options.lr,
        seed=options.seed,
        threads=options.threads,
        dataset_sha256=dataset_sha256,
        library_sha256=library_sha256,
        inputs_sha256=options.inputs_sha256,
    )


def _gate(encoder: Encoder, known: _Known) -> tuple[float, list[float]]:
    """The least familiarity that is not refused, and the probe: none with images."""
    taught = [index for index, entry in enumerate(known.entries) if not entry.deduced]
    seen, labels = known.vectors[taught], _labels(known.entries)[taught]
    if known.images:
        return gate(seen, labels, None), []
    foreign = encode_foreign(encoder)
    seen = with_openings(encoder, [known.entries[index].text.spoken for index in taught], seen)
    return gate(seen, labels, foreign), as_numbers(fit_probe(seen, foreign))


def _labels(entries: Sequence[Entry]) -> Any:
    """[N] the number of each entry's plan."""
    numbers: dict[Any, int] = {}
    return torch().tensor([numbers.setdefault(entry.plan, len(numbers)) for entry in entries])


def _train_head(
    encoder: Encoder,
    known: _Known,
    out: Path,
    options: TrainOptions,
    report: Callable[[Mapping[str, Any]], None],
) -> float | None:
    """Train and save the head; the last loss. Raises InputError for weights that are not finite."""
    module = torch()
    head = with_lora(base_head(encoder.width), options.rank, options.seed)
    loss = _fit(head, known.vectors, _labels(known.entries), options, report)
    head.eval()
    with module.inference_mode():
        if not bool(module.isfinite(head(known.vectors)).all()):
            raise InputError("training went wrong: the weights are not finite", hint=_SLOWER)
    head.save_pretrained(str(out), safe_serialization=True)
    (out / "README.md").unlink(missing_ok=True)  # a template about nothing
    return loss


def _fit(
    head: Any,
    vectors: Any,
    labels: Any,
    options: TrainOptions,
    report: Callable[[Mapping[str, Any]], None],
) -> float | None:
    """Adapt the head to `vectors` [N, width] with plans `labels` [N]; the loss of the last epoch.

    Raises InputError when it is no number.
    """
    module = torch()
    same = labels[:, None] == labels[None]
    not_self = ~module.eye(len(labels), dtype=module.bool)
    if not bool((same & not_self).any()):
        return None  # no plan has two phrasings: nothing says what belongs together
    weights = [weight for weight in head.parameters() if weight.requires_grad]
    optimizer = module.optim.AdamW(weights, lr=options.lr, weight_decay=0.01)
    noise = module.Generator().manual_seed(options.seed)
    last = math.nan
    for epoch in range(options.epochs):
        shaken = vectors + NOISE * module.randn(vectors.shape, generator=noise)
        out = head(module.nn.functional.normalize(shaken, dim=-1))
        loss = contrastive_loss(out, out, same, not_self)
        last = float(loss.detach())
        if not math.isfinite(last):
            raise InputError(
                f"training went wrong in epoch {epoch + 1}: the loss is {last}", hint=_SLOWER
            )
        optimizer.zero_grad()
        loss.backward()
        try:
            optimizer.step()
        except RuntimeError as error:  # a rate that no float holds
            raise InputError(f"training went wrong: {error}", hint=_SLOWER) from None
        shown = {"done": epoch + 1, "total": options.epochs, "loss": round(last, 4)}
        report({"step": "training", **shown})
    return last


def _simplify(lexicon: Lexicon, rows: Sequence[Row]) -> None:
    """With very many examples, forget goals that their pieces already explain."""
    if len(lexicon.entries) <= MANY:
        return
    for row in rows:
        text = read(row.goal)
        wanted = [step.as_json() for step in row.actions]
        ways = [way for way in orders(text) if len(way) > 1 or way[0].key != text.key]
        ways += [way for way in orders(text) if len(way) == 1 and way[0].words[-1] == "#n"]
        if any(composed(lexicon, way) == wanted for way in ways):
            lexicon.entries.pop(text.key, None)


def composed(lexicon: Lexicon, way: Sequence[Any]) -> list[dict[str, Any]] | None:
    """The plan of known pieces; None when one of them is not known as it stands."""
    made: list[dict[str, Any]] = []
    for piece in way:
        entry = lexicon.exact(piece)
        if entry is not None and piece.words[-1] != "#n":
            made += filled(entry.plan, piece)
            continue
        plain = piece.without("n")
        entry = lexicon.exact(plain)
        if entry is None or plain.key == piece.key or not lexicon.repeats:
            return None
        made += filled(entry.plan, plain) * int(piece.quantities[-1].value)
    return made
