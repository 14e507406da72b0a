"""Nights in which the judge is left alone with projects, and what becomes of them.

    missions.py   twelve missions            projects.py   a brain and a prompt for each: the flaw
    judges.py     scripted models            night.py      drive, judge, watch, five times
    figures.py    what the held-out runs say of it

`make nights` (tests/benchmarks/unattended.py) lives through all of them, tests/flow/test_nights.py
through two.
"""
