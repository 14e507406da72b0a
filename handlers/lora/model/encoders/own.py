"""A project's own encoder: `build_encoder(max_seq_len)` in its lora_encoder.py gives a module.

    hidden_dim                     the width of its vectors
    forward(text, images=None)     [B, T, hidden_dim], or a tuple that ends in a mask [B, T]
    attention_mask                 instead of the tuple: the mask [B, T] of the last forward
    lora_targets                   names of the layers LoRA goes into; else all its Linear layers

Without a mask, or with one that leaves a goal's vector hanging on its neighbours, each text is
first read alone: that shows how long it is and what of it is padding. LoRA goes onto the frozen
vectors where the module has no Linear layer that its vectors hang on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from handlers.lora.model.encoders.base import Encoder, torch, unit
from handlers.lora.model.encoders.called import Called
from handlers.lora.model.encoders.light import PROJECTION, projection
from handlers.lora.model.encoders.pooling import padding_found, pooled, scaling
from handlers.project.code import ImportedCode, imported_code
from store.text import one_line

TOGETHER = 32
"""Goals that the module reads at once."""
TRIED = ("sit down", "lie down", "walk forward some meters and turn to the left")
"""What every module is tried on: two goals of one length, and a longer one."""
UNSTEADY, UNMASKED = 0.1, 0.02
"""Shares of the way to the nearest other goal that one goal's vectors may be apart, at most and for
goals of any length to be read together: half precision rounds a little differently in a batch."""
OVER = ("project",)
"""The layer over frozen vectors (`projection`)."""
REMEMBERED = 8192
"""Goals of which is kept what never changes: they come again. Not with an image, whose file may."""


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

    def __init__(
        self,
        project: ImportedCode | Path,
        device: str = "cpu",
        targets: Sequence[str] = (),
        *,
        tried: bool = False,
    ) -> None:
        """`targets`: names of layers, instead of the module's own `lora_targets`. `tried`: an
        adapter was trained with it, whose layers they are: a large model is not tried again.

        Raises InputError for a module that cannot be an encoder, and says why.
        """
        code = imported_code(project.parent, project) if isinstance(project, Path) else project
        self.identity, self.device = code.sha256, device
        self._targets = tuple(targets)
        self._called = Called(code, device)
        self.width = self._called.width
        self._scaling: tuple[Any, Any] | None = None
        self._known_reads: dict[str, _Read] = {}
        self._known_vectors: dict[str, Any] = {}
        self._has_masks = self._masks_hold()
        if not tried:
            self._expect_steady()
        self.targets = self._targets if tried else self._layers()
        self.is_adaptable = self.targets not in ((), OVER)
        """Whether LoRA goes into its own layers."""
        self.module = self._called.module
        if not self.is_adaptable:
            self.module, self.targets = projection(self.width).to(device), OVER
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
            return self._frozen(rows)

    def forward(self, inputs: Sequence[Any]) -> Any:
        vectors = self._vectors(inputs) if self.is_adaptable else torch().stack(list(inputs))
        if self._scaling is not None:
            mean, deviation = (part.to(vectors) for part in self._scaling)
            vectors = (vectors - mean) / deviation
        return unit(vectors if self.is_adaptable else self.module(vectors))

    def settle(self, inputs: Sequence[Any]) -> None:
        """Raises InputError where all goals have one vector."""
        with torch().no_grad():
            vectors = self._vectors(inputs) if self.is_adaptable else torch().stack(list(inputs))
        if len(vectors) > 1 and bool((vectors == vectors[0]).all()):
            raise self._called.wrong(
                f"forward gives all {len(vectors)} goals the same vector",
                hint="it must hang on the text: forward(['sit down', 'turn left'])",
            )
        self._scaling = scaling(vectors.cpu())

    def state(self) -> dict[str, Any]:
        names = ("mean", "deviation")
        return dict(zip(names, self._scaling, strict=True)) if self._scaling else {}

    def restore(self, state: dict[str, Any]) -> None:
        self._scaling = (state["mean"], state["deviation"]) if "mean" in state else None

    # -- what the module is like -------------------------------------------------------------------

    def _masks_hold(self) -> bool:
        """Whether its mask says all that there is to padding: goals of any length may then be read
        together, and their vectors are what they are alone.
        """
        with torch().no_grad():
            singles = [self._called([text], None) for text in TRIED]
            hidden, mask = self._called(TRIED, None)
            if mask is None or any(one is None for _, one in singles):
                return False
            alone = torch().cat([pooled(part.float(), one) for part, one in singles])
            return _is_alike(alone, pooled(hidden.float(), mask), UNMASKED)

    def _expect_steady(self) -> None:
        """Raises InputError for a module that gives a goal another vector each time, or another one
        beside other goals of its length: no adapter fits that.
        """
        with torch().no_grad():
            rows = [self._read(text, None) for text in TRIED]
            alone = torch().cat([self._vectors([row]) for row in rows])
            again = torch().cat([self._vectors([row]) for row in rows])
            beside = self._vectors(rows)
        if not _is_alike(alone, again):
            raise self._called.wrong(
                "forward gives one goal another vector each time",
                hint="no dropout, chance or count of calls in forward:"
                " torch.nn.Dropout stands still in eval(), functional.dropout(x) does not",
            )
        if not _is_alike(alone, beside):
            raise self._called.wrong(
                "a goal's vector hangs on the goals that are read beside it",
                hint="each row of a batch by itself: no mean over the batch, no train()",
            )

    def _layers(self) -> tuple[str, ...]:
        """The layers for LoRA; none where the vectors do not hang on them by a gradient."""
        nn, encoder = torch().nn, self._called.module
        # of an attention of torch's own its inner layer is read past: LoRA there would do nothing
        inner = {m.out_proj for m in encoder.modules() if isinstance(m, nn.MultiheadAttention)}
        layers = {
            name: part
            for name, part in encoder.named_modules()
            if isinstance(part, nn.Linear) and name and part not in inner
        }
        wanted = self._wanted()
        if wanted:
            found = [n for n in layers if any(n == w or n.endswith(f".{w}") for w in wanted)]
            if not found:
                raise self._called.wrong(
                    f"there is no Linear layer {' or '.join(wanted)} for LoRA"
                    f" (it has {', '.join(list(layers)[:6]) or 'none'})",
                    hint="lora_targets, or lora.targets of the configuration, names its layers",
                )
            layers = {name: layers[name] for name in found}
        return tuple(layers) if layers and self._has_gradient(list(layers.values())) else ()

    def _wanted(self) -> tuple[str, ...]:
        """The names that somebody gave: of the configuration before those of the module."""
        named = self._targets or getattr(self._called.module, "lora_targets", ())
        names = (named,) if isinstance(named, str) else named
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise self._called.wrong(
                f"lora_targets is {one_line(repr(named))[:60]}, not a list of names",
                hint="lora_targets = ['query', 'value']",
            )
        return tuple(names)

    def _has_gradient(self, layers: Sequence[Any]) -> bool:
        weights = [layer.weight for layer in layers]
        before = [weight.requires_grad for weight in weights]
        if not all(weight.is_floating_point() for weight in weights):
            return False
        try:
            for weight in weights:
                weight.requires_grad_(True)
            return bool(self._called(TRIED[:1], None)[0].requires_grad)
        finally:
            for weight, was in zip(weights, before, strict=True):
                weight.requires_grad_(was)

    # -- goals through it --------------------------------------------------------------------------

    def _read(self, text: str, image: Path | None) -> _Read:
        if self._has_masks:
            return _Read(text, image, None)
        if image is not None:
            return self._read_alone(text, image)
        if text not in self._known_reads:
            _keep(self._known_reads, text, self._read_alone(text, None))
        return self._known_reads[text]

    def _read_alone(self, text: str, image: Path | None) -> _Read:
        with torch().no_grad():
            hidden, mask = self._called([text], None if image is None else [image])
        keep = padding_found(hidden[0]) if mask is None else mask[0]
        return _Read(text, image, tuple(keep.tolist()))

    def _frozen(self, rows: Sequence[_Read]) -> list[Any]:
        """The vectors [width] of rows, each text read once: nothing in the module changes."""
        known = self._known_vectors
        told = [known.get(row.text) if row.image is None else None for row in rows]
        new = [at for at, vector in enumerate(told) if vector is None]
        made = self._vectors([rows[at] for at in new]) if new else ()
        for at, vector in zip(new, made, strict=True):
            told[at] = vector
            if rows[at].image is None:
                _keep(known, rows[at].text, vector)
        return told

    def _vectors(self, rows: Sequence[_Read]) -> Any:
        """[len(rows), width] float32, not yet of unit length."""
        module = torch()
        parts, places = [], []
        for indices in _alike(rows):
            some = [rows[index] for index in indices]
            images = [row.image for row in some if row.image is not None]
            hidden, mask = self._called([row.text for row in some], images or None)
            if not self._has_masks:
                mask = self._kept(some, hidden)
            elif mask is None:
                raise self._called.wrong(f"forward gives no mask for {some[0].text!r}, as it did")
            parts.append(pooled(hidden.float(), mask))
            places += indices
        back = module.empty(len(rows), dtype=module.long)
        back[module.tensor(places)] = module.arange(len(rows))
        return module.cat(parts)[back.to(parts[0].device)]

    def _kept(self, rows: Sequence[_Read], hidden: Any) -> Any:
        """[B, T] the places that are no padding, as reading each goal alone showed them."""
        mask = torch().tensor([row.keep for row in rows], device=hidden.device)
        if mask.shape != hidden.shape[:2]:
            raise self._called.wrong(
                f"forward gives {rows[0].text!r} {mask.shape[1]} places alone"
                f" and {hidden.shape[1]} beside others of its length"
            )
        return mask


def _is_alike(one: Any, other: Any, share: float = UNSTEADY) -> bool:
    """Whether two times the vectors [N, D] of different goals are the same but for rounding."""
    between = torch().cdist(one, one)
    nearest = between.fill_diagonal_(float("inf")).amin(1)
    return bool(((one - other).norm(dim=1) <= share * nearest + 1e-4 * one.norm(dim=1)).all())


def _keep(known: dict[str, Any], text: str, what: Any) -> None:
    """Remember what belongs to a text; with very many of them all is forgotten."""
    if len(known) >= REMEMBERED:
        known.clear()
    known[text] = what


def _alike(rows: Sequence[_Read]) -> Iterator[list[int]]:
    """Rows that may be read at once: with or without an image, and of one length where the module
    would pad the shorter ones and not say so.
    """
    groups: dict[tuple[bool, int], list[int]] = {}
    for index, row in enumerate(rows):
        length = len(row.keep) if row.keep is not None else 0
        groups.setdefault((row.image is not None, length), []).append(index)
    for group in groups.values():
        group.sort(key=lambda index: len(rows[index].text))  # little of a batch is padding
        for start in range(0, len(group), TOGETHER):
            yield group[start : start + TOGETHER]
