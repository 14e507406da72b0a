"""Why runs fail, counted in code: the only thing the judge may speak about.

    wire.py      the fields of a line that are wanted, decoded once
    reading.py   a log's bytes as its runs
    ticks.py     a run's ticks as plain tuples
    mission.py   what env.json says a phase is about, as geometry
    legs.py      a run's stay in a phase, and what each action did
    causes/      what a leg shows, a family of causes a module
    contrast.py  whether successes show it as well
    findings.py  failure modes, with citations
    shown.py     causes counted over runs and contrasted: findings
    mining.py    from logs to a report
    report.py    what it says of all runs together
    citing.py    which ticks a citation names
    moments.py   the moments of a run that are worth showing
    pack.py      what of them is sent, under aliases

May import handlers.judge.prompt.rules and handlers.project.
"""
