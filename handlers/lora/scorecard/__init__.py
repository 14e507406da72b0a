"""How good an adapter is, axis by axis, and what follows: DEPLOY, BLOCK or NEEDS_DATA.

    axes.py        fidelity, coverage, stability, regression: measured on the exam
    safety.py      plans carried out in simulation; memory.py remembers what became of them
    results.py     a goal's plan against the expected one, and an axis' check
    statistics.py  bounds on shares, and how many rows would decide
    scorecard.py   all axes together, and the verdict
    nextsteps.py   what to do about a verdict

May import handlers.lora.model, handlers.mission and handlers.project; never the judge.
"""
