"""What a rewrite must pass before it is written: replayed ticks, simulated runs.

    replay.py      would the rules have fired where it failed?
    simulation.py  paired runs with and without them

May import handlers.judge.evidence, handlers.judge.policy, handlers.judge.prompt, handlers.mission
and handlers.project.
"""
