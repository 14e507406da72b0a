"""The model card: README.md in an adapter's folder, as the model hub reads it.

https://huggingface.co/docs/hub/model-cards has the fields at the top of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.lora.model.encoders.base import MAX_TOKENS
from handlers.lora.model.encoders.called import SEED
from handlers.lora.model.encoders.minilm import MiniLM
from handlers.lora.model.encoders.own import OVER, ProjectEncoder
from handlers.lora.model.names import CARD, CONFIG, CURVE, HEAD, KNOWN, SCORECARD
from store.durable import write_file
from store.text import one_line

PUBLISHED = MiniLM.base
"""The one base that the hub has."""
UNSTATED = "unknown"
"""The hub's word for a licence that nobody has said."""
TRAINED = {
    "encoder": "encoder",
    "rank": "LoRA rank",
    "epochs": "epochs",
    "lr": "learning rate",
    "seed": "seed",
    "threads": "threads",
}


def write_card(folder: Path, license: str = UNSTATED) -> None:
    """Write README.md from the other files. Raises OSError."""
    write_file(folder / CARD, model_card(folder, license).encode())


def model_card(folder: Path, license: str = UNSTATED) -> str:
    """The card's text. `license`: the hub's name for it ("apache-2.0"); who trained it knows."""
    config, facts = read_json(folder / CONFIG), read_json(folder / HEAD).get("facts", {})
    base = base_of(folder)
    parts = [
        _fields(base, license),
        "# Action head: goals in words to robot actions\n",
        'A LoRA adapter made by cadenzad. It turns a goal ("walk two meters, then sit") into a plan'
        " of a robot's actions, by which of the taught goals it is nearest to.\n",
        _made(config, facts, base),
        _scores(read_json(folder / SCORECARD)),
        _loading(base, layers_of(folder)),
    ]
    if (folder / CURVE).is_file():
        parts.append(f"The loss of each epoch, and of what was held back, is in `{CURVE}`.\n")
    return "\n".join(part for part in parts if part)


def base_of(folder: Path) -> str:
    """The base that an adapter's config names; "" for one that is not of a published model."""
    named = read_json(folder / CONFIG).get("base_model_name_or_path")
    return named if isinstance(named, str) else ""


def layers_of(folder: Path) -> list[str]:
    """The layers of its base that an adapter is in; none where it is in one of ours over them."""
    named = read_json(folder / CONFIG).get("target_modules")
    layers = sorted(map(str, named)) if isinstance(named, list) else []
    return [] if tuple(layers) == OVER else layers


def read_json(path: Path) -> dict[str, Any]:
    """A file's JSON object; empty for one that is not there, or is none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _fields(base: str, license: str) -> str:
    lines = ["---", f"license: {json.dumps(license)}", "library_name: peft"]
    if base == PUBLISHED:
        lines.append(f"base_model: {json.dumps(base)}")
    return "\n".join([*lines, "tags:", "- lora", "- robotics", "---\n"])


def _made(config: Mapping[str, Any], facts: Mapping[str, Any], base: str) -> str:
    rows = [("base", base or "a layer of cadenzad's own over frozen sentence vectors")]
    rows += [(name, _cell(facts[key])) for key, name in TRAINED.items() if key in facts]
    targets = config.get("target_modules")
    if isinstance(targets, list):
        rows.append(("adapted layers", _cell(", ".join(map(str, sorted(targets))))))
    named = f"`{base}` and what it imports" if base == ProjectEncoder.base else "base"
    hashes = {"dataset_sha256": "training data and exam", "encoder_identity": named}
    rows += [(f"sha256 of {what}", f"`{facts[key]}`") for key, what in hashes.items()
             if _is_sha256(facts.get(key))]  # fmt: skip
    body = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"## How it was made\n\n| | |\n|---|---|\n{body}\n"


def _is_sha256(value: object) -> bool:
    """Whether it is one; the light encoder, say, is known by another name."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def _scores(card: Mapping[str, Any]) -> str:
    if not card:
        return "## Scorecard\n\nIt was not scored.\n"
    lines = [
        f"## Scorecard: {_cell(card.get('verdict', '?'))}\n",
        "| axis | value | 95% bounds | limit | n | result | |",
        "|---|---|---|---|---|---|---|",
        *_checks(card),
    ]
    return "\n".join(lines) + "\n"


def _checks(card: Mapping[str, Any]) -> Iterator[str]:
    for check in card.get("checks") or ():
        low, high = _number(check.get("lower")), _number(check.get("upper"))
        cells = [
            check.get("axis"), _number(check.get("value")), f"{low} to {high}",
            _number(check.get("threshold")), check.get("n"), check.get("result"),
            check.get("detail"),
        ]  # fmt: skip
        yield f"| {' | '.join(map(_cell, cells))} |"


def _loading(base: str, layers: Sequence[str]) -> str:
    """How to use it without cadenzad, as far as that goes. `layers`: those that it adapts."""
    with_plans = (
        "## Use\n\nWith the plans (`head.json`), as cadenzad does: `cadenza env lora decode`."
    )
    if base == PUBLISHED:
        lines = ["from peft import PeftModel", "from transformers import AutoModel", ""]
        made, of, then = f'AutoModel.from_pretrained("{base}")', "tokens' last hidden states", ""
    elif base == ProjectEncoder.base and layers:
        with_plans += f" The base is the project's own `{base}`, which is not in this folder."
        lines = ["from lora_encoder import build_encoder", "from peft import PeftModel",
                 "from torch import manual_seed", "",
                 f"manual_seed({SEED})  # where its weights are drawn by chance"]  # fmt: skip
        made, of = f"build_encoder({MAX_TOKENS}).eval()", "places"
        then = f"; where `{KNOWN}` has `mean` and `deviation`, its z-score by them"
    else:
        return f"{with_plans} The adapted layer is cadenzad's own, over frozen vectors.\n"
    lines += [
        f"base = {made}",
        'model = PeftModel.from_pretrained(base, "FOLDER_OF_THIS_FILE")',
    ]
    code = "\n".join(lines)
    return (
        f"{with_plans} The adapted base alone:\n\n```python\n{code}\n```\n\n"
        f"A goal's vector is the mean over its {of}, padding left out{then}.\n"
    )


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "-"


def _cell(value: object) -> str:
    """A value that stays inside of a table's cell, whatever stands in it."""
    return one_line(str(value)).replace("|", "\\|").replace("<", "&lt;")
