"""Somebody else's module, built and called: what it gives is checked, what it raises is one line.

What it prints goes to stderr: stdout is an answer's, and may be read by a program.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from handlers.lora.model.encoders.base import MAX_TOKENS, torch
from handlers.lora.model.encoders.imports import Covered
from handlers.project.code import ImportedCode
from store.errors import InputError
from store.text import one_line

SEED = 0
MOST_SAID = 300
"""Characters of what an exception says; libraries' may be pages long."""
_ALONE = "goals come without an image too: forward(['sit down'], images=None)"


def _hash_of_no_text(value: object) -> int:
    """What `hash` is in lora_encoder.py: of text it would be another number in every process, so
    that no adapter could be used after the one that trained it."""
    if isinstance(value, str | bytes):
        raise TypeError("hash() of text differs in every process: zlib.crc32(text.encode())")
    return hash(value)


class Called:
    """The module that build_encoder gives, in eval mode, on its device.

    Raises InputError, with the place in the project where the module went wrong, whenever it fails
    or gives something else than it should.
    """

    def __init__(self, code: ImportedCode, device: str) -> None:
        self._code, self._device = code, device
        module = torch()
        Covered(code).install()
        here = ModuleType("lora_encoder")
        here.__file__ = str(code.path)
        here.__dict__["hash"] = _hash_of_no_text
        sys.modules["lora_encoder"] = here  # dataclasses look their module up
        module.manual_seed(SEED)
        module.backends.mha.set_fastpath_enabled(False)  # it goes past what LoRA put in
        with self._answering("build_encoder"):
            exec(compile(code.source, str(code.path), "exec"), here.__dict__)
        if not callable(here.__dict__.get("build_encoder")):
            raise self.wrong("there is no build_encoder", hint="def build_encoder(length): ...")
        with self._answering("build_encoder"):
            built = here.__dict__["build_encoder"](MAX_TOKENS)
        if not isinstance(built, module.nn.Module):
            raise self.wrong(f"build_encoder gave {type(built).__name__}, no torch.nn.Module")
        with self._answering("build_encoder"):
            self.width = int(built.hidden_dim)
            self.module = built.eval().to(device)

    def __call__(self, texts: Sequence[str], images: Sequence[Path] | None) -> tuple[Any, Any]:
        """What forward gives, [B, T, width], and its mask [B, T] of bool or None."""
        with self._answering("forward", _ALONE if images is None else ""):
            out = self.module(list(texts), images=None if images is None else list(images))
        hidden = out[0] if isinstance(out, tuple) and out else out
        mask = out[-1] if isinstance(out, tuple) and len(out) > 1 else None
        if mask is None:
            mask = getattr(self.module, "attention_mask", None)
        shape = tuple(getattr(hidden, "shape", ()))
        if len(shape) != 3 or shape[0] != len(texts) or shape[2] != self.width or not shape[1]:
            raise self.wrong(
                f"forward gave {list(shape) or type(hidden).__name__},"
                f" not [{len(texts)}, T, {self.width}]"
            )
        with self._answering("forward"):
            hidden = hidden.to(self._device)
        if not bool(torch().isfinite(hidden).all()):
            raise self.wrong("forward gave numbers that are not finite")
        return hidden, None if mask is None else self._mask(mask, hidden)

    def wrong(self, what: str, hint: str = "", line: int | None = None) -> InputError:
        """What is wrong with the file, and where in it."""
        place = f"{self._code.path}:{line}" if line else str(self._code.path)
        return InputError(f"{place}: {what}", hint=hint)

    def _mask(self, mask: Any, hidden: Any) -> Any:
        shape = list(hidden.shape[:2])
        if not isinstance(mask, torch().Tensor) or list(mask.shape) != shape:
            got = list(getattr(mask, "shape", ())) or type(mask).__name__
            raise self.wrong(f"the attention mask is {got}, not {shape}")
        mask = (mask != 0).to(hidden.device)
        if not bool(mask.any(1).all()):
            raise self.wrong("the attention mask leaves nothing of a goal")
        return mask

    @contextlib.contextmanager
    def _answering(self, what: str, hint: str = "") -> Iterator[None]:
        """Around code of somebody else's, which may even exit."""
        try:
            with contextlib.redirect_stdout(sys.stderr):
                yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - see above
            said = one_line(str(error))[:MOST_SAID]
            raise self.wrong(
                f"{what} failed: {type(error).__name__}: {said}", hint, self._line(error)
            ) from None

    def _line(self, error: BaseException) -> int | None:
        """The innermost line of the file that an error went through."""
        if isinstance(error, SyntaxError) and error.filename == str(self._code.path):
            return error.lineno
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(self._code.path)]
        return lines[-1] if lines else None
