"""A project checked before any run: what its phases were understood to ask, and what cannot be.

    check.py          all of it: check(project) -> Report
    understanding.py  each phase's goal in words     predicates.py  what cannot come true
    spawn.py          what the robot starts in       reach.py       the way to each phase's target
    sight.py          what must be seen              ways.py        the planner, asked for one way
    findings.py       a finding: where, what, the way out
    reactions.py      when the daemon checks         job.py         it does so in a child

May import the mission's world, policies and handlers.goals. What needs no simulator is checked
without MuJoCo.
"""
