"""What a rewrite must pass before it is written: replayed ticks, simulated runs.

    replay.py      would the rules have fired where it failed?
    simulation.py  paired runs with and without them
    policy.py      the project's own brain as a policy, in a process of its own

May import handlers.judge.evidence, handlers.judge.prompt, handlers.mission and handlers.project.
"""
