"""Remedies before they are tried: who proposed them, which are worth a trial, which one to try.

    candidate.py   rules that may remedy a failure mode, whoever thought of them
    case.py        a finding with what was known at its ticks
    moves.py       a robot's actions by what they are for
    remedies.py    cause -> what may help
    careful.py     where to report, and from whom to keep off
    enumerate.py   our own candidates: remedies around the cited ticks, ranked
    wishes.py      what the author forbids
    orders.py      what free text orders, and what of the author's it goes against
    barred.py      what was turned down before
    screen.py      which candidates are worth a trial

May import `handlers.judge.prompt`, `handlers.judge.evidence`, `handlers.goals` and `store.reads`;
knows nothing of Groq or the job.
"""
