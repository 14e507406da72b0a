"""How good an adapter is, axis by axis, and what follows: DEPLOY, BLOCK or NEEDS_DATA.

    fidelity.py    are enough of the exam right? its sealed part decides
    axes.py        coverage, stability, regression: measured on open goals
    driven.py      the mission's seeded runs: the axis `mission`, and beside the deployed adapter
    safety.py      what plans do to the robot, to people and where they must not; harm.py: how often
    gain.py        what training added to the encoder as it is
    simulation.py  what is simulated with, handlers.lora.rollout
    results.py     a goal's plan against the expected one, and an axis' check
    statistics.py  bounds on shares, and how many rows would decide
    planning.py    how many rows an exam lacks for the next look to be worth taking
    scorecard.py   all axes together, and the verdict
    nextsteps.py   what to do about a verdict

May import handlers.lora.exam, .data, .model and .rollout, handlers.mission and handlers.project;
never the judge.
"""
