"""Examples -> an adapter on disk."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlers.lora.model.encoder import Encoder, ProjectCode, find_encoder, sample, torch
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
    project_encoder: ProjectCode | Path | None = None
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
    module = torch()
    module.set_num_threads(options.threads)
    began = time.monotonic()
    own = " with lora_encoder.py" if options.project_encoder else ""
    report({"step": f"encoding{own}", "done": 0, "total": options.epochs})
    encoder = find_encoder(options.encoder, options.project_encoder)
    entries, vectors, repeats = _known(encoder, rows, library)
    images = any(row.image for row in rows)
    head = with_lora(base_head(encoder.width), options.rank, options.seed)
    loss = _fit(head, vectors, _labels(entries), options, report)
    head.eval()
    with module.inference_mode():
        if not bool(module.isfinite(head(vectors)).all()):
            raise InputError("training went wrong: the weights are not finite", hint=_SLOWER)
    head.save_pretrained(str(out), safe_serialization=True)
    (out / "README.md").unlink(missing_ok=True)  # a template about nothing
    base = base_sha256(encoder.identity, encoder.width)
    if images:
        save_known(out, vectors)
    foreign = None if images else encode_foreign(encoder)
    taught = [index for index, entry in enumerate(entries) if not entry.deduced]
    seen = vectors[taught]
    if foreign is not None:
        seen = with_openings(encoder, [entries[index].text.spoken for index in taught], seen)
    write_head(
        out,
        entries,
        Facts(
            encoder=encoder.name,
            encoder_identity=encoder.identity,
            width=encoder.width,
            base_sha256=base,
            repeats=repeats,
            images=images,
            familiar=gate(seen, _labels(entries)[taught], foreign),
            sample=[] if images else sample(encoder),
            probe=[] if foreign is None else as_numbers(fit_probe(seen, foreign)),
            rank=options.rank,
            epochs=options.epochs,
            lr=options.lr,
            seed=options.seed,
            threads=options.threads,
            dataset_sha256=dataset_sha256,
            library_sha256=library_sha256(library),
            inputs_sha256=options.inputs_sha256,
        ),
    )
    return TrainReport(
        encoder=encoder.name,
        base_sha256=base,
        entries=len(entries),
        epochs=options.epochs,
        loss=loss,
        seconds=round(time.monotonic() - began, 2),
    )


def library_sha256(library: ActionLibrary) -> str:
    """A hash of the actions there are and what they take."""
    shape = [(name, library.spec(name).parameters) for name in library.names]
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()


def _known(
    encoder: Encoder, rows: Sequence[Row], library: ActionLibrary
) -> tuple[list[Entry], Any, bool]:
    """What is known, its vectors [N, width], and whether a count repeats a whole plan.

    With images every row is known as it is: half a goal has no picture of its own.
    """
    seen = [row for row in rows if row.image is not None]
    if not seen:
        lexicon = learn([(row.goal, row.actions) for row in rows])
        _simplify(lexicon, rows)
        name_actions(lexicon, library)
        entries = lexicon.all()
        vectors = encoder.encode([entry.text.spoken for entry in entries])
        return entries, vectors, lexicon.repeats
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
    return entries, vectors, False


def _labels(entries: Sequence[Entry]) -> Any:
    """[N] the number of each entry's plan."""
    numbers: dict[Any, int] = {}
    return torch().tensor([numbers.setdefault(entry.plan, len(numbers)) for entry in entries])


def _fit(
    head: Any,
    vectors: Any,
    labels: Any,
    options: TrainOptions,
    report: Callable[[Mapping[str, Any]], None],
) -> float | None:
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
                f"training went wrong in epoch {epoch + 1}: the loss is {last}",
                hint=_SLOWER,
            )
        optimizer.zero_grad()
        loss.backward()
        try:
            optimizer.step()
        except RuntimeError as error:  # a rate that no float holds
            raise InputError(f"training went wrong: {error}", hint=_SLOWER) from None
        report(
            {
                "step": "training",
                "done": epoch + 1,
                "total": options.epochs,
                "loss": round(last, 4),
            }
        )
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
