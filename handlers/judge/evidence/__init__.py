"""Why runs fail, counted in code: the only thing the judge may speak about.

    ticks.py     a log's ticks as plain tuples
    findings.py  failure modes, with citations
    mining.py    from ticks to findings
    pack.py      what of them is sent, under aliases
    claims.py    what comes back, held against the ticks

May import handlers.judge.prompt.rules and handlers.project.
"""
