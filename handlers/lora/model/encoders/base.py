"""What an encoder is: a module that LoRA can adapt, and how goals go into it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from store.errors import InputError, MissingExtraError

MAX_TOKENS = 96


class Encoder(ABC):
    """Goals -> unit vectors. LoRA is put into `module`'s layers named by `targets`, in place.

    `identity` says which weights it is: an adapter fits one encoder only. `base` is what an
    adapter's config calls it. `dictionary`: words it knows to be words; None when it knows none.
    `chunk`: inputs that fit a backward pass at once; `epochs` and `lr` are what it is trained with
    unless somebody says otherwise.
    """

    name: str
    identity: str
    base: str
    width: int
    module: Any
    targets: Sequence[str]
    dictionary: Collection[str] | None = None
    chunk: int = 1024
    device: str = "cpu"
    epochs: int = 12
    lr: float = 1e-3

    @abstractmethod
    def inputs(
        self, texts: Sequence[str], images: Sequence[Path | None] | None = None
    ) -> list[Any]:
        """What `forward` takes of each text, made once: tokens, features."""

    @abstractmethod
    def forward(self, inputs: Sequence[Any]) -> Any:
        """[len(inputs), width] float32 unit vectors, with a gradient. What stands beside an input
        does not change its vector.
        """

    def settle(self, inputs: Sequence[Any]) -> None:  # noqa: B027 - most have nothing to measure
        """Measure on goals it is to tell apart whatever must be known before training."""

    def state(self) -> dict[str, Any]:
        """The tensors that `settle` measured, to be kept with the adapter."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Take back what `state` gave."""

    def encode(self, texts: Sequence[str], images: Sequence[Path | None] | None = None) -> Any:
        """A float32 tensor [len(texts), width] of unit vectors, without a gradient."""
        with torch().no_grad():
            return self.forward(self.inputs(texts, images)).cpu()


def torch() -> Any:
    """PyTorch, on one thread unless somebody chose otherwise. Raises MissingExtraError."""
    try:
        import torch as module
    except ImportError:
        raise MissingExtraError(
            "the action head needs torch and peft", hint="pip install 'cadenzad[lora]'"
        ) from None
    return module


def refuse_images(name: str, images: Sequence[Path | None] | None) -> None:
    """Raises InputError for an encoder of text that is given an image."""
    if images and any(image is not None for image in images):
        raise InputError(
            f"the {name} encoder reads text only, and an example has an image",
            hint="a project's own lora_encoder.py can read images",
        )


def unit(vectors: Any) -> Any:
    return torch().nn.functional.normalize(vectors, dim=-1)
