"""What judging costs before anybody is asked: mining, the evidence pack, the edit of the source.

    python tests/benchmarks/bench_judge.py [--ticks 20000] [--lines 2000] [--rounds 5]

Mining is `mine` as the job calls it, from the file to the findings, against json.loads over every
line alone, which finds nothing. The edit is `parse_prompt` and `edited` with every check, against
ast.parse of the same file alone. Sides take turns; what is compared is CPU time. Prints figures and
asserts nothing about time; only that what was planted was found and that no other byte changed.
Last, how many pairs a trial takes and what the watch over a rewrite takes back, by drawn runs
(`--only-decisions` for these alone).
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import random
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from report import Goal, Samples, Table, alternate, scratch

from handlers.judge.evidence.mining import mine, report_on
from handlers.judge.evidence.pack import build_pack, split
from handlers.judge.evidence.report import MiningReport
from handlers.judge.evidence.ticks import RunLog
from handlers.judge.gates.budget import spendable
from handlers.judge.gates.tally import Drive, Tally
from handlers.judge.monitor.sequential import LAST, RunScore, decide, first_look
from handlers.judge.prompt.check import check_static
from handlers.judge.prompt.rules.grammar import parse_all
from handlers.judge.prompt.source import edited, parse_prompt
from handlers.judge.settings import JudgeSettings
from handlers.project.library import library_for
from handlers.project.spec import parse_spec

SPEC = parse_spec(
    (files("handlers.project") / "sample" / "mission" / "env.json").read_bytes(), "env.json"
)
LIBRARY = library_for(SPEC.robot, None, SPEC.signals)
RUNS = 100
BUDGET = 5000
STUCK = 5
"""Every run is stuck for so many ticks, once in each phase."""

RULES = parse_all(
    [
        "- when fallen: stand_up",
        "- when near victim: signal_victim_found",
        "- when in enter_debris and stuck for 3 ticks: walk_backward distance_m=0.3",
    ]
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=20_000, help="in all logs together")
    parser.add_argument("--lines", type=int, default=2_000, help="of the source that is edited")
    parser.add_argument("--rounds", type=int, default=5, help="times each side is run")
    parser.add_argument("--only-decisions", action="store_true", help="the trial and the watch")
    options = parser.parse_args()
    if not options.only_decisions:
        costs(options)
    trying()
    watching()


def costs(options: argparse.Namespace) -> None:
    with scratch() as folder:
        logs = write_logs(folder, options.ticks)
        size = sum(log.path.stat().st_size for log in logs)
        print(
            f"{options.ticks:,} ticks in {len(logs)} logs, {size / options.ticks:,.0f} bytes a line"
        )
        mining(logs, options.ticks, options.rounds)
        pack(mine(logs, SPEC, LIBRARY), options.rounds)
        editing(folder / "main.py", options.lines, options.rounds)


def cpu_ms(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


# -- mining ----------------------------------------------------------------------------------------


def mining(logs: list[RunLog], ticks: int, rounds: int) -> None:
    def plain() -> None:
        for log in logs:
            with log.path.open("rb") as lines:
                for line in lines:
                    json.loads(line)

    ours, loads = (
        Samples(values, "ms")
        for values in alternate(
            rounds, lambda: cpu_ms(lambda: mine(logs, SPEC, LIBRARY)), lambda: cpu_ms(plain)
        )
    )
    report = mine(logs, SPEC, LIBRARY)
    if report.ticks != ticks:
        raise SystemExit(f"{report.ticks} ticks were read, not {ticks}")
    for phase in SPEC.phases:
        found = report.finding(f"stuck@{phase.name}")
        if found is None or found.runs != len(logs):
            raise SystemExit(f"stuck@{phase.name} is not in every run: {found}")
    table = Table(f"mining {ticks:,} ticks: {len(report.findings)} failure modes")
    table.add("file to findings", ours, against="json.loads alone", other=loads, goal=Goal(1.5))
    table.add("file to findings", ours, goal=Goal(100))
    table.show()


def write_logs(folder: Path, ticks: int) -> list[RunLog]:
    """Logs of recorded shape (about 2.3 KB a line), with a stuck stretch in each phase."""
    rng, logs = random.Random(20260214), []
    for number in range(RUNS):
        run = f"2026-02-14-run-{number:03}"
        length = ticks // RUNS + (number < ticks % RUNS)
        path = folder / f"{run}.log.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            for tick in range(1, length + 1):
                stream.write(json.dumps(record(rng, tick, length)) + "\n")
        logs.append(RunLog(run, path))
    return logs


def record(rng: random.Random, tick: int, length: int) -> dict[str, Any]:
    """A tick: stuck in the first few of a phase, and now and then unlike the canonical action."""
    at = (tick - 1) * len(SPEC.phases) // length
    phase = SPEC.phases[at].name
    since = tick - 1 - -(-at * length // len(SPEC.phases))
    stuck = since < STUCK
    action = "walk_forward" if stuck else rng.choice(("turn_left", "crawl_forward", "stand_up"))
    why = f"nearest obstacle {rng.random():.2f} m ahead, footholds between the rubble piles; " * 4
    return {
        "tick": tick,
        "phase": phase,
        "phase_idx": at,
        "goal_prompt": SPEC.phases[at].goal_prompt,
        "action": action,
        "action_params": {"speed": 1.0, "extension": 1.0, "repeat": 1, "distance_m": 0.3},
        "obs": {
            "body_height": rng.gauss(0.28, 0.01),
            "roll_deg": rng.gauss(0, 4),
            "pitch_deg": rng.gauss(0, 4),
            "feet_grounded": rng.randrange(5),
            "nearest_m": rng.choice((-1.0, rng.random())),
            # On a side of the hall where no zone is: away from the start, but not while stuck.
            "pos_x": 3.0 + 0.3 * (tick if not stuck else tick - since),
            "pos_y": 2.0,
        },
        "reward": rng.gauss(0, 1),
        "phase_done": False,
        "phase_failed": False,
        "terminated": tick == length,
        "truncated": tick == length,
        "mission_success": False,
        "step_ok": True,
        "motion": {
            "label": "stuck" if stuck else "moving",
            "speed_ms": rng.random(),
            "displacement_m": rng.random(),
            "path_length_m": rng.random(),
            "direction_changes": rng.randrange(4),
            "height_change_m": rng.gauss(0, 1e-4),
            "distance_to_goal_m": rng.random(),
            "goal_xyz": [-1.95, 0.0, 0.5],
        },
        "judgment": {
            "match": rng.random() < 0.8,
            "family_match": False,
            "param_delta": {"distance_m": rng.gauss(0, 0.2)},
            "severity": rng.random(),
            "rationale": why,
            "canonical_action": rng.choice(("walk_backward", "climb_step")),
            "canonical_params": {"distance_m": 0.3},
            "canonical_confidence": rng.random(),
            "canonical_reason": why,
            "library_spec": {"name": "walk_backward", "description": why, "distance_m": 0.5},
            "model_rationale": None,
            "rationale_alignment": "none",
        },
        "visible_tags": {"rubble": rng.random(), "victim": rng.random()},
        "is_signal": False,
        "signal_event": "none",
        "signal_phrase": None,
    }


# -- the evidence pack -----------------------------------------------------------------------------


def pack(report: MiningReport, rounds: int) -> None:
    learned, tested = split(report.episodes)
    shown = report_on(learned, SPEC, LIBRARY)
    made = build_pack(shown, SPEC, [], BUDGET)
    everything = sum(len(json.dumps(finding.as_json())) for finding in shown.findings)
    speed = Samples(
        tuple(cpu_ms(lambda: build_pack(shown, SPEC, [], BUDGET)) for _ in range(rounds)), "ms"
    )
    table = Table(
        f"evidence: {len(learned)} runs to learn from, {len(tested)} held out;"
        f" {len(made.mode_ids)} of {len(shown.findings)} modes, {len(made.text):,} bytes"
        f" (every citation would be {everything:,})"
    )
    table.add("tokens, estimated", Samples((made.tokens,), "tokens"), goal=Goal(BUDGET))
    table.add("tokens of the halved one", Samples((made.halved().tokens,), "tokens"),
              goal=Goal(BUDGET // 2))  # fmt: skip
    table.add("building it", speed)
    table.show()


# -- the edit --------------------------------------------------------------------------------------


def editing(path: Path, lines: int, rounds: int) -> None:
    data = source(lines)
    count = data.count(b"\n")

    def edit() -> bytes:
        return edited(parse_prompt(data, path), RULES)

    def gate() -> None:
        check_static(parse_prompt(data, path), after)

    after = edit()
    if edited(parse_prompt(after, path), []) != data:
        raise SystemExit("taking the block out does not give back the bytes there were")
    ours, gated, parse = (
        Samples(values, "ms")
        for values in alternate(
            rounds,
            lambda: cpu_ms(edit),
            lambda: cpu_ms(gate),
            lambda: cpu_ms(lambda: ast.parse(data)),
        )
    )
    table = Table(f"editing a source of {count:,} lines, {len(data):,} bytes")
    table.add("the verified edit", ours, against="ast.parse alone", other=parse)
    table.add("the static gate", gated, against="ast.parse alone", other=parse)
    table.show()


def source(lines: int) -> bytes:
    """A file of ordinary code with a prompt in its middle."""
    function = '''

def step_{0}(values, limit={0}):
    """Add up what is below a limit."""
    total = 0.0
    for index, value in enumerate(values):
        if value is not None and value < limit:
            total += value * 0.5 + index  # a weight
    return {{"total": total, "limit": limit}}
'''
    prompt = 'SYSTEM_PROMPT = """\\\nGuide the robot.\n\n- when always: stand\n"""\n'
    some = max(2, lines // function.count("\n"))
    made = [function.format(number) for number in range(some)]
    made.insert(some // 2, f"\n{prompt}")
    return "".join(made).encode()


def trying(trials: int = 1000) -> None:
    """How many pairs a trial takes that finds a rewrite better, and what becomes of others."""
    print(f"\nthe trial of a rewrite, {trials} trials each, success drawn apart")
    print("TRIAL  LEVEL     SUCCESS     IMPROVED  PAIRS: MEDIAN, 80% OF TRIALS  GIVEN UP AFTER")
    draw = random.Random(13)
    for decision in (1, 10, 50):
        for old, new in ((0.5, 0.7), (0.2, 0.4), (0.7, 0.9), (0.5, 0.5), (0.1, 0.1)):
            made = [tried(draw, old, new, spendable(decision)) for _ in range(trials)]
            found = sorted(item.pairs for item in made if item.decided == "improved")
            others = sorted(item.pairs for item in made if item.decided != "improved")
            at = [found[n] for n in (trials // 2, trials * 4 // 5) if n < len(found)]
            print(f"{decision:>5}  {spendable(decision):<8.2g}  {old} -> {new}"
                  f"  {len(found) / trials:>8.1%}  {', '.join(map(str, at)) or '-':>28}"
                  f"  {others[len(others) // 2] if others else '-':>14}")  # fmt: skip


def tried(draw: random.Random, old: float, new: float, level: float) -> Tally:
    made = Tally(level, ["go"])
    while made.decided is None and made.pairs < JudgeSettings().seeds:
        made.add(*(drive(draw.random() < share) for share in (old, new)))
    return made


def drive(success: bool) -> Drive:
    return Drive(0, success, ("go",) * success, 0)


def watching(windows: int = 1000) -> None:
    """How often the watch takes a rewrite back that changes nothing, or that does harm."""
    print(f"\nthe watch over a rewrite, {windows} windows each")
    print("RUNS BEFORE  FIRST LOOK  NO DIFFERENCE  ALL FAIL SINCE  EVERY OTHER ONE FAILS"
          "  KEPT AFTER, IF ALL IS WELL")  # fmt: skip
    draw = random.Random(11)
    for before in (20, 12, 8, 4, 3, 2):  # with one before, it cannot tell
        fine = [score(True) for _ in range(before)]
        alike = taken(windows, lambda n=before: [score_of(draw) for _ in range(n + LAST)], before)
        all_fail = taken(1, lambda f=fine: [*f, *[score(False)] * LAST], before)
        half = taken(
            windows,
            lambda f=fine: [*f, *(score(draw.random() < 0.5) for _ in range(LAST))],
            before,
        )
        well = decide(fine, [score(True)] * LAST).evidence["after"]["runs"]
        print(f"{before:>11}  {first_look(fine):>10}  {alike:>13.1%}  {all_fail:>14.0%}"
              f"  {half:>21.0%}  {well:>26}")  # fmt: skip


def taken(windows: int, drawn: Callable[[], list[RunScore]], before: int) -> float:
    """The share of windows in which some look says "worse"."""
    made = (drawn() for _ in range(windows))
    worse = sum(decide(runs[:before], runs[before:]).decision == "worse" for runs in made)
    return worse / windows


def score(success: bool) -> RunScore:
    return RunScore("r", success, 5 if success else 0)


def score_of(draw: random.Random) -> RunScore:
    """Any number, so that no two are alike: ties make false alarms rarer."""
    return RunScore("r", False, draw.randrange(10**6))


if __name__ == "__main__":
    main()
