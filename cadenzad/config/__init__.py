"""What can be set, by whom and where: files, environment, and a project's own cadenzad.toml.

    settings.py     every key: type, bounds, default, meaning
    files.py        the daemon's files, laid over one another
    project.py      what a project may set for itself
    paths.py        where the state directory is
    credentials.py  where the Groq key is

May import handlers and store; nothing else of cadenzad.
"""
