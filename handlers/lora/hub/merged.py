"""Base and adapter as one model, for whoever has no PEFT where it is to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from handlers.lora.hub.card import PUBLISHED, UNSTATED, base_of
from handlers.lora.model.encoders.minilm import minilm_folder, quiet_transformers
from handlers.lora.model.lora import quiet
from handlers.lora.model.names import CARD
from store.errors import InputError, MissingExtraError

_CARD = f"""---
license: {UNSTATED}
library_name: transformers
base_model: {PUBLISHED}
base_model_relation: merge
tags:
- robotics
---

# {PUBLISHED.rpartition("/")[2]}, adapted to a robot's goals

A LoRA adapter of cadenzad merged into its base. A goal's vector is the mean over its tokens' last
hidden states, padding left out:

```python
from transformers import AutoModel, AutoTokenizer

tokens = AutoTokenizer.from_pretrained("FOLDER_OF_THIS_FILE")("sit down", return_tensors="pt")
model = AutoModel.from_pretrained("FOLDER_OF_THIS_FILE")
vector = model(**tokens).last_hidden_state.mean(1)
```
"""


def export_merged(version: Path, out: Path) -> None:
    """Write the merged model into `out`, an empty folder: config, weights, tokenizer, README.md.

    `AutoModel.from_pretrained(out)` then gives what PEFT's model of base and adapter gives. Raises
    InputError for an adapter that is not of a published base, MissingExtraError without peft.
    """
    base, folder = base_of(version), minilm_folder()
    if base != PUBLISHED:
        own = f"is of {base!r}" if base else "names no published base"
        raise InputError(
            f"{version}: cannot be merged: it {own}",
            hint=f"adapters of {PUBLISHED} can; README.md there says how PEFT loads this one",
        )
    if folder is None:
        raise InputError(f"{base} is not installed", hint="docs/lora.md says how to install it")
    model, tokenizer = _loaded(folder, version)
    model.save_pretrained(str(out), safe_serialization=True)
    tokenizer.save_pretrained(str(out))
    (out / CARD).write_text(_CARD, encoding="utf-8")
    for weights in out.glob("*.safetensors"):  # which are written for their owner alone
        weights.chmod((out / CARD).stat().st_mode)


def _loaded(folder: Path, version: Path) -> tuple[Any, Any]:
    try:
        from huggingface_hub import utils as hub
        from peft import PeftModel
        from transformers import AutoModel, AutoTokenizer
    except ImportError:
        raise MissingExtraError(
            "a merged export needs peft and transformers", hint="pip install 'cadenzad[lora]'"
        ) from None
    quiet_transformers()
    untyped: Any = hub
    untyped.disable_progress_bars()
    base = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    with quiet():
        adapted = PeftModel.from_pretrained(base, str(version))
    return adapted.merge_and_unload(), AutoTokenizer.from_pretrained(folder, local_files_only=True)
