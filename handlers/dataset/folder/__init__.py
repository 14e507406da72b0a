"""The dataset of a project: a folder that loads with any reader of Parquet, at every instant.

    settings.py    what can be set
    manifest.py    what a dataset was made of, shard by shard
    split.py       which split a run is of
    card.py        README.md: the configs as loaders want them, and a card for people
    place.py       the folder: what is in force, and what takes its place
    shards.py      a run's shards, written once
    job.py         when it is brought in line with the runs there are
    reactions.py   when the daemon wants that
    recovery.py    folder and event log, made to agree

README.md is what is in force: it names the manifest and every shard, and is replaced whole. So a
shard is safe on disk before README.md names it, and no longer named before it is removed.
Only shards.py and job.py import pyarrow: the rest is read by the daemon and by `verify`.
"""
