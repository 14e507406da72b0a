"""How often the gate is fooled, and how often it lets a good adapter pass; prints, no asserts.

    bench_exam.py [ROUNDS [FIRST]] [PART ...]

Simulated projects (tests/support/pupils.py, cheats.py) through the exam's own code: 2,000 attempts
of each kind, loops of up to 12 looks too. An adapter is a chance for each plan, drawn and not
trained: what is tried is the gate, not the head. In all but the last table the adapter is worth
less than the threshold of .8: it gets .70 to .79 of fresh phrasings of what is taught.

All of it takes some hours of one core, mostly the loops: ROUNDS attempts from the FIRST one on (0)
are a piece of it, a PART is once, loops, chosen or honest (each of them), and counts of pieces add
up. With each count comes the exact one-sided 95% bound for the share of such attempts that pass.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from cheats import CHOSEN, LOOPS, ONCE, Attempt
from pupils import honest

from handlers.lora.scorecard.statistics import upper_bound

ROUNDS = 2_000
HONEST: Mapping[str, Attempt] = {
    f"worth {worth}, {part:.0%} of the rows asked for": partial(honest, worth=worth, part=part)
    for worth in (0.9, 0.95)
    for part in (0.8, 1.0, 1.2)
}
PARTS: Mapping[str, tuple[str, Mapping[str, Callable[[random.Random], bool]]]] = {
    "once": ("DEPLOY for an adapter worth less than the threshold, at one look", ONCE),
    "loops": ("the same, in up to 12 looks", LOOPS),
    "chosen": ("the same, by choosing rows between 12 scorings", CHOSEN),
    "honest": ("DEPLOY at the first look for an honest adapter", HONEST),
}


def main(rounds: int, first: int, parts: list[str]) -> None:
    for part in parts:
        title, attempts = PARTS[part]
        print(f"{title}, attempts {first:,} to {first + rounds - 1:,}:", flush=True)
        for name, attempt in attempts.items():
            began = time.monotonic()
            seeds = range(first, first + rounds)
            passed = sum(attempt(random.Random(seed)) for seed in seeds)
            took = time.monotonic() - began
            most = upper_bound(passed, rounds)
            print(
                f"  {passed:5,} of {rounds:,} (at most {most:.2%}; {took:.0f} s)  {name}",
                flush=True,
            )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    chosen = [word for word in sys.argv[1:] if not word.isdigit()]
    rounds, first = [*numbers, *(ROUNDS, 0)[len(numbers) :]]
    main(rounds, first, chosen or [*PARTS])
