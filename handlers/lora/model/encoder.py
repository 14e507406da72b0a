"""Which encoder there is, and whether it is the one an adapter was made for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from handlers.lora.model.encoders.base import Encoder, torch
from handlers.lora.model.encoders.light import LightEncoder
from handlers.lora.model.encoders.minilm import (
    MINILM_INSTALL,
    MINILM_SHA256,
    MINILM_VARIABLE,
    MiniLM,
    minilm_folder,
)
from handlers.lora.model.encoders.own import ProjectEncoder
from handlers.project.code import ImportedCode
from store.errors import InputError

SAMPLED = ("walk forward some meters", "sit down", "turn to the left")
SAMPLES = 8
ALIKE = 2e-3
"""How far numbers of a sample may be apart: other libraries round a little differently."""


STEADY = (
    "build_encoder must give the same weights and tokens every time: no chance, no clock, and a"
    " tokenizer that was trained once is loaded from its file"
)


def find_encoder(
    wanted: str = "auto",
    project_encoder: ImportedCode | Path | None = None,
    device: str = "auto",
    targets: Sequence[str] = (),
    *,
    tried: bool = False,
) -> Encoder:
    """The encoder to train with. `project_encoder`: a trusted lora_encoder.py, which comes first;
    `targets`: names of its layers for LoRA, () for what it says itself; `tried`: they are those of
    an adapter that was trained with it.

    Raises InputError when the one that is wanted cannot be used, and says why.
    """
    place = device_named(device)
    if project_encoder is not None:
        return ProjectEncoder(project_encoder, place, targets, tried=tried)
    folder = None if wanted == "light" else minilm_folder()
    if folder is not None:
        return MiniLM(folder, place)
    if wanted == "minilm":
        raise InputError(
            "all-MiniLM-L6-v2 is not installed",
            hint=f"{MINILM_INSTALL}, or set {MINILM_VARIABLE} to its folder",
        )
    return LightEncoder()


def device_named(wanted: str) -> str:
    """Where to compute: "auto" is CUDA where there is one. Raises InputError for one not there."""
    has_cuda = bool(torch().cuda.is_available())
    if wanted == "cuda" and not has_cuda:
        raise InputError(
            'lora.device is "cuda", and PyTorch finds none here', hint='device = "auto"'
        )
    return "cuda" if has_cuda and wanted != "cpu" else "cpu"


def wanted_identity(wanted: str, project_encoder: ImportedCode | None) -> str:
    """Which weights `find_encoder` would give, without loading any."""
    if project_encoder is not None:
        return project_encoder.sha256
    light = wanted == "light" or minilm_folder() is None
    return LightEncoder.identity if light else MINILM_SHA256


def sample(encoder: Encoder) -> list[float]:
    """What an encoder makes of a few fixed words, in few numbers: to know it again by.

    Each vector's products with some fixed waves, so that all of its numbers count.
    """
    module = torch()
    vectors = encoder.encode(SAMPLED)
    places = module.arange(encoder.width)[:, None] * module.arange(1, SAMPLES + 1)
    return [round(float(value), 4) for value in (vectors @ places.cos().to(vectors)).flatten()]


def is_sample(encoder: Encoder, known: Sequence[float]) -> bool:
    """Whether an encoder gives the vectors that a sample is of."""
    now = sample(encoder)
    pairs = zip(now, known, strict=False)
    return len(now) == len(known) and all(abs(a - b) <= ALIKE for a, b in pairs)


def expect_sample(encoder: Encoder, known: Sequence[float]) -> None:
    """Raises InputError when an encoder gives other vectors than it did. `known`: its sample."""
    if not known or is_sample(encoder, known):
        return
    own = encoder.name == "project"
    name = "lora_encoder.py" if own else f"the {encoder.name} encoder"
    again = "train it again: cadenza env lora finetune PROJECT"
    raise InputError(
        f"{name} gives other vectors than when it was trained with",
        hint=f"has it other weights now, {again}; else {STEADY}" if own else again,
    )
