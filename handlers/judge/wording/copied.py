"""Whether a text says what a log says: in the same words, in their order or in another.

Words that the author, the mission, the robot, or the reader of goals has are everybody's: to turn
left is no quotation. Any other word is *unusual*. A text is copied where

- RUN words in a row, an unusual one among them, stand so in a log, or LONG words of whatever kind
  that do not stand so in the author's own text;
- one text of a log has two of a sentence's unusual words that are half of them at least, or SHARED
  of all that is proposed together: a paraphrase in the same words, or one cut into two sentences;
- two unusual words or more, one after the other, are letters that stand in a row in a log: words
  that were cut otherwise.

Words are compared by their beginnings, and letters that look alike are one (folding.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from handlers.goals.words.vocabulary import WORDS
from handlers.judge.prompt.block import ABOUT
from handlers.judge.prompt.rules.forms import FORMS
from handlers.judge.wording.folding import stem, words_of

RUN, LONG, SHARED = 4, 9, 3
SQUEEZED = 8
"""Letters of unusual words in a row that are looked for."""
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_PLAIN_WORDS = (
    "a an and any are as at be been but by can could do does each even every few first for from"
    " has have if in into is it its itself less like long made make many may more most much must"
    " near never next no not of off on once one only or other out over past robot same see seen"
    " should side so some still such than that the their them then there these they thing this"
    " through to too under up very was way well were what when where which while who will with"
    " within without would yet you your reach keep clear target path free closer farther nearer"
    " short small large big step steps slow quick careful look view visible signal report blocked"
    " obstacle wall person phase tick degrees meter metre until unless always instead again around"
    " between behind front beside aside room enough sure needed possible facing distance direction"
)
"""Plain English that goals seldom hold."""


class Copied:
    """Finds what proposed texts have from logs. `own`: what the author, env.json and the robot say.

    Give it all texts first; then every text of the logs.
    """

    def __init__(self, texts: Iterable[str], own: str) -> None:
        told = [*ABOUT, *(form.line for form in FORMS), *(form.sentence for form in FORMS)]
        usual = " ".join([own.replace("_", " "), _PLAIN_WORDS, *WORDS, *told])
        self._usual = {stem(word) for word in words_of(usual)}
        own_words = words_of(own)
        self._own = set(_runs(own_words, LONG))
        self._found: dict[str, str] = {}
        self._texts = {text: _Marks(text, self._usual, self._own) for text in texts}

    def look_at(self, logged: str) -> None:
        """Compare with a text of a log."""
        words = words_of(logged)
        stems = [stem(word) for word in words]
        unusual = {one for one in stems if one not in self._usual}
        runs: set[Sequence[str]] | None = None
        for text, marks in self._texts.items():
            if text in self._found:
                continue
            if unusual.isdisjoint(marks.unusual) and len(words) < LONG and not marks.squeezed:
                continue
            if runs is None:
                runs = {*_runs(stems, RUN), *_runs(words, LONG)}
                letters = "".join(words)
            problem = marks.problem(unusual, runs, letters)
            if problem:
                self._found[text] = problem

    def problem(self, text: str) -> str:
        """Why a text is no text of its own; "" where it is one, as far as was looked at."""
        return self._found.get(text, "")


class _Marks:
    """What of a text is looked for in logs."""

    def __init__(self, text: str, usual: set[str], own: set[Sequence[str]]) -> None:
        self.sentences = [
            {one for word in words_of(part) if (one := stem(word)) not in usual}
            for part in _SENTENCE.split(text)
        ]
        self.unusual: set[str] = set().union(*self.sentences)
        words = words_of(text)
        stems = [stem(word) for word in words]
        self.runs = {run for run in _runs(stems, RUN) if not self.unusual.isdisjoint(run)}
        self.long = {run for run in _runs(words, LONG) if run not in own}
        self.squeezed = [joined for joined in _squeezed(words, usual) if len(joined) >= SQUEEZED]

    def problem(self, unusual: set[str], runs: set[Sequence[str]], letters: str) -> str:
        if not runs.isdisjoint(self.runs) or not runs.isdisjoint(self.long):
            return "it holds a run of words of a log"
        if any(joined in letters for joined in self.squeezed):
            return "it holds letters of a log, cut otherwise"
        if len(unusual & self.unusual) >= SHARED:
            return "it says with a log's words what a log says"
        for sentence in self.sentences:
            shared = len(unusual & sentence)
            if shared >= 2 and 2 * shared >= len(sentence):
                return "a sentence says with a log's words what a log says"
        return ""


def _runs(words: Sequence[str], length: int) -> Iterator[Sequence[str]]:
    return (tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def _squeezed(words: Sequence[str], usual: set[str]) -> Iterator[str]:
    """Unusual words that follow each other, two or more, as one."""
    for is_usual, some in groupby(words, lambda word: stem(word) in usual):
        row = [*some]
        if not is_usual and len(row) > 1:
            yield "".join(row)
