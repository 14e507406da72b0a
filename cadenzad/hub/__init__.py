"""A robot's part in the hub, what its daemon does there; and what the keeper does of offers.

    identity.py    the id that the log has, made once in the state directory
    offers.py      what the hub offers, as events here
    bell.py        what the forwarder sleeps at
    deciding.py    the keeper: what the runs under an offered version lead to
    forwarder.py   the thread that ships events, and says how far it is

The hub itself is `store.hub`. psycopg is imported when a hub is configured, and not before.
"""
