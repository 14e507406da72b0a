"""A project's own encoder: `build_encoder(max_seq_len)` in its lora_encoder.py gives a module.

    hidden_dim                     the width of its vectors
    forward(text, images=None)     [B, T, hidden_dim], or a tuple that ends in a mask [B, T]
    attention_mask                 instead of the tuple: the mask [B, T] of the last forward
    lora_targets                   names of the layers LoRA goes into; else all its Linear layers

Without a mask each text is first read alone: that shows how long it is and what of it is padding.
LoRA goes onto the frozen vectors where the module has no Linear layer that its vectors hang on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from handlers.lora.model.encoders.base import MAX_TOKENS, Encoder, torch, unit
from handlers.lora.model.encoders.imports import Covered
from handlers.lora.model.encoders.light import PROJECTION, projection
from handlers.lora.model.encoders.pooling import padding_found, pooled, scaling
from handlers.project.code import ImportedCode, imported_code
from store.errors import InputError

SEED = 0
TOGETHER = 32
"""Goals that the module reads at once."""
TRIED = ("walk forward some meters", "sit down")


class _Read(NamedTuple):
    """A goal, as it goes into the module. `keep`: which of its places are no padding, a tuple of
    bool; None where the module says so itself.
    """

    text: str
    image: Path | None
    keep: tuple[bool, ...] | None


class ProjectEncoder(Encoder):
    """The caller has checked that the code is trusted. Random weights are drawn from a fixed seed:
    an adapter fits one set of them.
    """

    name = "project"
    base = "lora_encoder.py"
    chunk = TOGETHER

    def __init__(self, project: ImportedCode | Path, device: str = "cpu") -> None:
        code = imported_code(project.parent, project) if isinstance(project, Path) else project
        self._path, self.device = code.path, device
        self.identity = code.sha256
        self._scaling: tuple[Any, Any] | None = None
        self._encoder = self._built(code)
        self._encoder.eval().to(device)
        self._has_masks: bool | None = None
        self.targets = self._layers()
        self.is_adaptable = bool(self.targets)
        """Whether LoRA goes into its own layers."""
        self.module = self._encoder
        if not self.is_adaptable:
            self.module, self.targets = projection(self.width).to(device), ("project",)
            self.epochs, self.lr = PROJECTION

    def inputs(
        self, texts: Sequence[str], images: Sequence[Path | None] | None = None
    ) -> list[Any]:
        """Raises InputError when the module fails or gives something else than it should."""
        shown = images or [None] * len(texts)
        rows = [self._read(text, image) for text, image in zip(texts, shown, strict=True)]
        if self.is_adaptable:
            return rows
        with torch().no_grad():
            return list(self._vectors(rows)) if rows else []

    def forward(self, inputs: Sequence[Any]) -> Any:
        vectors = self._vectors(inputs) if self.is_adaptable else torch().stack(list(inputs))
        if self._scaling is not None:
            mean, deviation = (part.to(vectors) for part in self._scaling)
            vectors = (vectors - mean) / deviation
        return unit(vectors if self.is_adaptable else self.module(vectors))

    def settle(self, inputs: Sequence[Any]) -> None:
        with torch().no_grad():
            vectors = self._vectors(inputs) if self.is_adaptable else torch().stack(list(inputs))
        self._scaling = scaling(vectors.cpu())

    def state(self) -> dict[str, Any]:
        names = ("mean", "deviation")
        return dict(zip(names, self._scaling, strict=True)) if self._scaling else {}

    def restore(self, state: dict[str, Any]) -> None:
        self._scaling = (state["mean"], state["deviation"]) if "mean" in state else None

    # -- the module --------------------------------------------------------------------------------

    def _built(self, code: ImportedCode) -> Any:
        """What build_encoder gives, which is somebody else's code and may even exit."""
        module = torch()
        Covered(code).install()
        here = ModuleType("lora_encoder")
        here.__file__ = str(code.path)
        sys.modules["lora_encoder"] = here  # dataclasses look their module up
        module.manual_seed(SEED)
        module.backends.mha.set_fastpath_enabled(False)  # it goes past what LoRA put in
        try:
            exec(compile(code.source, str(code.path), "exec"), here.__dict__)
            built = here.__dict__["build_encoder"](MAX_TOKENS)
            self.width = int(built.hidden_dim)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - see above
            raise self._wrong(f"build_encoder failed: {type(error).__name__}: {error}") from None
        if not isinstance(built, module.nn.Module):
            raise self._wrong("build_encoder gave no torch.nn.Module")
        return built

    def _layers(self) -> tuple[str, ...]:
        """The layers for LoRA; none where the vectors do not hang on them by a gradient."""
        nn = torch().nn
        # of an attention of torch's own its inner layer is read past: LoRA there would do nothing
        inner = {
            m.out_proj for m in self._encoder.modules() if isinstance(m, nn.MultiheadAttention)
        }
        layers = {
            name: part
            for name, part in self._encoder.named_modules()
            if isinstance(part, nn.Linear) and name and part not in inner
        }
        named = getattr(self._encoder, "lora_targets", None)
        if named is not None:
            wanted = tuple(named)
            found = [n for n in layers if any(n == w or n.endswith(f".{w}") for w in wanted)]
            if not found:
                raise self._wrong(
                    f"lora_targets names no Linear layer: {', '.join(map(str, wanted))}"
                    f" (it has {', '.join(list(layers)[:6]) or 'none'})"
                )
            layers = {name: layers[name] for name in found}
        return tuple(layers) if layers and self._has_gradient(list(layers.values())) else ()

    def _has_gradient(self, layers: Sequence[Any]) -> bool:
        weights = [layer.weight for layer in layers]
        before = [weight.requires_grad for weight in weights]
        if not all(weight.is_floating_point() for weight in weights):
            return False
        try:
            for weight in weights:
                weight.requires_grad_(True)
            hidden, _ = self._run(list(TRIED[:1]), None)
            return bool(hidden.requires_grad)
        except InputError:
            return False  # one that needs an image says so when it is asked
        finally:
            for weight, was in zip(weights, before, strict=True):
                weight.requires_grad_(was)

    def _read(self, text: str, image: Path | None) -> _Read:
        if self._has_masks:
            return _Read(text, image, None)
        with torch().no_grad():
            hidden, mask = self._run([text], None if image is None else [image])
        self._has_masks = mask is not None
        keep = None if mask is not None else tuple(padding_found(hidden[0]).tolist())
        return _Read(text, image, keep)

    def _vectors(self, rows: Sequence[_Read]) -> Any:
        """[len(rows), width] float32, not yet of unit length."""
        module = torch()
        parts, places = [], []
        for indices in _alike(rows):
            some = [rows[index] for index in indices]
            images = [row.image for row in some if row.image is not None]
            hidden, mask = self._run([row.text for row in some], images or None)
            if mask is None:
                mask = module.tensor([row.keep for row in some], device=hidden.device)
            parts.append(pooled(hidden.float(), mask))
            places += indices
        back = module.empty(len(rows), dtype=module.long)
        back[module.tensor(places)] = module.arange(len(rows))
        return module.cat(parts)[back.to(parts[0].device)]

    def _run(self, texts: list[str], images: list[Path] | None) -> tuple[Any, Any]:
        """What forward gives, [B, T, width], and its mask [B, T] or None."""
        module = torch()
        try:
            out = self._encoder(texts, images=images)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - see _built
            raise self._wrong(f"forward failed: {type(error).__name__}: {error}") from None
        hidden = out[0] if isinstance(out, tuple) and out else out
        mask = out[-1] if isinstance(out, tuple) and len(out) > 1 else None
        if mask is None:
            mask = getattr(self._encoder, "attention_mask", None)
        shape = tuple(getattr(hidden, "shape", ()))
        if len(shape) != 3 or shape[0] != len(texts) or shape[2] != self.width or not shape[1]:
            raise self._wrong(
                f"forward gave {list(shape) or type(hidden).__name__},"
                f" not [{len(texts)}, T, {self.width}]"
            )
        if not bool(module.isfinite(hidden).all()):
            raise self._wrong("forward gave numbers that are not finite")
        if mask is not None:
            mask = self._checked(mask, shape)
        return hidden, mask

    def _checked(self, mask: Any, shape: tuple[int, ...]) -> Any:
        module = torch()
        if not isinstance(mask, module.Tensor) or tuple(mask.shape) != shape[:2]:
            got = list(getattr(mask, "shape", ())) or type(mask).__name__
            raise self._wrong(f"the attention mask is {got}, not {list(shape[:2])}")
        mask = mask != 0
        if not bool(mask.any(1).all()):
            raise self._wrong("the attention mask leaves nothing of a goal")
        return mask

    def _wrong(self, what: str) -> InputError:
        return InputError(f"{self._path}: {what}")


def _alike(rows: Sequence[_Read]) -> Iterator[list[int]]:
    """Rows that may be read at once: with or without an image, and of one length where the module
    would pad the shorter ones and not say so.
    """
    groups: dict[tuple[bool, int], list[int]] = {}
    for index, row in enumerate(rows):
        length = len(row.keep) if row.keep is not None else 0
        groups.setdefault((row.image is not None, length), []).append(index)
    for group in groups.values():
        for start in range(0, len(group), TOGETHER):
            yield group[start : start + TOGETHER]
