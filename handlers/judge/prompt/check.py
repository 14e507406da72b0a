"""G0: does the rewritten file read like one that may go into somebody's project?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from handlers.judge.gate import Gate
from handlers.judge.prompt.block import ABOUT, Block, silenced, without_block
from handlers.judge.prompt.opened import with_rewrites
from handlers.judge.prompt.source import PromptSource, RefusedSource
from handlers.judge.prompt.wording import NOTHING, Wording

NAME = "G0 static"
MAX_BLOCK = 4000
SECRET = re.compile(
    r"gsk_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{12,}|ghp_[A-Za-z0-9]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|(?i:api[_-]?key|token|password)\s*[:=]\s*\S{8,}"
)


def check_static(
    source: PromptSource, after: bytes, wording: Wording = NOTHING, *, secrets: Iterable[str] = ()
) -> Gate:
    """Whether `after` may replace the source's bytes: it parses, and only our part is different.

    That nothing else differs is proven by the edit itself (source.edited, source.rewritten); here
    it is asked again of the final bytes, with what a block may hold. `wording`: the free text that
    is new, as it was checked; no other may stand there.
    """
    problem = _problem(source, after, wording, [secret for secret in secrets if secret])
    if problem is not None:
        return Gate(NAME, "fail", problem)
    part = "the managed block"
    if wording.rewrites:
        part += f" and {len(wording.rewrites)} open paragraphs"
    return Gate(NAME, "pass", f"the file parses, and only {part} is different")


def _problem(
    source: PromptSource, after: bytes, wording: Wording, secrets: list[str]
) -> str | None:
    try:
        made = source.again(after)
    except RefusedSource as error:
        return error.message
    if made.code_sha256 != source.code_sha256:
        return "the code around the prompt would change"
    if without_block(made.value) != with_rewrites(without_block(source.value), wording.rewrites):
        return "the author's part of the prompt would change"
    for rewrite in wording.rewrites:
        problem = _unfit("an open paragraph", rewrite.after, secrets)
        if problem is not None:
            return problem
    block = made.block
    if block is None:
        return None
    if not block.intact:
        return "the managed block does not have its hash"
    problem = _unfit("the managed block", made.value[block.start : block.end], secrets)
    if problem is not None:
        return problem
    known = {*wording.sentences, *(source.block.sentences if source.block is not None else ())}
    if _has_other_lines(block, known):
        return "the managed block holds a line that is no rule"
    if any(rule.is_unconditional for rule in block.rules):
        return "the managed block holds a rule without a condition: it would silence all below it"
    below = silenced(made.value)
    if below is not None:
        return f"the author's rule {below!r} comes after the managed block: move it above"
    return None


def _unfit(what: str, text: str, secrets: list[str]) -> str | None:
    """Why a text may stand in nobody's file."""
    if len(text) > MAX_BLOCK:
        return f"{what} has {len(text)} characters, more than {MAX_BLOCK}"
    for character in text:
        if character != "\n" and unicodedata.category(character)[0] == "C":
            return f"{what} holds a control character (U+{ord(character):04X})"
    if SECRET.search(text) or any(secret in text for secret in secrets):
        return f"{what} holds what looks like a secret"
    return None


def _has_other_lines(block: Block, known: set[str]) -> bool:
    """Whether there are other lines than what it says of itself, rules, and known sentences."""
    told = len(ABOUT) + len(block.rules) + len(block.sentences)
    return (
        block.lines[: len(ABOUT)] != ABOUT
        or told != len(block.lines)
        or not known.issuperset(block.sentences)
    )
