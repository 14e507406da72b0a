"""Whether the prompt's file still holds what was recorded: people edit their files, too."""

from __future__ import annotations

import hashlib
from pathlib import Path

from handlers.judge.prompt.opened import find
from handlers.judge.prompt.source import RefusedSource, read_prompt
from handlers.judge.prompt.wording import is_paragraph, paragraphs_in
from store.reads.improvements import PromptRow


def changed_by_hand(
    project: Path, current: PromptRow, named: str = "", *, broken: bool = True
) -> str:
    """How our part differs from a version's; empty when it is as it was written.

    That is the managed block, and the open paragraphs that were rewritten. Edits elsewhere in the
    file are their author's business. A file that is no Python at this moment may be half-way
    through an edit: nothing is said about it. `named`: the setting judge.prompt. `broken`: also
    tell of a block that was edited in place, which nobody can take for one of ours.
    """
    try:
        if _sha256(project / current.file) == current.after_sha256:
            return ""
        source = read_prompt(project, Path(current.file), named)
    except (OSError, RefusedSource):
        return ""
    lines = [str(rule["line"]) for rule in current.rules]
    if any(find(source.value, text) is None for text in paragraphs_in(lines)):
        return f"an open paragraph that version {current.version} rewrote was changed by hand"
    wanted = [line for line in lines if not is_paragraph(line)]
    block = source.block
    if block is None:
        return "the managed block was taken out by hand" if wanted else ""
    if not block.intact:
        return block.problem if broken else ""
    if block.said != wanted:
        return f"the managed block holds other rules than version {current.version}"
    return ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
