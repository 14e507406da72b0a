"""The files that projects already have, read as they are: torn, repeated, out of order.

    lines.py         a log's lines: bounded memory, hashed, torn tails left pending
    fields.py        what a line says, as types
    logsummary.py    what any log comes to, line by line
    runlog.py        a mission's run log, episode by episode
    stamp.py         under what it was driven, as its first record says
    orchestrator.py  an orchestrator's log, session by session
    examples.py      goal -> actions rows; pictures.py: whether a file is a picture
    runs.py          which run logs a project has, in order of time

Imports nothing of handlers but handlers.project.
"""
