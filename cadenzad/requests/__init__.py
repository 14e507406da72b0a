"""What commands ask of whoever writes the log: the daemon, or the command itself without one.

    commands.py  what can be asked: one class for each kind of request
    inbox.py     requests as files
    client.py    send one, or carry it out here, and wait for what comes of it
    decode.py    from a request as it was read to the command it holds
    handle.py    one request carried out, inside the writer
    prune.py     deleting old files

Imported by cadenzad.cli and the daemon; imports neither.
"""
