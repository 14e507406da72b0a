"""What can be set, by whom and where: files, environment, and a project's own cadenzad.toml.

    settings.py     every key: type, bounds, default, meaning
    files.py        the daemon's files, laid over one another
    document.py     one file, and what is wrong with it
    lines.py        on which line each of its keys is
    cluster.py      [jobs.ray]: where a cluster is and what jobs take of it
    project.py      what a project may set for itself
    prompt.py       which setting names a project's prompt, for commands
    paths.py        where the state directory is
    credentials.py  where the Groq key is

May import handlers and store; nothing else of cadenzad.
"""
