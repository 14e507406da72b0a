"""Looking after the event log and the files it speaks of: backup, restore, retention.

May import cadenzad.config, handlers.project and store.
"""
