"""What is said to systemd and asked of it; the unit files themselves lie in `systemd/`.

    notify.py    sd_notify(3): ready, reloading, status
    liveness.py  the watchdog: alive means that a change came through and was written
    journal.py   log entries with their fields
    entries.py   what the journal has of a unit, read back
    units.py     the text of the unit files and of an installation's drop-in
    install.py   how the service comes, goes and is asked about

May import cadenzad.config and store.
"""
