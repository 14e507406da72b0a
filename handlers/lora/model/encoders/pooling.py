"""One vector of many, for encoders that say little about theirs.

Where an encoder gives no attention mask, padding is found in what it makes of a text alone. Vectors
of language models are often so anisotropic that every cosine is near 1; a few dimensions carry it
(Timkey and van Schijndel 2021, "All Bark and No Bite"), and z-scores over each undo it.
"""

from __future__ import annotations

from typing import Any

from handlers.lora.model.encoders.base import torch

ANISOTROPIC = 0.3
"""Mean cosine of goals from which on vectors are scaled. Of all-MiniLM-L6-v2 it is 0.1 to 0.2."""
SAME = 1e-5


def padding_found(hidden: Any) -> Any:
    """[T] bool, what to keep of a text [T, D] that was encoded alone.

    Zero vectors at its end, and vectors that all repeat the last one, are padding.
    """
    module = torch()
    size = hidden.abs().amax()
    same = (hidden - hidden[-1]).abs().amax(1) <= SAME * size
    run = int(same.flip(0).long().cumprod(0).sum())
    is_zero = bool(hidden[-1].abs().amax() <= SAME * size)
    keep = module.ones(len(hidden), dtype=module.bool, device=hidden.device)
    if run > 1 or is_zero:
        keep[len(hidden) - run :] = False
    if not bool(keep.any()):
        keep[0] = True  # nothing but one vector, again and again: that is what it says
    return keep


def pooled(hidden: Any, mask: Any) -> Any:
    """[B, D] the mean of `hidden` [B, T, D] over the places of `mask` [B, T]."""
    shares = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * shares).sum(1) / shares.sum(1).clamp(min=1)


def scaling(vectors: Any) -> tuple[Any, Any] | None:
    """Mean and deviation [D] of vectors [N, D]; None where they point in different directions."""
    module = torch()
    if len(vectors) < 2:
        return None
    directions = module.nn.functional.normalize(vectors, dim=-1)
    total = directions.sum(0)
    n = len(vectors)
    cosine = float((total @ total - n) / (n * (n - 1)))
    if cosine < ANISOTROPIC:
        return None
    deviation = vectors.std(0)
    return vectors.mean(0), deviation.clamp(min=float(deviation.mean()) * 0.01 + 1e-12)
