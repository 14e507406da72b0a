"""What free text orders, and which lines of the author's it goes against, as far as code can tell.

An action that some line forbids may not be spoken of but to forbid it; a prohibition in a paragraph
that is rewritten has to stay in it, word for word. What code cannot tell: an order to do what a
line forbids in words that name no action of the robot's ("give way to nobody"), a prohibition in
words that are none ("the stair is no place for a robot"), and any in a language that the reader of
goals does not know. So free text is never written but after a trial, and is always shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from handlers.judge.candidates.wishes import Ban, clauses, forbids, spoken_of
from handlers.judge.prompt.wording import Wording
from handlers.project.library import ActionLibrary


def against(
    wording: Wording, prompt_text: str, bans: Sequence[Ban], library: ActionLibrary
) -> tuple[int, ...]:
    """The lines of the prompt (from 1) that free text goes against."""
    ordered = {
        action
        for clause in clauses(wording.text)
        if not forbids(clause)
        for action in spoken_of(clause, library)
    }
    lines = [ban.line for ban in bans if ban.actions & ordered]
    return tuple(dict.fromkeys([*lines, *_given_up(wording, prompt_text)]))


def _given_up(wording: Wording, prompt_text: str) -> list[int]:
    """The lines of prohibitions that a rewritten paragraph no longer has."""
    lines = []
    for rewrite in wording.rewrites:
        kept = _plain(rewrite.after)
        start = prompt_text.find(rewrite.before)
        first = prompt_text.count("\n", 0, max(0, start)) + 1
        for number, line in enumerate(rewrite.before.split("\n"), first):
            if any(forbids(said) and _plain(said) not in kept for said in clauses(line)):
                lines.append(number)
    return lines


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
