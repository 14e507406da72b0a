"""The files that projects already have, read as they are: torn, repeated, out of order.

    lines.py         a log's lines: bounded memory, hashed, torn tails left pending
    logsummary.py    what any log comes to, line by line
    runlog.py        a mission's run log, episode by episode
    orchestrator.py  an orchestrator's log, session by session
    examples.py      goal -> actions rows
    runs.py          which run logs a project has, in order of time

Imports nothing of handlers but handlers.project.
"""
