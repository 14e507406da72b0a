"""How often the gate is fooled, and how often it lets a good adapter pass; prints, no asserts.

Simulated projects (tests/support/pupils.py) through the exam's own code, 2,000 attempts of each
kind. In each but the last the adapter is worth less than the threshold, .8: .70 to .79 of fresh
phrasings of what is taught. The last is honest and worth .9. Loops go on for up to 12 looks, or
until DEPLOY.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from pupils import ATTEMPTS, honest

ROUNDS = 2_000


def rate(attempt: Callable[[random.Random], bool], rounds: int) -> float:
    return sum(attempt(random.Random(seed)) for seed in range(rounds)) / rounds


def main(rounds: int) -> None:
    print(f"{rounds:,} attempts each; DEPLOY for an adapter worth less than the threshold:")
    for name, attempt in ATTEMPTS.items():
        began = time.perf_counter()
        fooled = rate(attempt, rounds)
        print(f"  {fooled:6.2%}  {name} ({time.perf_counter() - began:.0f} s)", flush=True)
    for worth, sizes in ((0.9, (100, 150, 200, 250)), (0.95, (50, 75, 100, 150))):
        print(f"DEPLOY at the first look for an honest adapter worth {worth}:")
        for rows in sizes:
            passed = rate(partial(honest, rows=rows, worth=worth), rounds)
            print(f"  {passed:6.1%}  {rows} exam rows", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
