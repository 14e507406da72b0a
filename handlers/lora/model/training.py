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

from handlers.lora.dataset import Row
from handlers.lora.model.encoder import Encoder, find_encoder, torch
from handlers.lora.model.files import Facts, write_head
from handlers.lora.model.head import base_head, base_sha256, contrastive_loss, with_lora
from handlers.lora.model.lexicon import Entry, Lexicon, filled, learn
from handlers.lora.model.text import orders, read
from handlers.project.library import ActionLibrary
from store.errors import InputError

NOISE = 0.02
MANY = 512
KEPT_SHARE = 0.03
"""The familiarity gate lets pass all but this share of training goals seen for the first time."""
GATE = (0.3, 0.42)
"""And lies in here: few examples say little about how strange a goal of the same project can be."""


@dataclass(frozen=True)
class TrainOptions:
    """None: the default. `project_encoder` is a trusted lora_encoder.py."""

    epochs: int = 40
    lr: float = 5e-3
    rank: int = 16
    seed: int = 0
    threads: int = 1
    encoder: str = "auto"
    project_encoder: Path | None = None


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
    report({"step": "encoding", "done": 0, "total": options.epochs})
    encoder = find_encoder(options.encoder, options.project_encoder)
    lexicon = learn([(row.goal, row.actions) for row in rows])
    _simplify(lexicon, rows)
    entries = lexicon.all()
    vectors = _encoded(encoder, entries, rows)
    head = with_lora(base_head(encoder.width), options.rank, options.seed)
    loss = _fit(head, vectors, _labels(entries), options, report)
    head.eval()
    head.save_pretrained(str(out), safe_serialization=True)
    (out / "README.md").unlink(missing_ok=True)  # a template about nothing
    base = base_sha256(encoder.identity, encoder.width)
    write_head(
        out,
        entries,
        Facts(
            encoder=encoder.name,
            encoder_identity=encoder.identity,
            width=encoder.width,
            base_sha256=base,
            repeats=lexicon.repeats,
            familiar=_gate(vectors, entries),
            rank=options.rank,
            epochs=options.epochs,
            lr=options.lr,
            seed=options.seed,
            threads=options.threads,
            dataset_sha256=dataset_sha256,
            library_sha256=library_sha256(library),
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


def _encoded(encoder: Encoder, entries: Sequence[Entry], rows: Sequence[Row]) -> Any:
    images = {read(row.goal).key: row.image for row in rows if row.image}
    if not images:
        return encoder.encode([entry.text.spoken for entry in entries])
    if len(images) != len({read(row.goal).key for row in rows}):
        raise InputError(
            f"{len(images)} examples have an image and the others have none",
            hint="an encoder that reads images needs one for every example",
        )
    paths = [Path(str(images.get(entry.text.key))) for entry in entries]
    return encoder.encode([entry.text.spoken for entry in entries], paths)


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
                hint="try a lower --lr",
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        report(
            {
                "step": "training",
                "done": epoch + 1,
                "total": options.epochs,
                "loss": round(last, 4),
            }
        )
    return last


def _gate(vectors: Any, entries: Sequence[Entry]) -> float:
    """The least familiarity that is not refused, from the training goals alone.

    Each goal that has another phrasing is looked up among the others, as if it came for the first
    time; all but KEPT_SHARE of them must pass.
    """
    module = torch()
    taught = [index for index, entry in enumerate(entries) if not entry.deduced]
    labels = _labels(entries)[taught]
    among = vectors[taught] @ vectors[taught].T
    among.fill_diagonal_(-1.0)
    has_other = ((labels[:, None] == labels[None]).sum(1) > 1).nonzero().flatten()
    if len(has_other) < 8:
        return GATE[1]
    best = among[has_other].max(1).values
    return round(min(max(float(module.quantile(best, KEPT_SHARE)), GATE[0]), GATE[1]), 4)


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
