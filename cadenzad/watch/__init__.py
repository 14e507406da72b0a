"""From what the kernel reports to an event in the log.

    inotify.py    the kernel's reports, for the folders that are armed
    changes.py    file changes, and the queue they wait in
    settle.py     waits until a file has been quiet
    settlers.py   the daemon's delays, and those of projects with their own
    folders.py    which folders are watched and scanned
    degraded.py   why watching is incomplete
    record.py     a settled file is read, decided on and appended

Knows nothing of jobs. May import handlers.intake, handlers.project, cadenzad.config and store.
"""
