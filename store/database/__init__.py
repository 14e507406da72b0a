"""What the log and its views need of a database, and their tables: the same for SQLite and the hub.

    backend.py   what folding and reading ask of a connection
    table.py     a table of the view, described so that either database can spell it
    view.py      the tables of the view
    history.py   the tables of the event log in SQLite, and the daemon's bookkeeping
    sqlite.py    a view table in SQLite's words

PostgreSQL's words are in `store.hub`. Imports nothing heavy: `cadenzactl status` loads this.
"""
