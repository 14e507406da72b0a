"""Which file of a project is what, and which path is still inside it.

Deciding by name alone is enough for almost every file; a `.jsonl` whose name says nothing is a
`maybe`, and `sniff` decides by its first lines. Paths given to `classify` are relative to the
project and use forward slashes.

People, synchronisers and log rotation make names of names: `x.exam (1).jsonl`,
`x.exam.sync-conflict-20260101-1.jsonl`, `X.LOG.JSONL`, `x.log.jsonl.1`. A copy is what it is a
copy of; above all a copy of an exam is an exam, for nobody may train on it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Mapping

from store.errors import UnsafePathError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Literal

    Role = Literal[
        "config",
        "run",
        "orchestrator",
        "examples",
        "exam",
        "maybe",
        "packed",
        "recording",
        "ignore",
    ]
    """`maybe`: its first lines decide. `packed`: compressed, which nobody here reads. `recording`:
    another tool's, which becomes a run log."""
    Content = Literal["run", "orchestrator", "examples", "ignore"]

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
RECORDING_SUFFIX = ".mcap"
UNFINISHED_SUFFIXES = ("~", ".swp", ".swo", ".tmp", ".part", ".crdownload")

WATCHED_DIRS = (".", CADENZA_DIR, EXAMPLES_DIR, LORA_DIR)
"""Every folder of a project that can hold a file `classify` does not ignore."""

# `re` compiles each when it is first used, and keeps it: every command imports this module.
_LINES = (
    r"(?is)(?P<stem>.+)\.(?:jsonl|ndjson)(?P<rotated>\.\d{1,4})?(?P<packed>\.(?:gz|bz2|xz|zst))?"
)
"""The name of a file of JSON lines, rotated or compressed or not."""

_KIND = r"(?s).*\.(log|orchestrator|examples|exam|eval|finetune)(?![a-z])"
"""The last kind that a name without its ending names: `x.exam`, `x.exam (1)`, `x.log-2`."""

_ROLES: Mapping[str, Role] = {
    "log": "run",
    "orchestrator": "orchestrator",
    "examples": "examples",
    "exam": "exam",
    "eval": "exam",
    "finetune": "ignore",
}
_EXAM_WORD = r"(?:^|[^a-z])(?:exam|eval)(?![a-z])"
_LORA_FILE = (
    r"(?s)(?:copy of )?(?P<name>eval|patterns)"
    r"(?:[ ._-]*(?:copy|\d+|\([^)]*\)|(?:sync-|conflicted |.{1,80} )?conflict.*))*"
)
"""A stem in `lora/`: what counts there, and copies of it."""


def classify(relative_path: str) -> Role:
    """What a file of a project is, going by its path. Anything not listed is `ignore`."""
    folder, _, name = relative_path.rpartition("/")
    if name.startswith(".") or name.endswith(UNFINISHED_SUFFIXES):
        return "ignore"
    if relative_path == SPEC_FILE:
        return "config"
    if folder == CADENZA_DIR and name.lower().endswith(RECORDING_SUFFIX):
        return "recording"
    lines = re.fullmatch(_LINES, name)
    if lines is None:
        return "ignore"
    stem = lines["stem"].lower()
    role = _in_folder(folder, stem)
    if lines["packed"] and role != "ignore":
        return "ignore" if folder == "" else "packed"  # in the root it is people's own business
    return role


def _in_folder(folder: str, stem: str) -> Role:
    """What a file of JSON lines is; `stem`: its name without the ending, in lower case."""
    kind = re.match(_KIND, stem)
    named = _ROLES[kind[1]] if kind is not None else None
    if named == "ignore":
        return "ignore"
    match folder:
        case "":
            return "orchestrator" if named == "orchestrator" else "maybe"
        case ".cadenza-env":
            return named or "maybe"
        case ".cadenza-env/examples":
            held = named == "exam" or (named is None and re.search(_EXAM_WORD, stem))
            return "exam" if held else "examples"
        case "lora":
            known = re.fullmatch(_LORA_FILE, stem)
            if known is not None:
                return "exam" if known["name"] == "eval" else "examples"
    return "ignore"


def held_out(relative_path: str) -> bool:
    """Whether a name with the word exam or eval in it says that examples are not to train on."""
    name = relative_path.rpartition("/")[2]
    return re.search(_EXAM_WORD, name.lower()) is not None


def sniff(first_objects: Iterable[Mapping[str, Any]], *, in_root: bool = False) -> Content:
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
    """A run's id: its file name without the suffix that says what it is.

    The whole name of a rotated log. An id is always what its file's name begins with.
    """
    name = os.path.basename(path)
    lines = re.fullmatch(_LINES, name)
    if lines is None or lines["rotated"] or lines["packed"]:
        return name
    stem = lines["stem"]
    for suffix in (".log", ".orchestrator"):
        if stem.lower().endswith(suffix) and len(stem) > len(suffix):
            return stem[: -len(suffix)]
    return stem


def inside(project: Path, candidate: Path) -> Path:
    """The real path of `candidate` (relative to the project, or absolute), symlinks followed.

    It need not exist. It starts with `project.resolve()`, which differs from `project` where the
    project itself was reached through a symlink. Raises UnsafePathError when it leaves the project.
    """
    try:
        root = _resolved(project)
    except (OSError, RuntimeError) as reason:  # a symlink loop
        raise UnsafePathError(f"{project}: not a usable path: {reason}") from None
    return inside_real(root, candidate)


def _resolved(path: Path) -> Path:
    """The real path. Raises OSError or RuntimeError for a loop of symlinks.

    Python 3.13 follows one as far as it goes, and leaves it to whoever looks there.
    """
    real = path.resolve()
    try:
        real.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise
    return real


def inside_real(root: Path, candidate: Path) -> Path:
    """`inside` a project whose real path is known to be `root`."""
    whole = root / candidate
    if _is_plain(str(root), str(whole)):
        return whole
    try:
        real = _resolved(whole)
    except (OSError, RuntimeError, ValueError) as reason:  # a symlink loop; a NUL in the name
        raise UnsafePathError(f"{candidate!s}: not a usable path: {reason}") from None
    if real != root and root not in real.parents:
        raise UnsafePathError(
            f"{candidate}: leads out of the project {root}",
            hint="keep the file inside the project, or copy it there",
        )
    return real


def _is_plain(root: str, path: str) -> bool:
    """Whether a path goes on from `root` and meets no link on its way: then it is real as it is.

    `Path.resolve` would look at each folder from the top down again, for each file of a burst.
    """
    steps = path[len(root) + 1 :].split("/")
    if not path.startswith(f"{root}/") or ".." in steps:
        return False
    try:
        for step in steps:
            root = f"{root}/{step}"
            if stat.S_ISLNK(os.lstat(root).st_mode):
                return False
    except FileNotFoundError:
        return True
    except (OSError, ValueError):  # `resolve` says what is wrong with it
        return False
    return True


def printable(path: str) -> str:
    """A path as it can be stored and shown; names that are not UTF-8 get backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
