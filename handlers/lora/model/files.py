"""An adapter's files: PEFT's own two, and head.json with all that is needed to use them again.

adapter_config.json, adapter_model.safetensors    what PeftModel.from_pretrained loads
head.json                                         encoder, base, plans, gate, how it was trained
known.safetensors                                 with images only: the vectors of what is known
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handlers.lora.model.lexicon import Action, Entry, Slot
from handlers.lora.model.text import Quantity, Text
from store.errors import InputError

HEAD = "head.json"
SCORECARD = "scorecard.json"
KNOWN = "known.safetensors"
FORMAT = 3
WEIGHTS = "adapter_model.safetensors"
NEEDED = ("adapter_config.json", WEIGHTS, HEAD)


@dataclass(frozen=True)
class Facts:
    """What must fit for an adapter to be used, and how it came about."""

    encoder: str
    encoder_identity: str
    width: int
    base_sha256: str
    repeats: bool
    images: bool
    familiar: float
    probe: list[float]
    rank: int
    epochs: int
    lr: float
    seed: int
    threads: int
    dataset_sha256: str
    library_sha256: str


def write_head(folder: Path, entries: Sequence[Entry], facts: Facts) -> None:
    shape = {
        "format": FORMAT,
        "facts": asdict(facts),
        "weights_sha256": _sha256(folder / WEIGHTS),
        "entries": [_entry(entry) for entry in entries],
    }
    text = json.dumps(shape, separators=(",", ":"), ensure_ascii=False)
    (folder / HEAD).write_text(text + "\n", encoding="utf-8")


def save_known(folder: Path, vectors: Any) -> None:
    """Keep the vectors [N, width] of what is known: those of images cannot be made again."""
    from safetensors.torch import save_file

    save_file({"known": vectors.contiguous()}, str(folder / KNOWN))


def load_known(folder: Path) -> Any:
    """The vectors [N, width]. Raises InputError when they are missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(folder / KNOWN))["known"]
    except (OSError, SafetensorError, KeyError):
        raise InputError(f"{folder / KNOWN}: is missing or damaged", hint=_AGAIN) from None


def read_head(folder: Path) -> tuple[Facts, list[Entry]]:
    """Raises InputError when a file is missing, damaged, or not the one it was saved with."""
    for name in NEEDED:
        if not (folder / name).is_file():
            raise InputError(f"{folder}: is no adapter: {name} is missing", hint=_AGAIN)
    try:
        shape = json.loads((folder / HEAD).read_bytes())
        facts = Facts(**shape["facts"])
        entries = [_read(item) for item in shape["entries"]]
        weights = shape["weights_sha256"]
        version = shape["format"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise InputError(f"{folder / HEAD}: is damaged", hint=_AGAIN) from None
    if version != FORMAT:
        raise InputError(f"{folder / HEAD}: has format {version}, not {FORMAT}", hint=_AGAIN)
    if _sha256(folder / WEIGHTS) != weights:
        raise InputError(f"{folder / WEIGHTS}: is not the file that was trained", hint=_AGAIN)
    return facts, entries


_AGAIN = "train it again: cadenza env lora finetune PROJECT"


def folder_sha256(folder: Path) -> str:
    """A hash over the names and bytes of an adapter's files, without what was measured on it."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != SCORECARD:
            digest.update(f"{path.name}\0{_sha256(path)}\n".encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "words": " ".join(entry.text.words),
        "quantities": [[quantity.kind, quantity.value] for quantity in entry.text.quantities],
        "deduced": entry.deduced,
        "goal": entry.goal,
        "plan": [
            [
                action.name,
                {
                    name: {"slot": value.index} if isinstance(value, Slot) else value
                    for name, value in action.parameters
                },
            ]
            for action in entry.plan
        ],
    }


def _read(item: dict[str, Any]) -> Entry:
    text = Text(
        tuple(item["words"].split(" ")),
        tuple(Quantity(kind, float(value)) for kind, value in item["quantities"]),
    )
    plan = tuple(
        Action(
            name,
            tuple(
                (key, Slot(value["slot"]) if isinstance(value, dict) else float(value))
                for key, value in parameters.items()
            ),
        )
        for name, parameters in item["plan"]
    )
    return Entry(text, plan, bool(item["deduced"]), str(item["goal"]))
