"""Other ways to say a goal, to learn from besides what was taught.

A word is left out here and there, and a polite opening put before it: neither changes what is
meant. Words that say which way, and numbers, are never left out.
"""

from __future__ import annotations

from random import Random

from handlers.lora.model.answers.directions import WAYS

VIEWS = 4
"""Ways to say each goal that are made; one is shown in an epoch."""
LEFT_OUT = 0.1
"""Of the words; all of them stay in a goal of two."""
OPENED = 0.3
"""Of the goals."""
OPENINGS = (
    "please",
    "could you",
    "would you please",
    "can you",
    "i want you to",
    "i need you to",
    "hey robot",
    "now",
    "ok",
    "go ahead and",
    "robot",
    "let's",
)


def view(spoken: str, draw: Random) -> str:
    """A goal as it might also have been said."""
    words = spoken.split()
    if len(words) > 2:
        stays = [word in WAYS or word == "some" or draw.random() > LEFT_OUT for word in words]
        words = [word for word, keep in zip(words, stays, strict=True) if keep] or words
    if draw.random() < OPENED:
        words = [draw.choice(OPENINGS), *words]
    return " ".join(words)
