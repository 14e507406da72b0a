"""How fast a run log becomes typed Parquet, beside what one would use without us.

    python tests/benchmarks/bench_dataset.py [--ticks 100000] [--repeats 3]

All sides read the same log and write Parquet with zstd: the rows of config `steps` as the dataset
has them (aligned, with prompts, returns and weights); all five configs; DuckDB's own JSON to
Parquet, and the same with our columns made in SQL; and the plain loop of json.loads, str.format and
pyarrow that pairs each action with the observation before it, and computes no more. The floor
writes nothing: it decodes the lines. Each run is a process of its own, the sides take turns, and
what is compared is CPU time (user and system) of all threads. Prints figures and asserts nothing
about time; only that every side has a row for every tick.
"""

from __future__ import annotations

import argparse
import json
import re
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


LIKE_OURS = """
COPY (
  WITH steps AS (
    SELECT *, lag(obs) OVER w AS seen, lag(judgment) OVER w AS advice, lag(phase) OVER w AS was,
      lag(visible_tags) OVER w AS tags,
      lag(motion.distance_to_goal_m) OVER w - motion.distance_to_goal_m AS nearer,
      sum(reward) OVER (ORDER BY tick DESC) AS to_go, avg(reward) OVER () AS mean,
      count(*) OVER () AS length, row_number() OVER w AS number
    FROM read_json('{log}', format='newline_delimited', columns={columns})
    WINDOW w AS (ORDER BY tick)
  ), placed AS (
    SELECT *, CASE WHEN was = phase THEN nearer END AS progress,
      CASE WHEN was = phase THEN advice END AS told FROM steps
  )
  SELECT 'rescue-dog-debris' AS mission, 'go1' AS robot, 'run' AS run_id, 'run' AS episode_id,
    number - 1 AS step, tick, phase, phase_idx, length AS episode_length, 'search' AS task,
    goal_prompt AS subtask, '{plan}' AS plan,
    CASE WHEN seen IS NOT NULL THEN printf('{prompt}', phase_idx + 1, phase, goal_prompt,
      seen.body_height, seen.roll_deg, seen.pitch_deg, seen.feet_grounded, seen.nearest_m,
      seen.pos_x, seen.pos_y) END AS prompt,
    ' ' || to_json({{'action': action, 'distance_m': action_params.distance_m}}) AS completion,
    action, list_position({actions}, action) - 1 AS action_id, action_params AS params,
    seen AS observation, obs AS next_observation, tags AS visible_tags, reward,
    terminated AND NOT truncated AS terminated, truncated OR number = length AS truncated,
    phase_done, phase_failed, mission_success, step_ok, motion.label AS motion_label, signal_event,
    told.canonical_action AS canonical_action,
    ' ' || to_json({{'action': told.canonical_action}}) AS canonical_completion,
    told.canonical_confidence AS canonical_confidence, told.canonical_reason AS canonical_reason,
    judgment.match AS matched, greatest(0, -progress) AS lost_m, progress AS progress_m,
    judgment.model_rationale AS model_rationale, sum(reward) OVER () AS episode_return,
    to_go AS return_to_go, to_go - mean * (length - number + 1) AS advantage,
    judgment.severity AS severity,
    CASE WHEN progress IS NULL THEN 1 - judgment.severity WHEN progress > 0.01 THEN 1.0
      WHEN progress < 0 THEN 0.0 ELSE greatest(0, least(1,
        (progress - avg(progress) OVER () + 2 * stddev_pop(progress) OVER ())
        / (4 * stddev_pop(progress) OVER () + 1e-9))) END AS weight
  FROM placed ORDER BY tick
) TO '{output}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 4096)
"""
"""What our rows hold, as far as one statement can say it: one episode, no line amiss, parameters of
this log alone. Only what it uses of a line is asked for, its types given."""

_OBS = "STRUCT(body_height DOUBLE, roll_deg DOUBLE, pitch_deg DOUBLE, feet_grounded BIGINT, "
_OBS += "nearest_m DOUBLE, pos_x DOUBLE, pos_y DOUBLE)"
_READ = {
    "tick": "BIGINT", "phase": "VARCHAR", "phase_idx": "INTEGER", "goal_prompt": "VARCHAR",
    "action": "VARCHAR", "obs": _OBS, "reward": "DOUBLE",
    "action_params":
        "STRUCT(speed DOUBLE, extension DOUBLE, repeat DOUBLE, distance_m DOUBLE)",
    "phase_done": "BOOLEAN", "phase_failed": "BOOLEAN", "terminated": "BOOLEAN",
    "truncated": "BOOLEAN", "mission_success": "BOOLEAN", "step_ok": "BOOLEAN",
    "motion": "STRUCT(label VARCHAR, distance_to_goal_m DOUBLE)", "visible_tags": "JSON",
    "judgment":
        'STRUCT("match" BOOLEAN, severity DOUBLE, canonical_action VARCHAR, '
        'canonical_confidence DOUBLE, canonical_reason VARCHAR, model_rationale VARCHAR)',
    "signal_event": "VARCHAR",
}  # fmt: skip


def duckdb_like(log: Path, folder: Path) -> int:
    """DuckDB makes of the lines what our rows are, in SQL."""
    import duckdb as engine

    prompt = re.sub(r"[{](?:mission_name|n_phases)[}]", _constant, DEFAULT_PROMPT_TEMPLATE)
    prompt = re.sub(r"[{](\w+)(?::([^}]*))?[}]", _conversion, prompt)
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _READ.items())
    query = LIKE_OURS.format(
        log=log, columns=f"{{{columns}}}", plan=MISSION.plan, prompt=prompt,
        actions=list(MISSION.actions), output=folder / "x.parquet",
    )  # fmt: skip
    engine.sql(query)
    return pq.read_metadata(folder / "x.parquet").num_rows


def _constant(field: re.Match[str]) -> str:
    return MISSION.name if "name" in field[0] else str(MISSION.n_phases)


def _conversion(field: re.Match[str]) -> str:
    if field[2]:
        return f"%{field[2]}"
    return "%s" if field[1] in ("phase_name", "goal_prompt") else "%d"


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


SIDES = ("steps", "all five", "duckdb", "duckdb like", "plain", "decoded")


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
            case "duckdb like":
                rows = duckdb_like(log, folder)
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
        print(f"{side:<11} {speed[side]:>9,.0f} rows per CPU-second  {grown:>6.0f} MiB  {ratio}")


if __name__ == "__main__":
    main()
