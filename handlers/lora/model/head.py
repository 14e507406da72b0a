"""The trained part: a projection of the encoder's vectors, adapted with LoRA.

The base is the identity, so an adapter that was never trained gives what the encoder says. Training
pulls phrases of one plan together and pushes those of others apart (supervised contrastive loss).
"""

from __future__ import annotations

import hashlib
from typing import Any

from handlers.lora.model.encoder import torch
from store.errors import MissingExtraError

SCALE = 20.0
"""Inverse temperature of similarities, in training and in the softmax over plans."""


def base_head(width: int) -> Any:
    """An nn.Module: [B, width] unit vectors -> [B, width] unit vectors."""
    module = torch()

    class Head(module.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.project = module.nn.Linear(width, width, bias=False)
            with module.no_grad():
                self.project.weight.copy_(module.eye(width))

        def forward(self, vectors: Any) -> Any:
            return module.nn.functional.normalize(self.project(vectors), dim=-1)

    return Head()


def base_sha256(encoder_identity: str, width: int) -> str:
    """What an adapter was made for: the encoder and the base head."""
    return hashlib.sha256(f"{encoder_identity}:identity:{width}".encode()).hexdigest()


def with_lora(head: Any, rank: int, seed: int) -> Any:
    """The head with a fresh LoRA adapter, which is all that is trained."""
    module = torch()
    peft = import_peft()
    module.manual_seed(seed)
    config = peft.LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=["project"], bias="none"
    )
    return peft.get_peft_model(head, config)


def load_lora(head: Any, folder: str) -> Any:
    """The head with a saved adapter."""
    return import_peft().PeftModel.from_pretrained(head, folder).eval()


def import_peft() -> Any:
    try:
        import peft
    except ImportError:
        raise MissingExtraError(
            "the action head needs peft", hint="pip install 'cadenzad[lora]'"
        ) from None
    return peft


def contrastive_loss(vectors: Any, anchors: Any, same: Any, not_self: Any) -> Any:
    """Supervised contrastive loss of `vectors` [N, D] against `anchors` [N, D].

    `same` [N, N] marks pairs of one plan, `not_self` leaves out each row's own vector; rows that
    are alone with their plan only push others away.
    """
    module = torch()
    scores = (vectors @ anchors.T) * SCALE
    scores = scores.masked_fill(~not_self, float("-inf"))
    total = module.logsumexp(scores, dim=1)
    own = module.logsumexp(scores.masked_fill(~(same & not_self), float("-inf")), dim=1)
    has_other = (same & not_self).any(1)
    return (total - own)[has_other].mean() if bool(has_other.any()) else (scores * 0).nansum()
