"""The training loop: goals of one plan are pulled together, those of others pushed apart.

Supervised contrastive loss (Khosla et al. 2020) over the whole batch. A batch that does not fit a
backward pass at once is encoded twice, in chunks (Gao et al. 2021, "Scaling Deep Contrastive
Learning Batch Size under Memory Limited Peak Memory"): the loss and its gradients stay those of the
whole batch.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from handlers.lora.model.encoders.base import Encoder, torch
from handlers.lora.model.lora import trained
from store.errors import InputError

SCALE = 20.0
"""Inverse temperature of similarities, in training and in the softmax over plans."""
BATCH = 192
DECAY = 0.01
WARM_UP = 0.1
"""Share of all steps in which the rate rises to what was asked for."""
_SLOWER = "try a lower --lr"


class Lesson(NamedTuple):
    """Inputs of an encoder and the number of each one's plan, [N] int64."""

    inputs: Sequence[Any]
    labels: Any


class Epoch(NamedTuple):
    """`loss` of training, `validation` loss of what was held back; None without any."""

    loss: float
    validation: float | None


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how fast. `patience`: epochs without a better validation before it stops."""

    epochs: int
    lr: float
    seed: int
    patience: int | None = None


def fit(
    encoder: Encoder,
    adapted: Any,
    lessons: Callable[[int], Lesson],
    pace: Pace,
    validation: Lesson | None = None,
    report: Callable[[int, Epoch], None] = lambda _number, _epoch: None,
) -> list[Epoch]:
    """Train the adapter in `encoder`, which is then as it was after its best epoch.

    `lessons(epoch)`: what it is shown in an epoch.

    Raises InputError when the loss is no number.
    """
    module = torch()
    weights = trained(adapted)
    optimizer = module.optim.AdamW(weights, lr=pace.lr, weight_decay=DECAY)
    module.manual_seed(pace.seed)
    order = module.Generator().manual_seed(pace.seed)
    told: list[Epoch] = []
    kept = [weight.detach().clone() for weight in weights]
    step = 0
    for number in range(pace.epochs):
        lesson = lessons(number)
        batches = -(-len(lesson.inputs) // BATCH)
        mixed = module.randperm(len(lesson.inputs), generator=order)
        losses = []
        for start in range(batches):
            step += 1
            rising = min(1.0, step / max(1.0, WARM_UP * batches * pace.epochs))
            for group in optimizer.param_groups:
                group["lr"] = pace.lr * rising
            optimizer.zero_grad()
            with _dropping(adapted), _autocast(encoder):
                losses.append(_backward(encoder, lesson, mixed[start::batches]))
            _expect_number(losses[-1], number)
            try:
                optimizer.step()
            except RuntimeError as error:  # a rate that no float holds
                raise InputError(f"training went wrong: {error}", hint=_SLOWER) from None
        told.append(Epoch(sum(losses) / batches, _validated(encoder, lesson, validation)))
        report(number, told[-1])
        if best(told) == number:
            kept = [weight.detach().clone() for weight in weights]
        if pace.patience is not None and number - best(told) >= pace.patience:
            break
    with module.no_grad():
        for weight, value in zip(weights, kept, strict=True):
            weight.copy_(value)
    _expect_finite(weights)
    return told


def best(epochs: Sequence[Epoch]) -> int:
    """The index of the epoch with the least validation loss; the last one without validation."""
    if not epochs or epochs[-1].validation is None:
        return len(epochs) - 1
    return min(range(len(epochs)), key=lambda index: epochs[index].validation or 0.0)


def contrastive_loss(vectors: Any, anchors: Any, same: Any, not_self: Any) -> Any:
    """Supervised contrastive loss of `vectors` [N, D] against `anchors` [M, D].

    `same` [N, M] marks pairs of one plan, `not_self` leaves out each row's own vector; rows that
    are alone with their plan only push others away.
    """
    module = torch()
    scores = (vectors @ anchors.T) * SCALE
    scores = scores.masked_fill(~not_self, float("-inf"))
    total = module.logsumexp(scores, dim=1)
    own = module.logsumexp(scores.masked_fill(~(same & not_self), float("-inf")), dim=1)
    has_other = (same & not_self).any(1)
    return (total - own)[has_other].mean() if bool(has_other.any()) else (scores * 0).nansum()


def _backward(encoder: Encoder, lesson: Lesson, chosen: Any) -> float:
    """Add up the gradients of one batch; its loss."""
    module = torch()
    inputs = [lesson.inputs[index] for index in chosen.tolist()]
    labels = lesson.labels[chosen]
    same = labels[:, None] == labels[None]
    not_self = ~module.eye(len(inputs), dtype=module.bool)
    if len(inputs) <= encoder.chunk:
        vectors = encoder.forward(inputs)
        place = vectors.device
        loss = contrastive_loss(vectors, vectors, same.to(place), not_self.to(place))
        loss.backward()
        return float(loss.detach())
    chunks = [inputs[at : at + encoder.chunk] for at in range(0, len(inputs), encoder.chunk)]
    seeds = module.randint(2**31, (len(chunks),)).tolist()
    with module.no_grad():
        parts = []
        for chunk, seed in zip(chunks, seeds, strict=True):
            module.manual_seed(seed)
            parts.append(encoder.forward(chunk))
    vectors = module.cat(parts).requires_grad_(True)
    place = vectors.device
    loss = contrastive_loss(vectors, vectors, same.to(place), not_self.to(place))
    loss.backward()
    gradients = vectors.grad.split([len(chunk) for chunk in chunks])
    for chunk, seed, gradient in zip(chunks, seeds, gradients, strict=True):
        module.manual_seed(seed)  # the same dropout as when the loss was taken
        encoder.forward(chunk).backward(gradient)
    return float(loss.detach())


def _validated(encoder: Encoder, lesson: Lesson, validation: Lesson | None) -> float | None:
    """The loss of what was held back, against what is taught."""
    if validation is None or not len(validation.inputs):
        return None
    module = torch()
    with module.no_grad():
        seen, held = encoder.forward(lesson.inputs), encoder.forward(validation.inputs)
    same = (validation.labels[:, None] == lesson.labels[None]).to(held.device)
    return float(contrastive_loss(held, seen, same, module.ones_like(same)))


def _autocast(encoder: Encoder) -> contextlib.AbstractContextManager[Any]:
    """bfloat16 where the device computes in it."""
    module = torch()
    has_bf16 = encoder.device == "cuda" and module.cuda.is_bf16_supported()
    if not has_bf16:
        return contextlib.nullcontext()
    context: contextlib.AbstractContextManager[Any] = module.autocast("cuda", module.bfloat16)
    return context


@contextlib.contextmanager
def _dropping(adapted: Any) -> Iterator[None]:
    """LoRA's dropout on, and nothing else: a base must not change while it is trained on."""
    dropouts = [part for name, part in adapted.named_modules() if "lora_dropout" in name]
    for part in dropouts:
        part.train()
    try:
        yield
    finally:
        for part in dropouts:
            part.eval()


def _expect_number(loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise InputError(
            f"training went wrong in epoch {epoch + 1}: the loss is {loss}", hint=_SLOWER
        )


def _expect_finite(weights: Sequence[Any]) -> None:
    """Raises InputError for weights that half precision cannot hold."""
    module = torch()
    if not all(bool(module.isfinite(weight.detach().half()).all()) for weight in weights):
        raise InputError("training went wrong: the weights are not finite", hint=_SLOWER)
