"""LoRA in an encoder's own layers, with PEFT: put in, saved, loaded.

What is saved is what PEFT saves, in half precision; training goes on from exactly what was saved,
so that whoever loads the adapter (`PeftModel.from_pretrained(base, folder)`) has the same weights.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handlers.lora.model.encoders.base import Encoder, torch
from handlers.lora.model.names import CONFIG
from store.errors import MissingExtraError

DROPOUT = 0.05


def base_sha256(encoder_identity: str, width: int) -> str:
    """What an adapter was made for."""
    return hashlib.sha256(f"{encoder_identity}:layers:{width}".encode()).hexdigest()


def attach(encoder: Encoder, rank: int, seed: int) -> Any:
    """Put a fresh LoRA adapter into the encoder; the PeftModel, which changes nothing yet.

    Everything else is frozen. `alpha` is twice the rank.
    """
    peft = import_peft()
    torch().manual_seed(seed)
    config = peft.LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=DROPOUT,
        target_modules=list(encoder.targets),
        bias="none",
    )
    with quiet():
        return peft.get_peft_model(encoder.module, config).eval()


def detach(encoder: Encoder, adapted: Any) -> None:
    """Take the adapter out again: the encoder is as it was."""
    with torch().no_grad():
        for weight in trained(adapted):
            weight.zero_()
    # `unload` would show a progress bar; of nothing, merging leaves every weight as it is
    encoder.module = adapted.merge_and_unload(progressbar=False)


def load(encoder: Encoder, folder: Path) -> None:
    """Put a saved adapter into the encoder, merged into its weights: decoding pays nothing."""
    with quiet():
        adapted = import_peft().PeftModel.from_pretrained(encoder.module, str(folder)).eval()
    adapted.merge_adapter()


def targets_of(folder: Path) -> tuple[str, ...]:
    """The layers that a saved adapter is in, as its config names them."""
    return tuple(json.loads((folder / CONFIG).read_bytes())["target_modules"])


def round_weights(adapted: Any) -> None:
    """Make the weights what `save` keeps of them."""
    with torch().no_grad():
        for weight in trained(adapted):
            weight.copy_(weight.half())


def save(adapted: Any, encoder: Encoder, folder: Path) -> None:
    """Write adapter_config.json and adapter_model.safetensors, the same bytes every time."""
    adapted.peft_config["default"].base_model_name_or_path = encoder.base
    halves = {name: w.half() for name, w in adapted.state_dict().items() if "lora_" in name}
    adapted.save_pretrained(
        str(folder), safe_serialization=True, state_dict=halves, save_embedding_layers=False
    )
    (folder / "README.md").unlink(missing_ok=True)  # a template about nothing
    config = json.loads((folder / CONFIG).read_bytes())
    config["target_modules"] = sorted(config["target_modules"])  # a set to PEFT
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")


def trained(adapted: Any) -> list[Any]:
    """The weights that training changes."""
    return [weight for weight in adapted.parameters() if weight.requires_grad]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warning of transformers that peft asks by an old name: nobody can help it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        yield


def import_peft() -> Any:
    """peft, without a thread for progress bars. Raises MissingExtraError."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # else peft's bars, hidden as they are, leave a thread behind
    try:
        import peft
    except ImportError:
        raise MissingExtraError(
            "the action head needs peft", hint="pip install 'cadenzad[lora]'"
        ) from None
    return peft
