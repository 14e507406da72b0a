"""What a rewrite must pass before it is written: replayed ticks, simulated runs.

    replay.py      would the rules have fired where it failed?
    simulation.py  paired runs with and without them: the trial
    tally.py       what the pairs say, one after the other
    betting.py     the evidence in them, valid whenever one looks
    budget.py      the error that all trials of a project share, and their seeds
    search.py      which of several candidates is worth a trial
    elsewhere.py   missions of a trial driven by other processes
    arena.py       the missions, driven by the project's brain

May import handlers.judge.evidence, handlers.judge.policy, handlers.judge.prompt, handlers.mission
and handlers.project.
"""
