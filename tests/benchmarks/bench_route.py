"""The planner and the judgment on layouts made at random and never used for tuning.

    python tests/benchmarks/bench_route.py [--layouts 200] [--planted 100]

Prints how many layouts the scripted driver gets through, how many of its actions the judgment
blames, and how many of the bad actions planted into its runs (wrong way, idle, into a wall,
over-rotation) it finds, among others varied in fair ways. Nothing here asserts.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from a checkout as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from planting import Tally, drive
from scenes import random_spec

FIRST_SEED = 60_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--layouts", type=int, default=200)
    parser.add_argument("--planted", type=int, default=100)
    args = parser.parse_args()
    plain, planted = Tally(), Tally()
    for seed in range(FIRST_SEED, FIRST_SEED + args.layouts):
        drive(random_spec(seed), seed, plain)
    print(f"layouts: {plain.won} of {plain.runs} won; {plain.lost or 'none lost'}")
    print(f"blamed on won runs: {len(plain.blamed)} of {plain.good} ticks")
    for seed in range(FIRST_SEED + 10_000, FIRST_SEED + 10_000 + args.planted):
        drive(random_spec(seed), seed, planted, plant=0.3, vary=0.5)
    for kind, count in sorted(planted.planted.items()):
        print(f"planted, {kind}: {planted.found[kind]} of {count} found")
    print(f"recall {planted.recall:.1%}, blamed of the others: {len(planted.blamed)} of "
          f"{planted.good} ({planted.false_rate:.1%})")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
