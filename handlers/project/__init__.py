"""A robot project on disk: its mission, its paths, its action library and its run logs.

    project.py        a project opened: its real path, its mission, its actions
    spec.py           env.json as typed, frozen models
    paths.py          which file is what, and which path is still inside the project
    library.py        the actions a robot knows and the parameters they take
    goals.py          words that mean numbers and units
    formats/          its logs, and goal -> actions training rows
    scaffold.py       a new project to start from

Import the module you need: this package itself pulls in nothing.
"""
