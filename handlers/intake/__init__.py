"""Intake: a settled file becomes a fact, or nothing when it says nothing new.

`observe` reads a file (slow, no decision); `decide` compares what was read with what is known and
names the events (pure). They are apart because deciding happens inside the writer's transaction,
where what is known cannot change, and reading must not.
"""
