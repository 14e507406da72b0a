"""Which file of a project is what, and which path is still inside it.

Deciding by name alone is enough for almost every file; a `.jsonl` whose name says nothing is a
`maybe`, and `sniff` decides by its first lines. Paths given to `classify` are relative to the
project and use forward slashes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from store.errors import UnsafePathError

SPEC_FILE = "env.json"
ACTIONS_FILE = "actions.json"
ENCODER_FILE = "lora_encoder.py"

CADENZA_DIR = ".cadenza-env"
EXAMPLES_DIR = f"{CADENZA_DIR}/examples"
EXPORTS_DIR = f"{CADENZA_DIR}/exports"
PROMPTS_DIR = f"{CADENZA_DIR}/prompts"
ADAPTERS_DIR = f"{CADENZA_DIR}/adapters"
LORA_DIR = "lora"
PATTERNS_FILE = f"{LORA_DIR}/patterns.jsonl"
EVAL_FILE = f"{LORA_DIR}/eval.jsonl"

RUN_SUFFIX = ".log.jsonl"
ORCHESTRATOR_SUFFIX = ".orchestrator.jsonl"
EXAMPLES_SUFFIX = ".examples.jsonl"
EXAM_SUFFIX = ".exam.jsonl"
FINETUNE_SUFFIX = ".finetune.jsonl"
MANIFEST_SUFFIX = ".finetune.manifest.json"
JSONL_SUFFIX = ".jsonl"
UNFINISHED_SUFFIXES = ("~", ".swp", ".swo", ".tmp", ".part", ".crdownload")

WATCHED_DIRS = (".", CADENZA_DIR, EXAMPLES_DIR, LORA_DIR)
"""Every folder of a project that can hold a file `classify` does not ignore."""

Role = Literal["config", "run", "orchestrator", "examples", "exam", "maybe", "ignore"]
Content = Literal["run", "orchestrator", "examples", "ignore"]


def classify(relative_path: str) -> Role:
    """What a file of a project is, going by its path. Anything not listed is `ignore`."""
    folder, _, name = relative_path.rpartition("/")
    if name.startswith(".") or name.endswith(UNFINISHED_SUFFIXES):
        return "ignore"
    if relative_path == SPEC_FILE:
        return "config"
    if relative_path == PATTERNS_FILE:
        return "examples"
    if relative_path == EVAL_FILE:
        return "exam"
    if not name.endswith(JSONL_SUFFIX) or name.endswith(FINETUNE_SUFFIX):
        return "ignore"
    match folder:
        case "":
            return "orchestrator" if name.endswith(ORCHESTRATOR_SUFFIX) else "maybe"
        case ".cadenza-env":
            return _in_cadenza_dir(name)
        case ".cadenza-env/examples":
            return "exam" if name.endswith(EXAM_SUFFIX) else "examples"
    return "ignore"


def _in_cadenza_dir(name: str) -> Role:
    roles: dict[str, Role] = {
        RUN_SUFFIX: "run",
        ORCHESTRATOR_SUFFIX: "orchestrator",
        EXAMPLES_SUFFIX: "examples",
        EXAM_SUFFIX: "exam",
    }
    for suffix, role in roles.items():
        if name.endswith(suffix):
            return role
    return "maybe"


def sniff(first_objects: Sequence[Mapping[str, Any]], *, in_root: bool = False) -> Content:
    """What a `maybe` file is, by the objects on its first lines; the first telling one decides.

    `in_root`: the file lies in the project root, where people keep all sorts of JSON lines; there
    only an orchestrator log is taken up.
    """
    for item in first_objects:
        kind = _content(item)
        if kind is not None:
            return "ignore" if in_root and kind != "orchestrator" else kind
    return "ignore"


def _content(item: Mapping[str, Any]) -> Content | None:
    if (
        "prompt" in item
    ):  # a training record, ours or another exporter's: it has tick and action too
        return "ignore"
    if "event" in item and "ts" in item:
        return "orchestrator"
    if "tick" in item and "action" in item:
        return "run"
    if "goal" in item and "actions" in item:
        return "examples"
    return None


def run_id_of(path: str | Path) -> str:
    """A run's id: its file name without the suffix that says what it is."""
    name = Path(path).name
    for suffix in (RUN_SUFFIX, ORCHESTRATOR_SUFFIX, JSONL_SUFFIX):
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name


def inside(project: Path, candidate: Path) -> Path:
    """The real path of `candidate` (relative to the project, or absolute), symlinks followed.

    It need not exist. It starts with `project.resolve()`, which differs from `project` where the
    project itself was reached through a symlink. Raises UnsafePathError when it leaves the project.
    """
    try:
        root = project.resolve()
        real = (root / candidate).resolve()
    except (OSError, RuntimeError, ValueError) as reason:  # a symlink loop; a NUL in the name
        raise UnsafePathError(f"{candidate!s}: not a usable path: {reason}") from None
    if real != root and root not in real.parents:
        raise UnsafePathError(
            f"{candidate}: leads out of the project {project}",
            hint="keep the file inside the project, or copy it there",
        )
    return real


def printable(path: str) -> str:
    """A path as it can be stored and shown; names that are not UTF-8 get backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
