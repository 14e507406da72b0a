"""How fast a run log becomes training records, beside the loop one would write without us.

    python tests/benchmarks/bench_export.py [--ticks 200000] [--repeats 3]

Both sides write the same records of the same log. The plain loop is json.loads, str.format and
json.dumps for each line, and checks nothing; the other side is `cadenza env finetune` as it is
typed: every guard on, both files hashed, everything synced to disk, the export recorded in the
history. A third side only copies the log and hashes what it reads and writes, a fourth decodes its
lines besides: no export that does that can be faster. Each run is a process of its own, the sides
take turns, and what is compared is the CPU time (user and system) of whole processes, their start
included. What each stage of an export takes is told apart by one more process.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from processes import BIN, cpu_ms
from report import CHECKOUT, Goal, Samples, Table, alternate, scratch

sys.path.insert(0, str(CHECKOUT))  # the sides run from a checkout as it is

from handlers.export.blocks import BlockReader, Record
from handlers.export.export import export_run
from handlers.export.files import LogReader, NewFile, publish
from handlers.export.prompts import Prompts
from handlers.export.records import Recipe
from handlers.export.template import compile_template
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE

MISSION, PHASES = "rescue-dog-debris", ("approach", "enter_debris", "find_victim", "exit", "patrol")
STAGES = ("start", "read, hash", "decode, guard", "prompts", "encode", "hash, write")
SAMPLE_EVERY = 37
SMALL = 20_000


# -- a log like the recorded ones ------------------------------------------------------------------


def write_log(path: Path, ticks: int) -> None:
    """Write a run log of about 1.9 KB a line; every number that varies in real logs varies."""
    rng = random.Random(20260214)
    with path.open("w", encoding="utf-8") as stream:
        for tick in range(1, ticks + 1):
            stream.write(json.dumps(_record(rng, tick, tick * len(PHASES) // (ticks + 1))) + "\n")


def _record(rng: random.Random, tick: int, phase: int) -> dict[str, Any]:
    def gauss(spread: float, middle: float = 0.0) -> float:
        return rng.gauss(middle, spread)

    roll, pitch, height = gauss(4), gauss(4), gauss(0.01, 0.28)
    feet = rng.randrange(5)
    action = rng.choice(("walk_forward", "turn_left", "crawl_forward", "stand_up"))
    distance = round(rng.uniform(0.3, 1.4), 1)
    why = (
        f"attitude/feet warn (roll={roll:+.0f}\u00b0 pitch={pitch:+.0f}\u00b0 h={height:.2f}m "
        f"feet={feet}) \u2014 library entry stand_up before any locomotion"
    )
    return {
        "tick": tick,
        "phase": PHASES[phase],
        "phase_idx": phase,
        "goal_prompt": f"walk forward {1 + phase / 5} meters carefully into the debris interior, "
        "picking footholds between the rubble piles",
        "action": action,
        "action_params": {"speed": 1.0, "extension": 1.0, "repeat": 1, "distance_m": distance},
        "obs": {
            "body_height": height,
            "roll_deg": roll,
            "pitch_deg": pitch,
            "feet_grounded": feet,
            "nearest_m": -1.0 if rng.random() < 0.5 else abs(gauss(1)),
            "pos_x": gauss(2),
            "pos_y": gauss(2),
        },
        "reward": gauss(1),
        "phase_done": rng.random() < 0.1,
        "phase_failed": False,
        "terminated": False,
        "truncated": False,
        "mission_success": False,
        "step_ok": True,
        "motion": {
            "label": rng.choice(("stuck", "moving", "navigating", "reaching_goal")),
            "speed_ms": abs(gauss(0.1)),
            "displacement_m": abs(gauss(1)),
            "path_length_m": abs(gauss(1)),
            "direction_changes": rng.randrange(4),
            "height_change_m": gauss(1e-4),
            "distance_to_goal_m": abs(gauss(1)),
            "goal_xyz": [-1.9500000000000002, 0.0, 0.5],
        },
        "judgment": {
            "match": False,
            "family_match": False,
            "param_delta": {"distance_m": gauss(0.2)},
            "severity": rng.random(),
            "rationale": f"recovery was canonical (stand_up), model emitted {action} \u2014 {why}",
            "canonical_action": "stand_up",
            "canonical_params": {},
            "canonical_confidence": 0.95,
            "canonical_reason": why,
            "library_spec": {
                "name": "stand_up",
                "description": "Rise from prone. Calves tuck first, then thighs push.",
                "robot": "go1",
                "distance_m": 0.0,
                "rotation_rad": 0.0,
                "duration_s": 6.5,
                "speed_ms": 0.0,
                "max_pitch_rad": 1.2,
                "max_roll_rad": 1.2,
                "min_feet_contact": 0,
                "hip_range": [-0.863, 0.863],
                "thigh_range": [-0.686, 4.501],
                "knee_range": [-2.818, -0.888],
                "gait": None,
            },
            "model_rationale": None,
            "rationale_alignment": "none",
        },
        "visible_tags": {"rubble": round(abs(gauss(1)), 3), "victim": round(abs(gauss(2)), 3)},
        "is_signal": False,
        "signal_event": "none",
        "signal_phrase": None,
    }


# -- the two sides, each run in a process of its own -----------------------------------------------


def plain_loop(log: Path, output: Path) -> None:
    """What one would write first. The same records; no checks, no hashes, no manifest."""
    numbers = {"body_height": 0, "roll_deg": 0, "pitch_deg": 0, "feet_grounded": 0}
    numbers |= {"nearest_m": -1, "pos_x": 0, "pos_y": 0}
    copied = ("action", "action_params", "reward", "phase", "phase_idx", "tick", "obs", "motion")
    with log.open(encoding="utf-8") as lines, output.open("w", encoding="utf-8") as records:
        for line in lines:
            tick = json.loads(line)
            obs = tick.get("obs") or {}
            prompt = DEFAULT_PROMPT_TEMPLATE.format(
                mission_name=MISSION,
                n_phases=len(PHASES),
                phase_idx=tick.get("phase_idx", 0) + 1,
                phase_name=tick.get("phase", ""),
                goal_prompt=tick.get("goal_prompt", ""),
                **{key: obs.get(key, default) for key, default in numbers.items()},
            )
            record = {"prompt": prompt, **{key: tick.get(key) for key in copied}}
            record["mission_success"] = tick.get("mission_success")
            record["judgment"] = tick.get("judgment")
            records.write(json.dumps(record) + "\n")


def hashed_copy(log: Path, output: Path) -> None:
    """The same bytes read, written and hashed, and nothing made of them."""
    with LogReader(log) as reader, NewFile(output) as copy:
        for block in reader.blocks():
            copy.write(block or b"")
        publish(copy)


def decoded_copy(log: Path, output: Path) -> None:
    """The same, and each line decoded to what a record needs of it, unchecked."""
    decode = msgspec.json.Decoder(Record).decode
    with LogReader(log) as reader, NewFile(output) as copy:
        for block in reader.blocks():
            for _record in map(decode, (block or b"").splitlines()):
                pass
            copy.write(block or b"")
        publish(copy)


def stages(log: Path, output: Path) -> dict[str, float]:
    """CPU-seconds of an export by what it does: its parts, each called as an export calls it."""
    lines, renderer = BlockReader(judged=False), compile_template(DEFAULT_PROMPT_TEMPLATE)
    prompts, encode = Prompts(renderer, MISSION, len(PHASES)), msgspec.json.Encoder().encode_lines
    took: dict[str, float] = dict.fromkeys(STAGES, 0.0)
    took["start"] = last = time.process_time()

    def lap(stage: str) -> None:
        nonlocal last
        now = time.process_time()
        took[stage] += now - last
        last = now

    with LogReader(log) as reader, NewFile(output) as new:
        for block in reader.blocks():
            lap("read, hash")
            read = lines.read(block or b"")
            lap("decode, guard")
            prompts.fill(read)
            lap("prompts")
            made = encode(read.records)
            lap("encode")
            new.write(made)
            lap("hash, write")
        publish(new)
        lap("hash, write")
    return took


def run_side(side: str, log: Path, output: Path) -> None:
    """One of the sides that are no command of ours; `peak` prints what memory an export took."""
    if side == "plain":
        plain_loop(log, output)
    elif side == "copy":
        hashed_copy(log, output)
    elif side == "decode":
        decoded_copy(log, output)
    elif side == "stages":
        print(json.dumps(stages(log, output)))
    else:
        recipe = Recipe(mission=MISSION, n_phases=len(PHASES), template=DEFAULT_PROMPT_TEMPLATE)
        export_run(log, output, recipe, manifest=None)
        status = Path("/proc/self/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
        print(peak / 1024)


def side(name: str, log: Path, output: Path) -> list[str | Path]:
    """The command line of a side."""
    return [sys.executable, __file__, "--side", name, log, output]


def make_project(folder: Path) -> Path:
    """A project whose mission the plain loop knows by heart."""
    folder.mkdir()
    phases = [{"name": name, "goal_prompt": name, "max_ticks": 1} for name in PHASES]
    (folder / "env.json").write_text(json.dumps({"name": MISSION, "phases": phases}))
    return folder


def equal_on_a_sample(one: Path, other: Path) -> int:
    """How many records were compared. Raises when two differ or one side has more."""
    compared = 0
    with one.open(encoding="utf-8") as left, other.open(encoding="utf-8") as right:
        for number, (a, b) in enumerate(zip(left, right, strict=True)):
            if number % SAMPLE_EVERY == 0:
                if json.loads(a) != json.loads(b):
                    raise SystemExit(f"record {number + 1} differs")
                compared += 1
    return compared


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the export beside a plain loop.")
    parser.add_argument("--ticks", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        name, log, output = options.side
        run_side(name, Path(log), Path(output))
        return
    with scratch() as folder:
        report(folder, options.ticks, options.repeats)


def report(folder: Path, ticks: int, repeats: int) -> None:
    log, small = folder / "run.log.jsonl", folder / "small.log.jsonl"
    write_log(log, ticks)
    write_log(small, SMALL)
    print(f"{ticks:,} ticks, {log.stat().st_size / ticks:,.0f} bytes a line")
    plain, ours, copied = (folder / f"{name}.jsonl" for name in ("plain", "ours", "copied"))
    project = make_project(folder / "project")
    finetune: list[str | Path] = [BIN / "cadenza", "env", "finetune", project, log, "-o", ours]
    finetune += ["--state", folder / "state"]
    started = [*finetune[:4], small, *finetune[5:]]

    def rate(command: list[str | Path]) -> float:
        return 1000 * ticks / cpu_ms(command)

    export, loop, copy, decode = (
        Samples(values, "records/CPU-s")
        for values in alternate(
            repeats,
            partial(rate, finetune),
            partial(rate, side("plain", log, plain)),
            partial(rate, side("copy", log, copied)),
            partial(rate, side("decode", log, copied)),
        )
    )
    table = Table("export: CPU time of whole processes")
    against = "json.loads, str.format, json.dumps"
    figure = f"cadenza env finetune, {ticks:,} ticks"
    table.add(figure, export, against=against, other=loop, goal=Goal(8, at_least=True))
    table.add(
        "the same", export, against="the log copied and hashed, nothing made of it", other=copy
    )
    table.add("the same", export, against="the same, and its lines decoded", other=decode)
    table.add("the floor: copied, hashed, decoded", decode, against=against, other=loop)
    print(f"equal as parsed JSON: {equal_on_a_sample(plain, ours):,} records compared")
    took = json.loads(output_of(side("stages", log, copied)))
    for stage, seconds in took.items():
        table.add(f"a record's {stage}", Samples((1e6 * seconds / ticks,), "CPU-us"))
    start = Samples(tuple(cpu_ms(started) / 1000 for _ in range(repeats)), "CPU-s")
    table.add(f"the same command, {SMALL:,} ticks", start)
    peaks = [Samples((peak_mib(path, copied),), "MiB") for path in (log, small)]
    against = f"at {SMALL:,} ticks"
    table.add("peak memory", peaks[0], against=against, other=peaks[1], goal=Goal(1.1))
    table.show()


def peak_mib(log: Path, output: Path) -> float:
    return float(output_of(side("peak", log, output)))


def output_of(command: list[str | Path]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
