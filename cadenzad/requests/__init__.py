"""What commands ask of whoever writes the log: the daemon, or the command itself without one.

    commands.py  what can be asked: one class for each kind of request
    role.py      who holds the writer lock
    inbox.py     requests as files
    client.py    send one, or carry it out here, and wait for what comes of it
    byhand.py    the same for a job: its progress, its end, and who breaks it off
    pruning.py   the same for old files, by the hundred
    decode.py    from a request as it was read to the command it holds
    take.py      those that lie in the inbox, each carried out once
    handle.py    one request carried out, inside the writer
    prune.py     old files deleted, by whoever writes the log
    schedule.py  the same by a schedule, a few files at a time

Imported by cadenzad.cli and the daemon; imports neither.
"""
