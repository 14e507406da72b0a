"""An adapter's files: PEFT's own two, and what is needed besides to use them again.

adapter_config.json, adapter_model.safetensors    what PeftModel.from_pretrained loads
head.json                                         encoder, base, plans, gates, how it was trained
known.safetensors                                 the vectors of what is known, adapted and plain
training.csv                                      the rehearsal's loss and validation by epoch

head.json holds the hashes of the others and one over the rest of itself. Hashes show damage, not
intent, so what it says is checked as well before anything is made of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from stat import S_ISREG
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from handlers.goals.words.units import Kind
from handlers.lora.model.learning.fit import Epoch
from handlers.lora.model.learning.gate import Gate
from handlers.lora.model.lexicon import PARAMETER, Action, Entry, Slot
from handlers.lora.model.names import CONFIG, CURVE, HEAD, KNOWN, NEEDED, WEIGHTS, file_sha256
from handlers.lora.model.text import Quantity, Text
from store.errors import InputError

FORMAT = 6
_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
_AGAIN = "train it again: cadenza env lora finetune PROJECT"

Hash = Annotated[str, Field(pattern="^[0-9a-f]{0,64}$")]
Count = Annotated[int, Field(ge=1, le=100_000)]


@dataclass(frozen=True, config=_STRICT)
class Facts:
    """What must fit for an adapter to be used, and how it came about.

    `sample` is what its encoder made of a few fixed words; `inputs_sha256` covers all that it was
    trained from, the data (`dataset_sha256`) and everything else. `base`: the encoder's name, as
    in adapter_config.json. `untrained`: the gate of the same decoder without the adapter, which is
    what it is compared with. `epochs` that were trained.
    """

    encoder: Annotated[str, Field(pattern="^(minilm|light|project)$")]
    encoder_identity: Annotated[str, Field(max_length=200)]
    base: Annotated[str, Field(max_length=200)]
    width: Count
    base_sha256: Hash
    repeats: bool
    images: bool
    gate: Gate
    untrained: Gate
    sample: list[float]
    rank: Count
    epochs: Annotated[int, Field(ge=0, le=100_000)]
    lr: Annotated[float, Field(gt=0)]
    seed: Annotated[int, Field(ge=-(2**63), lt=2**64)]
    threads: Annotated[int, Field(ge=1, le=1024)]
    dataset_sha256: Hash
    library_sha256: Hash
    inputs_sha256: Hash


class _SlotShape(BaseModel):
    model_config = _STRICT

    slot: Annotated[int, Field(ge=0)]


class _EntryShape(BaseModel):
    """An entry as it is stored: words and quantities of its text, and its plan."""

    model_config = _STRICT

    words: Annotated[str, Field(min_length=1)]
    quantities: list[tuple[Kind, float]]
    deduced: bool
    goal: str
    image: bool
    plan: list[tuple[str, dict[str, float | _SlotShape]]]

    def entry(self) -> Entry:
        """Raises ValueError when its parts do not fit together."""
        quantities = tuple(Quantity(kind, value) for kind, value in self.quantities)
        words = tuple(self.words.split(" "))
        if [word[1:] for word in words if word.startswith("#")] != [q.kind for q in quantities]:
            raise ValueError("words and quantities differ")
        plan = tuple(Action(name, tuple(_given(values))) for name, values in self.plan)
        return Entry(Text(words, quantities), plan, self.deduced, self.goal, self.image)


def _given(values: dict[str, float | _SlotShape]) -> Iterator[tuple[str, float | Slot]]:
    for name, value in values.items():
        if not isinstance(value, _SlotShape):
            yield name, value
        elif name in PARAMETER:
            yield name, Slot(value.slot)
        else:
            raise ValueError(f"no goal says {name}")


class _HeadShape(BaseModel):
    model_config = _STRICT

    format: int
    facts: Facts
    hashes: dict[
        Literal["adapter_config.json", "adapter_model.safetensors", "known.safetensors"], Hash
    ]
    entries: list[_EntryShape]
    sha256: Hash


def write_head(folder: Path, entries: Sequence[Entry], facts: Facts) -> None:
    """Write head.json; what else belongs to the adapter is in the folder already."""
    names = [name for name in (CONFIG, WEIGHTS, KNOWN) if (folder / name).is_file()]
    shape = {
        "format": FORMAT,
        "facts": asdict(facts),
        "hashes": {name: file_sha256(folder / name) for name in names},
        "entries": [_entry(entry) for entry in entries],
    }
    text = json.dumps({**shape, "sha256": seal(shape)}, separators=(",", ":"), ensure_ascii=False)
    (folder / HEAD).write_text(text + "\n", encoding="utf-8")


def seal(shape: Mapping[str, Any]) -> str:
    """The hash that head.json holds over the rest of itself."""
    rest = {name: value for name, value in shape.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def save_known(folder: Path, trained: Any, plain: Any, state: Mapping[str, Any]) -> None:
    """Keep the vectors [N, width] of what is known, with the adapter and without it, in half
    precision, and the encoder's state.
    """
    from safetensors.torch import save_file

    kept = {"trained": trained.half(), "plain": plain.half(), **state}
    save_file({name: part.contiguous() for name, part in kept.items()}, str(folder / KNOWN))


def load_known(folder: Path, trained: bool = True) -> tuple[Any, dict[str, Any]]:
    """The vectors [N, width], float32, with the adapter or without it, and the encoder's state.

    Raises InputError when they are missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        kept = load_file(str(folder / KNOWN))
        both = {name: kept.pop(name).float() for name in ("trained", "plain")}
    except (OSError, SafetensorError, KeyError):
        raise InputError(f"{folder / KNOWN}: is missing or damaged", hint=_AGAIN) from None
    return both["trained" if trained else "plain"], kept


