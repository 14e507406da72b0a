"""How often the gate is fooled, and how often it lets a good adapter pass; prints, no asserts.

Simulated projects (tests/support/pupils.py) through the exam's own code: 2,000 attempts of each
kind, loops of up to 12 looks too. An adapter is a chance for each plan, drawn and not trained: what
is tried is the gate, not the head (a quarter of an hour; a number of attempts may be given). In all
but the last table the adapter is worth less than the threshold of .8: it gets .70 to .79 of fresh
phrasings of what is taught.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from pupils import LOOPS, ONCE, honest

ROUNDS = 2_000


def rate(attempt: Callable[[random.Random], bool], rounds: int) -> float:
    return sum(attempt(random.Random(seed)) for seed in range(rounds)) / rounds


def main(rounds: int) -> None:
    print("DEPLOY for an adapter worth less than the threshold:")
    for name, attempt in ONCE.items():
        print(f"  {rate(attempt, rounds):6.2%} of {rounds:,}  {name}", flush=True)
    for name, attempt in LOOPS.items():
        print(f"  {rate(attempt, rounds):6.2%} of {rounds:,}  {name}", flush=True)
    print("DEPLOY at the first look for an honest adapter, with a part of the rows asked for:")
    for worth in (0.9, 0.95):
        for part in (0.8, 1.0, 1.2):
            passed = rate(partial(honest, worth=worth, part=part), rounds)
            print(f"  {passed:6.1%}  worth {worth}, {part:.0%} of the rows", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
