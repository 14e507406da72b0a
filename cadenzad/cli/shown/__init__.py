"""What several commands show, each thing in one way: as people read it, and as JSON.

standing.py     how daemon and projects stand: a row for each, lines for all else
cluster.py      the cluster that jobs are done on
fleet.py        the hub behind `--hub`, and how its robots stand
told.py         runs, in a moment of the log; rewards.py  a reward of theirs
eventlines.py   events, a line each
candidates.py   what the last judging proposed, and what became of it
promptplace.py  where a prompt is, and what of it is open to free text
watched.py      what the monitor says of the prompt version in the file
drift.py        whether what lies on disk is what the log says
"""
