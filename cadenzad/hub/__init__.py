"""A robot's part in the hub: what the daemon does so that its log is there as well.

    identity.py    the id that the log has, made once in the state directory
    forwarder.py   the thread that ships events, and says how far it is

The hub itself is `store.hub`. psycopg is imported when a hub is configured, and not before.
"""
