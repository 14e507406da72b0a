"""The causes of failure, a family a module: each reads a leg and says where it shows what.

    moving.py      no ground is gained: stuck, no_effect, idle, repeats_pose, too_slow
    turning.py     about headings: oscillating, spinning, over_rotation
    arriving.py    about the target: wrong_way, stops_short, overshoot, drifts_past, dwell_reset
    hazards.py     obstacle_ignored, zone_violated, fell, tipped
    signalling.py  never_signals, missed_signal, false_signal
    ending.py      phase_skipped, diverged, error, interrupted; timeout, phase_failed
    occurrence.py  where a leg shows a cause
    explain.py     all of them, and which of them another one explains

docs/causes.md defines each, with its thresholds; a test holds the two together.
"""
