"""Figures of a feature over many frames, as LeRobot v3.0 keeps them for each feature."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)


def figures(values: NDArray[Any]) -> dict[str, list[float] | list[int]]:
    """min, max, mean, std, q01 to q99 of each dimension, and count. `values`: [T] or [T, D]."""
    table = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    found: dict[str, list[float] | list[int]] = {
        "min": table.min(axis=0).tolist(),
        "max": table.max(axis=0).tolist(),
        "mean": table.mean(axis=0).tolist(),
        "std": table.std(axis=0).tolist(),
        "count": [len(table)],
    }
    quantiles = np.quantile(table, QUANTILES, axis=0)
    for share, row in zip(QUANTILES, quantiles, strict=True):
        found[f"q{round(share * 100):02}"] = row.tolist()
    return found
