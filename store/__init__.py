"""Facts: the append-only event log, the views folded from it, and typed reads of those views.

Imports nothing of `handlers` or `cadenzad`.
"""
