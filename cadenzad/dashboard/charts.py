"""Charts as plain data: what the page's script draws, and what its tables say in numbers.

A chart is {kind, x, y, series}: `x.values` are shared, each series has as many `values` (None: a
gap). `colour` names one of the style sheet's, never a colour itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cadenzad.dashboard.panels.adapters import Axis, Curve
from cadenzad.dashboard.panels.outcomes import Outcomes
from cadenzad.dashboard.panels.replay import Replay
from store.events.adapter import AxisFact

Chart = dict[str, Any]

WIDE, MARGIN = 240.0, 6.0
"""A picture of an interval, pixels."""


def outcome_bars(found: Outcomes) -> Chart:
    """Runs in each span of time, by how they ended; the tallest series first, to be drawn over."""
    bins = found.bins
    totals = [item.runs for item in bins]
    ended = [item.succeeded + item.failed for item in bins]
    return {
        "kind": "bars",
        "x": {"label": "recorded (UTC)", "time": True, "values": [item.start_s for item in bins],
              "width": found.width_s},
        "y": {"label": "runs", "min": 0},
        "series": [
            {"label": "interrupted or unfinished", "colour": "other", "values": totals,
             "shown": [item.other for item in bins]},
            {"label": "failed", "colour": "lost", "values": ended,
             "shown": [item.failed for item in bins]},
            {"label": "succeeded", "colour": "won",
             "values": [item.succeeded for item in bins]},
        ],
    }  # fmt: skip


def success_lines(found: Outcomes) -> Chart:
    """The share of successes in each span of time, a line for each policy and prompt."""
    series = []
    for number, name in enumerate(found.lines, 1):
        shares: list[float | None] = []
        for item in found.bins:
            won, ended = item.by_condition.get(name, (0, 0))
            shares.append(won / ended if ended else None)
        series.append({"label": name, "colour": f"line{number}", "values": shares})
    return {
        "kind": "lines",
        "x": {"label": "recorded (UTC)", "time": True,
              "values": [item.start_s for item in found.bins]},
        "y": {"label": "success rate", "min": 0, "max": 1, "percent": True},
        "series": series,
    }  # fmt: skip


def reward_line(found: Outcomes) -> Chart:
    """The reward of each run, or the mean of neighbours where there are many."""
    trend = found.trend
    what = "reward" if trend.each == 1 else f"mean reward of {trend.each} runs"
    return {
        "kind": "lines",
        "x": {"label": "run", "values": trend.numbers},
        "y": {"label": "reward"},
        "series": [{"label": what, "colour": "line1", "values": trend.values}],
    }


def loss_lines(curves: Sequence[Curve]) -> Chart:
    """Loss by epoch, a line for each column of each version."""
    last = max((epoch for curve in curves for _, epochs, _ in curve.columns for epoch in epochs),
               default=0)  # fmt: skip
    series: list[dict[str, Any]] = []
    for curve in curves:
        for name, epochs, values in curve.columns:
            known = dict(zip(epochs, values, strict=True))
            series.append(
                {
                    "label": f"version {curve.version}: {name}",
                    "colour": f"line{len(series) % 6 + 1}",
                    "values": [known.get(epoch) for epoch in range(1, last + 1)],
                }
            )
    return {
        "kind": "lines",
        "x": {"label": "epoch", "values": list(range(1, last + 1))},
        "y": {"label": "loss", "min": 0},
        "series": series,
    }


def reward_so_far(first: Replay, second: Replay) -> Chart:
    """The sum of rewards after each tick of two runs, by their steps from 0."""
    longest = max(len(first.frames), len(second.frames))
    return {
        "kind": "lines",
        "x": {"label": "step", "values": list(range(longest))},
        "y": {"label": "reward so far"},
        "series": [
            {
                "label": f"{letter}: {item.run.name}",
                "colour": colour,
                "values": [
                    round(item.frames[n].total, 4) if n < len(item.frames) else None
                    for n in range(longest)
                ],
            }
            for letter, colour, item in (("A", "line1", first), ("B", "line2", second))
        ],
    }


def replay_data(first: Replay, second: Replay, placing: dict[str, float]) -> dict[str, Any]:
    """What the page's script replays: for each run a list of ticks, a list of values each."""
    return {
        "map": placing,
        "runs": [
            {
                "name": item.run.name,
                "outcome": item.run.outcome,
                "frames": [
                    [f.tick, f.phase, f.action, f.x, f.y, f.yaw, f.reward, round(f.total, 4),
                     f.motion, f.says[:160]]
                    for f in item.frames
                ],
            }
            for item in (first, second)
        ],
    }  # fmt: skip


def interval_marks(axis: Axis, fact: AxisFact) -> dict[str, float | None]:
    """Where an interval's ends, its value and its threshold are on a picture, pixels."""
    low, high = axis.span

    def at(value: float | None) -> float | None:
        if value is None:
            return None
        return round(MARGIN + (WIDE - 2 * MARGIN) * (value - low) / (high - low), 1)

    return {"lower": at(fact.lower), "upper": at(fact.upper), "value": at(fact.value),
            "threshold": at(fact.threshold), "zero": at(0.0)}  # fmt: skip
