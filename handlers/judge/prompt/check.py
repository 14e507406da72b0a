"""G0: does the rewritten file read like one that may go into somebody's project?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from handlers.judge.gate import Gate
from handlers.judge.prompt.block import ABOUT, silenced, without_block
from handlers.judge.prompt.source import PromptSource, RefusedSource

NAME = "G0 static"
MAX_BLOCK = 4000
SECRET = re.compile(
    r"gsk_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{12,}|ghp_[A-Za-z0-9]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|(?i:api[_-]?key|token|password)\s*[:=]\s*\S{8,}"
)


def check_static(source: PromptSource, after: bytes, *, secrets: Iterable[str] = ()) -> Gate:
    """Whether `after` may replace the source's bytes: it parses, and only our block is different.

    That nothing but the block differs is proven by the edit itself (source.edited); here it is
    asked again of the final bytes, with what a block may hold.
    """
    problem = _problem(source, after, [secret for secret in secrets if secret])
    if problem is not None:
        return Gate(NAME, "fail", problem)
    return Gate(NAME, "pass", "the file parses, and only the managed block is different")


def _problem(source: PromptSource, after: bytes, secrets: list[str]) -> str | None:
    try:
        made = source.again(after)
    except RefusedSource as error:
        return error.message
    if made.code_sha256 != source.code_sha256:
        return "the code around the prompt would change"
    if without_block(made.value) != without_block(source.value):
        return "the author's part of the prompt would change"
    block = made.block
    if block is None:
        return None
    text = made.value[block.start : block.end]
    if not block.intact:
        return "the managed block does not have its hash"
    if len(text) > MAX_BLOCK:
        return f"the managed block has {len(text)} characters, more than {MAX_BLOCK}"
    for character in text:
        if character != "\n" and unicodedata.category(character)[0] == "C":
            return f"the managed block holds a control character (U+{ord(character):04X})"
    if SECRET.search(text) or any(secret in text for secret in secrets):
        return "the managed block holds what looks like a secret"
    if block.lines[: len(ABOUT)] != ABOUT or len(block.rules) != len(block.lines) - len(ABOUT):
        return "the managed block holds a line that is no rule"
    if any(rule.is_unconditional for rule in block.rules):
        return "the managed block holds a rule without a condition: it would silence all below it"
    below = silenced(made.value)
    if below is not None:
        return f"the author's rule {below!r} comes after the managed block: move it above"
    return None
