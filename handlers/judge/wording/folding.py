"""Words as they are compared: letters that look alike are one, accents and endings do not count."""

from __future__ import annotations

import re
import unicodedata

STEM = 5
"""Letters that are compared of a longer word: "ignoring" is "ignore", and "printed" is "prints"."""
_WORD = re.compile(r"[^\W\d_]+")
_ALIKE = str.maketrans(
    "авекмнорстухіјѕԁһԛԝ" "αβεικνορτυχϲϳ" "ıłøđ",
    "abekmhopctyxijsdhqw" "abeikvoptuxcj" "ilod",
)  # fmt: skip
"""Letters of Cyrillic and Greek that are drawn like Latin ones (Unicode TR 39), in lower case."""


def folded(text: str) -> str:
    """For comparison alone."""
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf", "Cc"))
    return unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)


def words_of(text: str) -> list[str]:
    """The words of a text, folded. Spaces and line ends are no letters before folding."""
    return _WORD.findall(folded(re.sub(r"\s", " ", text)))


def stem(word: str) -> str:
    """A folded word's beginning; a shorter word without the endings that English has."""
    if len(word) > STEM:
        return word[:STEM]
    for ending in ("es", "ed", "s", "e"):
        if len(word) > len(ending) + 2 and word.endswith(ending):
            return word.removesuffix(ending)
    return word


def script(letter: str) -> str:
    """The script of a letter, as its Unicode name says: LATIN, CYRILLIC ..."""
    return unicodedata.name(letter, "?").partition(" ")[0]
