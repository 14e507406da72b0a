"""The process: the watcher, the reactor, the schedule and the command lines.

The only package that wires things together. Importing it does no work.
"""

__version__ = "0.1.0"
