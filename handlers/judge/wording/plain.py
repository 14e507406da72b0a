"""Whether a text is plain prose, so that it may stand in somebody's prompt.

It is made of words, numbers and names that are known; whatever else there is (an address, code, a
key, what was encoded, letters of another script that look like Latin ones, characters that are not
seen) is no word and is named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from handlers.judge.prompt.opened import holds_rules
from handlers.judge.question.secrets import looks_secret
from handlers.judge.wording.folding import script

LONGEST_SENTENCE = 240
LONGEST_PARAGRAPH, LEAST_PARAGRAPH = 1500, 400
"""Characters; a paragraph may also have no more than twice as many as it had, or the second."""
LONGEST_WORD, LONGEST_SHOUT = 24, 9
"""Letters of a word, and of one in capitals: IMPORTANT."""
_MARKS = frozenset(".,;:!?'\"()-%°/+=–—’‘“”\n ")
_EDGES = ".,;:!?'\"()“”‘’"
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:-\d+(?:\.\d+)?)?(?:°|%|[A-Za-z]{1,4}(?:/s)?)?")
_GIVEN = re.compile(r"(?P<name>[a-z_]+)=\d+(?:\.\d+)?")
_PART = re.compile(r"[-/'’]")
_SHORT = frozenset({"e.g", "i.e"})
_OVER = re.compile(
    r"\b(?:ignor|disregard|overrid|overrul|forget|bypass)\w*\b"
    r"|\b(?:previous|prior|earlier|above|other|system)\s+(?:instruct|rule|prompt|order|message)\w*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Plain:
    """What a text is held to. `own`: the author's prompt; `names`: of the mission and the robot.

    `secrets` may stand nowhere.
    """

    own: str
    names: Collection[str]
    secrets: Collection[str] = ()

    def problem_of_sentence(self, text: str) -> str:
        """Why a tidied text is no sentence for the block; "" where it is one."""
        if len(text) > LONGEST_SENTENCE:
            return f"a sentence has {len(text)} characters, more than {LONGEST_SENTENCE}"
        if "\n" in text:
            return "a sentence has several lines"
        if text.startswith(("- ", "* ", "~ ")):
            return "it begins as a line of a list does"
        return self._problem(text)

    def problem_of_paragraph(self, text: str, before: str) -> str:
        """Why a tidied text may not stand for an open paragraph; "" where it may."""
        most = min(LONGEST_PARAGRAPH, max(LEAST_PARAGRAPH, 2 * len(before)))
        if len(text) > most:
            return f"a paragraph would have {len(text)} characters, more than {most}"
        return self._problem(text)

    def _problem(self, text: str) -> str:
        if not text:
            return "a text is empty"
        if any(secret in text for secret in self.secrets if secret) or looks_secret(text):
            return "it holds what looks like a secret"
        odd = next((c for c in text if not self._is_known(c)), None)
        if odd is not None:
            return f"it holds the character U+{ord(odd):04X}"
        if holds_rules(text):
            return "it holds a line that reads like a rule"
        over = _OVER.search(text)
        if over is not None:
            return f"it speaks of other instructions ({over[0]!r})"
        tokens = text.split()
        word = next((token for token in tokens if not self._is_word(token)), None)
        if word is not None:
            return f"{word[:40]!r} is no word, number, or name of the mission"
        return "it spells words out" if _is_spelled(tokens) else ""

    def _is_known(self, character: str) -> bool:
        if character in _MARKS or character in "0123456789_":
            return True
        kind = unicodedata.category(character)
        # A letter of the author's own may be of any script; what joins letters, if it is theirs.
        return kind[0] == "L" or (kind in ("Mn", "Mc") and character in self.own)

    @cached_property
    def _own_words(self) -> set[str]:
        return {token.strip(_EDGES) for token in self.own.split()}

    def _is_word(self, token: str) -> bool:
        token = token.strip(_EDGES)
        given = _GIVEN.fullmatch(token)
        if given is not None:
            token = given["name"]
        if not token or token in "–—-+/" or token in self.names or token.casefold() in _SHORT:
            return True
        if _NUMBER.fullmatch(token):
            return True
        return all(self._is_plain(part) for part in _PART.split(token))

    def _is_plain(self, part: str) -> bool:
        """Whether letters are a word: of one script that is the author's or Latin, in one case."""
        if part in self._own_words:
            return True
        scripts = {script(letter) for letter in part}
        return (
            part.isalpha()
            and len(part) <= LONGEST_WORD
            and len(scripts) == 1
            and (scripts == {"LATIN"} or scripts <= scripts_of(self.own))
            and (
                part[1:] == part[1:].lower()
                or (part == part.upper() and len(part) <= LONGEST_SHOUT)
            )
        )


def scripts_of(text: str) -> set[str]:
    return {script(letter) for letter in set(text) if letter.isalpha()}


def _is_spelled(tokens: Iterable[str]) -> bool:
    """Whether three single letters follow each other."""
    row = 0
    for token in tokens:
        row = row + 1 if len(token.strip(_EDGES)) == 1 and token.strip(_EDGES).isalpha() else 0
        if row == 3:
            return True
    return False
