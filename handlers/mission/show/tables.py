"""Runs as plain text: a row per episode, a row per phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from handlers.mission.episode.episode import EpisodeResult
from handlers.mission.show.history import ProjectStats
from handlers.project.spec import ProjectSpec
from store.events.files import RunStamp
from store.text import one_line

_HEADINGS = (
    "run", "seed", "policy", "phases", "ticks", "time", "reward", "falls", "persons touched",
    "result",
)  # fmt: skip


def mix(motion: Counter[str]) -> str:
    """The two most common motion labels with their counts."""
    return ", ".join(f"{label} {count}" for label, count in motion.most_common(2))


def summary_text(results: list[EpisodeResult], phases: int) -> str:
    """One row per episode, and how many succeeded."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
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
                str(r.touched_person),
                r.end,
            )
        )
    lines = _table(rows)
    if len(results) > 1:
        won = sum(result.success for result in results)
        lines.append(f"{won} of {len(results)} succeeded")
    return "\n".join(lines)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _known(count: int | None) -> str:
    return "unknown" if count is None else str(count)


def _conditions(stats: ProjectStats) -> list[str]:
    """A line for each set of comparable runs, where not all of them are."""
    if len(stats.conditions) < 2:
        return []
    return [
        f"  {'no stamp' if stamp is None else stamp_text(stamp)}: {count.succeeded} of {count.runs}"
        for stamp, count in stats.conditions.items()
    ]


def stamp_text(stamp: RunStamp) -> str:
    """What a stamp says, for people: hashes by their first digits, what is unknown left out."""
    known = {name: value for name, value in stamp if value is not None}
    return ", ".join(
        f"{name.removesuffix('_sha256')} {value[:8] if name.endswith('_sha256') else value}"
        for name, value in known.items()
    )


def stats_text(stats: ProjectStats, spec: ProjectSpec) -> str:
    """The tables of `stats`, phases in the mission's order."""
    if not stats.runs:
        return f"{one_line(spec.name)}: no runs yet"
    rate = 100 * stats.succeeded / stats.runs
    head = f"{spec.name}: {stats.succeeded} of {stats.runs} runs succeeded ({rate:.0f}%)"
    others = {"interrupted": stats.interrupted, "unfinished": stats.unfinished}
    besides = "".join(f", {count} {word}" for word, count in others.items() if count)
    trend = "" if stats.reward_trend is None else f", trend {stats.reward_trend:+.2f}"
    ticks = sum(stats.motion.values()) or 1
    shares = ", ".join(f"{k} {100 * n / ticks:.0f}%" for k, n in stats.motion.most_common())
    lines = [
        one_line(head + besides),
        *_conditions(stats),
        f"reward {stats.reward_mean:+.2f} a run{trend}",
        one_line(f"motion {shares or 'unknown'}"),
        f"falls {_known(stats.falls)}, persons touched {_known(stats.touched_person)}",
    ]
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
    return "\n".join([*lines, *_table(rows)])
