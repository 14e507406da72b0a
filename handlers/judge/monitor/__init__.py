"""The monitor of a rewrite: are the runs since worse than those before?

    sequential.py  the test, looked at after every run
    drift.py       whether they had grown worse before
    samples.py     the runs that are compared
    outcome.py     what follows from what it says
    unread.py      logs that were there already at a rewrite

May import handlers.project.
"""
