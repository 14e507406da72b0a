"""Do candidates of our own help? Enumerated from failed runs, each driven on a few seeds.

    python tests/benchmarks/bench_candidates.py [--only MISSION] [--seeds 2] [--runs 4] [--most 24]

For the sample under its own prompt, and three missions under prompts that fail them
(tests/support/flawed.py): runs are driven, mined, candidates enumerated and screened; then each
drives the seeds that the prompt drives as it is. Its gain is in phases done, success being one
more, of a mission on average. A few seeds choose and prove nothing: that is the trial's part.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from flawed import BUILT_IN, flawed, mined

from handlers.judge.candidates.enumerate import MOST, enumerate_candidates
from handlers.judge.candidates.screen import screen
from handlers.judge.gates.arena import Arena
from handlers.judge.gates.tally import Drive
from handlers.judge.prompt.rules.placing import placed
from handlers.judge.prompt.source import PromptSource, edited

FIRST_SEED = 7000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="one mission's name")
    parser.add_argument("--seeds", type=int, default=2, help="missions that a candidate drives")
    parser.add_argument("--runs", type=int, default=4, help="failed runs to learn from")
    parser.add_argument("--most", type=int, default=MOST, help="candidates of a mission")
    parser.add_argument("-v", action="store_true", help="print each candidate's rules")
    options = parser.parse_args()
    for setting, source in flawed():
        if options.only and setting.name != options.only:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            report = mined(setting, source, Path(folder), range(options.runs))
        found = enumerate_candidates(
            report, setting.spec, setting.library, [], source.value, options.most
        )
        kept, dropped = screen(found, report, setting.spec, setting.library, source.value)
        causes = ", ".join(finding.id for finding in report.findings)
        print(f"{setting.name}: {len(kept)} candidates ({len(dropped)} dropped) for {causes}")
        with Arena(setting.spec, setting.library, BUILT_IN) as arena:
            before = score(arena, source, options.seeds)
            gains = []
            for candidate in kept:
                rules = placed(candidate.rules).rules
                made = source.again(edited(source, rules))
                gains.append(score(arena, made, options.seeds) - before)
                print(f"  {gains[-1]:+5.1f}  {candidate.why}", flush=True)
                if options.v:
                    print("".join(f"           {line}\n" for line in candidate.lines), end="")
        better = [gain for gain in gains if gain > 0]
        first = next((at for at, gain in enumerate(gains, 1) if gain > 0), None)
        print(
            f"  {len(better)} of {len(gains)} are ahead of {before:.1f} a mission, the first of"
            f" them is number {first}, the best by {max(gains, default=0.0):+.1f};"
            f" {time.monotonic() - began:.0f} s\n"
        )


def score(arena: Arena, source: PromptSource, seeds: int) -> float:
    driven = [arena.drive(source, FIRST_SEED + seed) for seed in range(seeds)]
    return sum(one.score for one in driven if isinstance(one, Drive)) / seeds


if __name__ == "__main__":
    main()
