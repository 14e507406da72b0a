"""Are the causes of failure found? Faults in the simulator, recall and precision a cause.

    python tests/benchmarks/bench_causes.py [--quick] [--seeds 20] [--clean 500] [--only NAME]

Each fault (tests/support/faults.py) drives the missions in which it can be made, with each seed;
what `mine` finds in the one log is held against what the fault is. Recall: runs of a fault in which
its cause is named. Precision: of all that is named in those runs, what the fault is. Runs that
succeed in spite of their fault are left out, with their count. Each run is mined a second time as a
poorer log (no motion, no judgment, no outcome, no contacts). Last, clean runs of all missions that
succeed, in which nothing may be found.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import faults

from handlers.judge.evidence.mining import mine
from handlers.judge.evidence.ticks import RunLog

FIRST_SEED = 4100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2 seeds, 12 clean runs")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--clean", type=int, default=500)
    parser.add_argument("--only", help="one fault's name")
    parser.add_argument("-v", action="store_true", help="say what is named wrongly, or not at all")
    options = parser.parse_args()
    seeds, clean = (2, 12) if options.quick else (options.seeds, options.clean)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), seeds, options.only, options.v)
        if not options.only:
            clean_runs(Path(folder), clean)


def measure(folder: Path, seeds: int, only: str | None, verbose: bool) -> None:
    settings = {setting.name: setting for setting in faults.settings()}
    print(f"{'fault':24} {'runs':>5} {'recall':>8} {'precision':>10}   as a poorer log")
    totals: dict[str, Counter[str]] = {"": Counter(), "poorer": Counter()}
    for name, case in faults.CASES.items():
        if only and name != only:
            continue
        counts: dict[str, Counter[str]] = {"": Counter(), "poorer": Counter()}
        for mission in case.missions:
            for seed in range(FIRST_SEED, FIRST_SEED + seeds):
                records = faults.drive(settings[mission], case, seed)
                if any(record["mission_success"] for record in records):
                    counts[""]["fine"] += 1
                    continue
                for how, log in (("", records), ("poorer", faults.poorer(records, case))):
                    kinds = found(folder, settings[mission], log)
                    true = kinds & set(case.true)
                    counts[how] += Counter(runs=1, named=bool(true & {*case.true[:1]}),
                                           right=len(true), told=len(kinds))  # fmt: skip
                    if verbose and (kinds - true or not true):
                        print(f"    {how or 'log'} {mission} {seed}: {sorted(kinds)}")
        for how in totals:
            totals[how] += counts[how]
        print(f"{name:24} {counts['']['runs']:>5} {rates(counts[''])}   {rates(counts['poorer'])}"
              + (f"   ({counts['']['fine']} succeeded)" if counts[""]["fine"] else ""))  # fmt: skip
    print(f"{'all':24} {totals['']['runs']:>5} {rates(totals[''])}   {rates(totals['poorer'])}")


def rates(count: Counter[str]) -> str:
    recall = count["named"] / max(1, count["runs"])
    return f"{recall:>8.1%} {count['right'] / max(1, count['told']):>10.1%}"


def found(folder: Path, setting: faults.Setting, records: list[faults.Record]) -> set[str]:
    path = folder / "run.log.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    report = mine([RunLog("run", path)], setting.spec, setting.library)
    return {str(finding.kind) for finding in report.findings}


def clean_runs(folder: Path, runs: int) -> None:
    """Successful runs alone, and all of them together with one failure a mission: no finding of
    theirs may be left."""
    settings = faults.settings()
    succeeded = named = 0
    for number in range(runs):
        setting = settings[number % len(settings)]
        records = faults.drive(setting, None, FIRST_SEED + number)
        if records[-1]["mission_success"]:
            succeeded += 1
            named += bool(found(folder, setting, records))
    print(f"\nclean runs: {succeeded} of {runs} succeeded; findings in {named} of them")


if __name__ == "__main__":
    main()
