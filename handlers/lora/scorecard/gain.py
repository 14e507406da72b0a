"""What training added: the same goals, decoded with the adapter and as if its weights were zero.

Everything else is the same: what is known, how goals are cut, numbers, the reader of goals, and a
gate that was fitted without the adapter. Beside it stands what the adapter adds by itself, with the
language of goals switched off: whether the nearest example has the right actions. Nothing hangs on
it; where nothing was added it is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

from handlers.lora.model.interface import Decoder
from handlers.lora.model.rows import Row
from handlers.lora.scorecard.results import Check, GoalResult, ask, examined

Z = 1.959964
"""The two-sided 95% quantile of the normal distribution."""


def gain(
    results: Sequence[GoalResult],
    rows: Sequence[Row],
    plain: Decoder | None,
    held_out: bool,
    alone: str = "",
) -> Check:
    """The difference of the shares that are right. `results`: of `rows`, with the adapter; `plain`:
    the same decoder without it; `alone`: what is said of the nearest example alone.
    """
    if plain is None or not rows:
        detail = "there is nothing to compare it on" if plain is not None else "not measured"
        return Check("training", None, None, None, None, 0, "pass", "none", detail)
    without = [examined(plain, row).ok for row in rows]
    won = sum(one.ok and not other for one, other in zip(results, without, strict=True))
    lost = sum(other and not one.ok for one, other in zip(results, without, strict=True))
    n = len(rows)
    low, high = paired_bounds(won, lost, n)
    what = "held-out goals" if held_out else "training goals (in-sample, where words are known)"
    right = sum(one.ok for one in results)
    detail = (
        f"{right} of {n} {what} right with the adapter, {sum(without)} with its weights at zero"
        f" ({won} won, {lost} lost){alone}"
    )
    value = (won - lost) / n
    return Check("training", value, round(low, 4), round(high, 4), None, n, "pass", "none", detail)


def nearest_alone(
    decoder: Decoder, plain: Decoder | None, rows: Sequence[Row], taught: Sequence[Row]
) -> str:
    """How often the nearest example has the right actions, with the adapter and without it."""
    if plain is None or not rows:
        return ""
    shapes = {row.goal: row.shape for row in taught}
    right, without = (
        sum(is_nearest_right(one, row, shapes) for row in rows) for one in (decoder, plain)
    )
    return f"; the nearest example alone is right for {right} with it, {without} without"


def is_nearest_right(decoder: Decoder, row: Row, shapes: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the taught goal nearest to a row's has its actions. `shapes`: of what was taught."""
    nearest = ask(decoder, row.goal, row.image_path)[0].nearest
    return bool(nearest) and shapes.get(nearest[0]) == row.shape


def paired_bounds(won: int, lost: int, n: int) -> tuple[float, float]:
    """The 95% interval of a difference of paired shares (Agresti and Min 2005: half a pair more in
    each cell, then Wald).
    """
    b, c, total = won + 0.5, lost + 0.5, n + 2.0
    middle = (b - c) / total
    spread = Z * sqrt(b + c - (b - c) ** 2 / total) / total
    return max(-1.0, middle - spread), min(1.0, middle + spread)


def warning(check: Check, held_out: bool) -> tuple[str, ...]:
    """A line for who trained, where the adapter is no better than the encoder as it is."""
    if not held_out or check.value is None or check.value > 0:
        return ()
    return (f"training added nothing: {check.detail}; more phrasings of the same plans may help",)
