"""A robot project on disk: its mission, its paths, its action library and its run logs.

    project.py        a project opened: its real path, its mission, its actions
    spec.py, scene.py env.json as typed, frozen models; jsontext.py: from its bytes
    speccheck.py      what is wrong with it, in its author's terms
    paths.py          which file is what, and which path is still inside the project
    library.py        the actions a robot knows and the parameters they take
    labrobots.py      those of a robot that an installed `cadenza-lab` knows
    code.py           the code that would run with a file: what trust covers
    writing.py        a source file replaced, if it is still the one that was read
    formats/          its logs, and goal -> actions training rows
    scaffold.py       a new project to start from

Import the module you need: this package itself pulls in nothing.
"""
