"""A scorecard for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def scorecard_rows(card: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """AXIS, VALUE, BOUNDS, THRESHOLD, N, RESULT, DETAIL."""
    rows: list[tuple[object, ...]] = []
    for check in card["checks"]:
        low, high = check["lower"], check["upper"]
        bounds = "-" if low is None or high is None else f"{low:.2f} to {high:.2f}"
        value = "-" if check["value"] is None else f"{check['value']:.2f}"
        limit = "-" if check["threshold"] is None else f"{check['threshold']:.2f}"
        rows.append(
            (check["axis"], value, bounds, limit, check["n"], check["result"], check["detail"])
        )
    return rows


HEADINGS = ("AXIS", "VALUE", "95% BOUNDS", "LIMIT", "N", "RESULT", "DETAIL")
