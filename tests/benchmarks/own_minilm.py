"""all-MiniLM-L6-v2 as a project's own encoder: what the contract costs, against the built-in one.

bench_lora.py tests/benchmarks/own_minilm.py 1 phrasings
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from handlers.lora.model.encoders.minilm import minilm_folder

FOLDER = minilm_folder()


class Encoder(torch.nn.Module):
    hidden_dim = 384
    lora_targets = ("query", "key", "value", "dense")

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length
        self.tokens = AutoTokenizer.from_pretrained(FOLDER)
        self.bert = AutoModel.from_pretrained(FOLDER)

    def forward(self, text: list[str], images: None = None) -> tuple[Any, Any]:
        taken = self.tokens(
            text, padding=True, truncation=True, max_length=self.length, return_tensors="pt"
        )
        return self.bert(**taken).last_hidden_state, taken["attention_mask"]


def build_encoder(max_seq_len: int) -> Encoder:
    return Encoder(max_seq_len)
