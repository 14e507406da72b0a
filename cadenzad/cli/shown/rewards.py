"""A reward for people: two decimals, and of what is beyond counting its size."""

from __future__ import annotations

HUGE = 1e9
"""Logs hold what robots compute: 1e308 has three hundred digits, of which none says more."""


def said_of_reward(reward: float | None) -> str:
    """ "+1.50", "+1e+308", "unknown"."""
    if reward is None:
        return "unknown"
    return f"{reward:+.2f}" if abs(reward) < HUGE else f"{reward:+.3g}"
