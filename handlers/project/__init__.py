"""A robot project on disk: its mission, its paths, its action library and its run logs.

    spec.py           env.json as typed, frozen models
    paths.py          which file is what, and which path is still inside the project
    library.py        the actions a robot knows and the parameters they take
    lines.py          a log's lines: bounded memory, hashed, torn tails left pending
    runlog.py         what a mission's run log says, episode by episode
    orchestrator.py   what an orchestrator's log says, session by session
    examples.py       goal -> actions training rows
    scaffold.py       a new project to start from

Import the module you need: this package itself pulls in nothing.
"""
