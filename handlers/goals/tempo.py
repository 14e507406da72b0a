"""How fast, where no number says it: "slowly" and "quickly" as factors of the action's speed.

A convention, as that a walk without a distance is a metre: half as fast again as the library's own
speed, or half of it. Recorded examples mean the same by them ("go ahead slowly for 2 m at 0.5
speed"). What says more or less than that ("very slowly") is in doubt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from handlers.goals.words.vocabulary import sense_at

SPEEDS: Mapping[str, float] = {"slow": 0.5, "fast": 1.5}


def tempos(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The phrases of `words` that say how fast: each as it stands there, and "slow" or "fast"."""
    index = 0
    while index < len(words):
        known = sense_at(words, index)
        end = known[1] if known else index + 1
        if known and known[0].role == "tempo":
            yield " ".join(words[index:end]), known[0].value
        index = end
