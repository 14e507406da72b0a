"""Whether the prompt's file still holds what was recorded: people edit their files, too."""

from __future__ import annotations

import hashlib
from pathlib import Path

from handlers.judge.prompt.rules.grammar import render
from handlers.judge.prompt.source import RefusedSource, read_prompt
from store.reads.improvements import PromptRow


def changed_by_hand(
    project: Path, current: PromptRow, named: str = "", *, broken: bool = True
) -> str:
    """How the managed block differs from a version's; empty when it is as it was written.

    Edits elsewhere in the file are their author's business. A file that is no Python at this moment
    may be half-way through an edit: nothing is said about it. `named`: the setting judge.prompt.
    `broken`: also tell of a block that was edited in place, which nobody can take for one of ours.
    """
    try:
        if _sha256(project / current.file) == current.after_sha256:
            return ""
        source = read_prompt(project, Path(current.file), named)
    except (OSError, RefusedSource):
        return ""
    wanted = [str(rule["line"]) for rule in current.rules]
    block = source.block
    if block is None:
        return "the managed block was taken out by hand" if wanted else ""
    if not block.intact:
        return block.problem if broken else ""
    if [render(rule) for rule in block.rules] != wanted:
        return f"the managed block holds other rules than version {current.version}"
    return ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
