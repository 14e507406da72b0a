"""A whole adapter on disk, as small as can be, for tests that train none."""

from __future__ import annotations

from pathlib import Path

from handlers.lora.model.files import Facts, write_head
from handlers.lora.model.learning.gate import Gate
from handlers.lora.model.lexicon import Action, Entry, Slot
from handlers.lora.model.names import KNOWN, WEIGHTS
from handlers.lora.model.text import read

FACTS = Facts(
    encoder="light",
    encoder_identity="light-1",
    base="light",
    width=2,
    base_sha256="a" * 64,
    repeats=True,
    images=False,
    gate=Gate(0.25, [0.5, -1.0], [(0.5, 0.9)]),
    untrained=Gate(0.5, [], []),
    sample=[0.5],
    rank=2,
    epochs=2,
    lr=0.25,
    seed=0,
    threads=1,
    dataset_sha256="",
    library_sha256="b" * 64,
    inputs_sha256="c" * 64,
)
ENTRIES = [
    Entry(read("walk 2 m"), (Action("walk_forward", (("distance_m", Slot(0)), ("speed", 1.5))),)),
    Entry(read("ruhe «dich» aus"), (Action("sit"), Action("stand")), deduced=True),
]


def fill(folder: Path) -> None:
    """Make an empty folder an adapter."""
    (folder / "adapter_config.json").write_text("{}")
    (folder / WEIGHTS).write_bytes(b"weights")
    (folder / KNOWN).write_bytes(b"vectors")
    write_head(folder, ENTRIES, FACTS)
