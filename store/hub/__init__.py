"""The hub: many robots' logs in one PostgreSQL, each under its own origin.

    dsn.py          where it is, and by which secrets: read, checked, never shown
    connection.py   a connection that reads and folds as SQLite's does
    tables.py       the tables of the hub, in PostgreSQL's words
    security.py     its roles, its policies, and what each may do
    install.py      all of that made, and brought up to date
    ship.py         a robot's side: its events, in order, each once
    fold.py         the view of each robot, folded by the code that folds it there
    prune.py        old events that are not kept, and a log that is asked for again
    reads.py        what is asked of all robots at once
    offers.py       versions that are offered to robots, and what became of that
    verify.py       whether the logs there are whole, and the views what they say

A robot's part of the hub looks like its own log: under the search path of a scoped connection,
`events` and the view's tables are those of one origin, and `store.views` and `store.reads` work on
them as they are. Needs psycopg 3 (`pip install 'cadenzad[hub]'`) and PostgreSQL 15.
"""