def write_curve(folder: Path, curve: Sequence[Epoch]) -> None:
    """Write training.csv: epoch, loss, validation; no lines where nothing was held back."""
    lines = ["epoch,loss,validation"]
    for number, epoch in enumerate(curve, 1):
        seen = "" if epoch.validation is None else f"{epoch.validation:.6f}"
        lines.append(f"{number},{epoch.loss:.6f},{seen}")
    (folder / CURVE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_head(folder: Path) -> tuple[Facts, list[Entry]]:
    """Raises InputError when a file is missing, damaged, or not the one it was saved with."""
    if folder.is_symlink():
        raise InputError(f"{folder}: is a symlink, not an adapter's own folder")
    for name in NEEDED:
        _expect_own(folder / name)
    head = folder / HEAD
    try:
        data = head.read_bytes()
        raw = json.loads(data)
        version = raw["format"]
        if version != FORMAT:
            raise InputError(f"{head}: has format {version!s:.20}, not {FORMAT}", hint=_AGAIN)
        if raw["sha256"] != seal(raw):
            raise ValueError("other bytes than were written")
        shape = _HeadShape.model_validate_json(data)
        entries = [item.entry() for item in shape.entries]
    except OSError as error:
        raise InputError(f"{head}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{head}: is damaged: {where}: {first['msg']}", hint=_AGAIN) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{head}: is damaged", hint=_AGAIN) from None
    hashes: dict[str, str] = {str(name): sha256 for name, sha256 in shape.hashes.items()}
    for name in {CONFIG, WEIGHTS, KNOWN, *hashes}:
        _expect_own(folder / name)
        if file_sha256(folder / name) != hashes.get(name):
            raise InputError(f"{folder / name}: is not the file that was trained", hint=_AGAIN)
    return shape.facts, entries


def _expect_own(path: Path) -> None:
    """Raises InputError unless it is a plain file: a symlink leads who knows where."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        raise InputError(
            f"{path.parent}: is no adapter: {path.name} is missing", hint=_AGAIN
        ) from None
    if not S_ISREG(mode):
        raise InputError(f"{path}: is not a plain file", hint=_AGAIN)


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "words": " ".join(entry.text.words),
        "quantities": [[quantity.kind, quantity.value] for quantity in entry.text.quantities],
        "deduced": entry.deduced,
        "goal": entry.goal,
        "image": entry.image,
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
