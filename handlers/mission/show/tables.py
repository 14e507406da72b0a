"""Runs as plain text: a row per episode, a row per phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from handlers.mission.episode.episode import EpisodeResult
from handlers.mission.show.history import ProjectStats
from handlers.project.spec import ProjectSpec


def mix(motion: Counter[str]) -> str:
    """The two most common motion labels with their counts."""
    return ", ".join(f"{label} {count}" for label, count in motion.most_common(2))


def print_summary(results: list[EpisodeResult], phases: int, out: TextIO) -> None:
    """One row per episode, and how many succeeded."""
    rows = [("run", "seed", "policy", "phases", "ticks", "time", "reward", "falls", "result")]
    for r in results:
        rows.append(
            (
                r.run_id or "-",
                str(r.seed),
                r.policy,
                f"{r.phases_done}/{phases}",
                str(r.ticks),
                f"{r.sim_time_s:.1f}s",
                f"{r.reward:+.2f}",
                str(r.falls),
                r.end,
            )
        )
    _table(rows, out)
    if len(results) > 1:
        won = sum(result.success for result in results)
        print(f"{won} of {len(results)} succeeded", file=out)


def _table(rows: Sequence[Sequence[str]], out: TextIO) -> None:
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(),
            file=out,
        )


def print_stats(stats: ProjectStats, spec: ProjectSpec, out: TextIO) -> None:
    """The tables of `stats`, phases in the mission's order."""
    if not stats.runs:
        print(f"{spec.name}: no runs yet", file=out)
        return
    rate = 100 * stats.succeeded / stats.runs
    print(
        f"{spec.name}: {stats.succeeded} of {stats.runs} runs succeeded ({rate:.0f}%)"
        + (f", {stats.unfinished} unfinished" if stats.unfinished else ""),
        file=out,
    )
    trend = "" if stats.reward_trend is None else f", trend {stats.reward_trend:+.2f}"
    print(f"reward {stats.reward_mean:+.2f} a run{trend}", file=out)
    ticks = sum(stats.motion.values()) or 1
    shares = ", ".join(f"{k} {100 * n / ticks:.0f}%" for k, n in stats.motion.most_common())
    print(f"motion {shares or 'unknown'}", file=out)
    rows = [("phase", "entered", "done", "failed", "ticks", "reward", "motion")]
    known = [name for name in spec.phase_names if name in stats.phases]
    for name in [*known, *(n for n in stats.phases if n not in known)]:
        p = stats.phases[name]
        rows.append(
            (
                name,
                str(p.entered),
                str(p.done),
                str(p.failed),
                f"{p.ticks / p.entered:.1f}",
                f"{p.reward / p.entered:+.2f}",
                mix(p.motion),
            )
        )
    _table(rows, out)
