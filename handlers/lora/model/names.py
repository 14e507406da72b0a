"""What an adapter's files are called, and what they are known by. Light: the daemon needs it."""

from __future__ import annotations

import hashlib
from pathlib import Path

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
HEAD = "head.json"
KNOWN = "known.safetensors"
CURVE = "training.csv"
SCORECARD = "scorecard.json"
CARD = "README.md"
NEEDED = (CONFIG, WEIGHTS, KNOWN, HEAD)


def folder_sha256(folder: Path) -> str:
    """A hash over the names and bytes of an adapter's files, without what was measured on it."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in (SCORECARD, CARD):
            digest.update(f"{path.name}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
