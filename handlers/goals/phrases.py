"""Turns of phrase that say in what order, how fast or how far round, in the words looked for."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.goals.tokens import Token

_TURNS = ("turn", "rotation", "revolution", "circle", "spin", "pirouette")
_WHOLE = ("full", "whole", "complete", "entire")
_PLAIN: tuple[tuple[str, str], ...] = (
    ("and after that", "then"), ("after that", "then"), ("after which", "then"),
    ("after this", "then"), ("and afterwards", "then"), ("once done", "then"),
    ("when done", "then"), ("when finished", "then"), ("when you are done", "then"),
    ("when you're done", "then"), ("and once there", "then"), ("but before that", "after"),
    ("before that", "after"), ("but first", "after"), ("as soon as you", "after you"),
    ("as soon as", "after"), ("once you've", "after you"), ("once you have", "after you have"),
    ("once that", "after that"), ("when you have", "after you have"),
    ("when you've", "after you"), ("when you are done with", "after"),
    ("when you're done with", "after"), ("once you are done with", "after"),
    ("prior to", "before"), ("having", "after"),
    ("at twice the speed", "at 2 times speed"), ("twice as fast", "at 2 times speed"),
    ("at double speed", "at 2 times speed"), ("at double the speed", "at 2 times speed"),
    ("at half the speed", "at 0.5 times speed"), ("half as fast", "at 0.5 times speed"),
    ("at full speed", "at 1 times speed"),
    ("at normal speed", "at 1 times speed"),
    # sayings, not two things to do
    ("back and forth", "back & forth"), ("to and fro", "to & fro"),
    ("up and down", "up & down"), ("round and round", "round & round"),
    ("rise and shine", "rise & shine"),
    *((f"half a {word}", "180 degrees") for word in _TURNS),
    *((f"a half {word}", "180 degrees") for word in _TURNS),
    *((f"half {word}", "180 degrees") for word in _TURNS),
    *((f"a quarter of a {word}", "90 degrees") for word in _TURNS),
    *((f"quarter of a {word}", "90 degrees") for word in _TURNS),
    *((f"a quarter {word}", "90 degrees") for word in _TURNS),
    *((f"quarter {word}", "90 degrees") for word in _TURNS),
    *((f"three quarters of a {word}", "270 degrees") for word in _TURNS),
    *((f"three quarter {word}", "270 degrees") for word in _TURNS),
    *((f"{whole} {word}", "turnful") for word in _TURNS for whole in _WHOLE),
    *((f"{whole} {word}s", "turnfuls") for word in _TURNS for whole in _WHOLE),
)  # fmt: skip
_BY_FIRST: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
for _phrase, _plain in sorted(_PLAIN, key=lambda pair: -len(pair[0].split())):
    _words = tuple(_phrase.split())
    _BY_FIRST.setdefault(_words[0], []).append((_words, tuple(_plain.split())))


def put_plainly(found: Sequence[Token]) -> list[Token]:
    """The tokens, with each phrase (the longest first) as its plain words, in its own place."""
    made: list[Token] = []
    index = 0
    while index < len(found):
        for phrase, plain in _BY_FIRST.get(found[index].text, ()):
            here = found[index : index + len(phrase)]
            if tuple(token.text for token in here) == phrase:
                made += [Token(word, here[0].start, here[-1].end) for word in plain]
                index += len(phrase)
                break
        else:
            made.append(found[index])
            index += 1
    return made
