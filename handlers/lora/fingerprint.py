"""What an adapter and its scorecard depend on, as hashes: to know whether anything changed.

Two of them, because training is slow and scoring is not: where only the exam, a threshold or the
mission changed, the adapter there is can be scored again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from handlers.lora.data.dataset import Dataset
from handlers.lora.model.encoder import wanted_identity
from handlers.lora.model.files import FORMAT
from handlers.lora.model.rows import Row
from handlers.lora.model.training import library_sha256
from handlers.lora.settings import LoraSettings
from handlers.project.code import ImportedCode
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec


def trained_from(
    dataset: Dataset,
    library: ActionLibrary,
    settings: LoraSettings,
    project_encoder: ImportedCode | None,
) -> str:
    """A hash of all that an adapter is made of, but for options somebody gives by hand."""
    return _hash(
        FORMAT,
        _rows(dataset.train),
        library_sha256(library),
        wanted_identity(settings.encoder, project_encoder),
        settings.threads,
        *([settings.targets] if project_encoder is not None and settings.targets else []),
    )


def scored_against(
    dataset: Dataset, library: ActionLibrary, spec: ProjectSpec, settings: LoraSettings
) -> str:
    """A hash of all that the same adapter can be scored differently for."""
    pinned = [row.key for row in (*dataset.train, *dataset.exam) if row.pinned]
    return _hash(
        _rows(dataset.train),
        _rows(dataset.exam),
        pinned,
        library_sha256(library),
        settings.thresholds(),
        spec.model_dump(mode="json"),
    )


def _rows(rows: Iterable[Row]) -> list[Any]:
    return [[row.goal, [s.as_json() for s in row.actions], row.image_sha256] for row in rows]


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
