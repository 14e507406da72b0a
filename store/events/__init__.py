"""Events: what can be recorded, a module for each thing it is about, and what they travel in.

An event is a past-tense, immutable fact: a frozen struct named `NounVerbed`. Its class
name is its type in the log and `schema_version` the shape it was written in; older shapes are
upcast when they are read (see `types.UPCASTS`), never rewritten.

Paths inside a project are relative to it, with forward slashes. Times are microseconds since the
epoch in the envelope and never appear in an event's data, so that replaying gives the same view.

`types` has all of them and takes as long to import as five commands; `names` and `envelope` are for
those that only show what was recorded.
"""
