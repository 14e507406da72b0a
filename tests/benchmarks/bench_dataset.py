"""How fast a run log becomes typed Parquet, beside what one would use without us.

    python tests/benchmarks/bench_dataset.py [--ticks 100000] [--repeats 3]

All sides read the same log and write Parquet with zstd: the rows of config `steps` as the dataset
has them (aligned, with prompts, returns and weights); all five configs; DuckDB's own JSON to
Parquet; and the plain loop of json.loads, str.format and pyarrow that pairs each action with the
observation before it, and computes no more. The floor writes nothing: it decodes the lines. Each
run is a process of its own, the sides take turns, and what is compared is CPU time (user and
system) of all threads. Prints figures and asserts nothing about time; only that every side has a
row for every tick.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from a checkout as it is
sys.path.insert(0, str(Path(__file__).resolve().parent))

import pyarrow as pa
import pyarrow.parquet as pq
from bench_export import PHASES, write_log

from handlers.dataset.configs import Configs, Filters
from handlers.dataset.folder.shards import FREE_TEXT, LEVEL
from handlers.dataset.mission import Mission
from handlers.dataset.rows import read_rows
from handlers.dataset.schema import CONFIGS, SCHEMAS
from handlers.dataset.wire import decode
from handlers.project.library import library_for
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE

MISSION = Mission(
    name="rescue-dog-debris", task="search", robot="go1", plan="\n".join(PHASES), n_phases=5,
    template=DEFAULT_PROMPT_TEMPLATE,
    actions={name: at for at, name in enumerate(library_for("go1", Path("/")).names)},
)  # fmt: skip


def ours(log: Path, folder: Path, configs: tuple[str, ...]) -> int:
    """Rows as the dataset has them; the file of each config."""
    made = Configs(Filters(), tuple(MISSION.actions))
    writers = {
        config: pq.ParquetWriter(
            folder / f"{config}.parquet", SCHEMAS[config], compression="zstd",
            compression_level=LEVEL, use_dictionary=[
                column.name for column in SCHEMAS[config]
                if column.type == pa.string() and column.name not in FREE_TEXT
            ],
        )
        for config in configs
    }  # fmt: skip
    with read_rows(log, MISSION, "run") as rows:
        for batch in rows.batches():
            for config, writer in writers.items():
                writer.write_batch(made.of(config, batch)[0])
        count = rows.counts.rows
    for writer in writers.values():
        writer.close()
    return count


def duckdb(log: Path, folder: Path) -> int:
    """DuckDB reads the lines and writes what they hold, types guessed."""
    import duckdb as engine

    query = f"COPY (SELECT * FROM read_json('{log}', format='newline_delimited'))"
    engine.sql(f"{query} TO '{folder / 'x.parquet'}' (FORMAT parquet, COMPRESSION zstd)")
    return pq.read_metadata(folder / "x.parquet").num_rows


def plain(log: Path, folder: Path) -> int:
    """The loop that one writes first."""
    records, before = [], None
    with log.open(encoding="utf-8") as stream:
        for line in stream:
            tick = json.loads(line)
            if before is not None:
                prompt = DEFAULT_PROMPT_TEMPLATE.format(
                    mission_name=MISSION.name, n_phases=5, phase_idx=tick["phase_idx"] + 1,
                    phase_name=tick["phase"], goal_prompt=tick["goal_prompt"], **before["obs"],
                )  # fmt: skip
                said = json.dumps({"action": tick["action"], **tick["action_params"]})
                record = {n: tick.get(n) for n in ("phase", "reward", "obs", "terminated")}
                judged = json.dumps(tick.get("judgment"))
                records.append({"prompt": prompt, "completion": said, "judged": judged, **record})
            before = tick
    pq.write_table(pa.Table.from_pylist(records), folder / "x.parquet", compression="zstd")
    return len(records) + 1


def decoded(log: Path) -> int:
    """The floor: msgspec makes the fields that are used of each line, and nothing is done with
    them. What is above that is left for alignment, prompts, columns and zstd."""
    with log.open("rb") as stream:
        return sum(decode(line).tick is not None for line in stream)


SIDES = ("steps", "all five", "duckdb", "plain", "decoded")


def run_one(side: str, log: Path) -> None:
    """One side in this process; prints its CPU seconds, rows and peak memory as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
        match side:
            case "steps":
                rows = ours(log, folder, ("steps",))
            case "all five":
                rows = ours(log, folder, CONFIGS)
            case "duckdb":
                rows = duckdb(log, folder)
            case "decoded":
                rows = decoded(log)
            case _:
                rows = plain(log, folder)
        spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before.ru_maxrss
    print(json.dumps({"cpu_s": spent, "rows": rows, "grown_mib": peak / 1024}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        run_one(arguments.side, arguments.log)
        return
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "run.log.jsonl"
        write_log(log, arguments.ticks)
        print(f"{arguments.ticks:,} ticks, {log.stat().st_size / 1e6:.0f} MB")
        for _ in range(arguments.repeats):
            for side in SIDES:
                words = [sys.executable, __file__, "--side", side, "--log", str(log)]
                done = subprocess.run(words, capture_output=True, text=True, check=True)
                found[side].append(json.loads(done.stdout))
                assert found[side][-1]["rows"] == arguments.ticks, side
    speed = {s: median(one["rows"] / one["cpu_s"] for one in runs) for s, runs in found.items()}
    for side in SIDES:
        grown = median(one["grown_mib"] for one in found[side])
        ratio = f"{speed['steps'] / speed[side]:.1f} times as fast are ours"
        print(f"{side:<9} {speed[side]:>9,.0f} rows per CPU-second  {grown:>6.0f} MiB  {ratio}")


if __name__ == "__main__":
    main()
