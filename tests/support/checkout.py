"""Where the checkout is, and the recorded runs that may lie beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT.parent / "shared" / "data"
"""Recorded runs; tests that need them skip without."""
