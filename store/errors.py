"""The error tree. Every error a user can meet is one of these, and reads as one line.

CadenzaError                 what went wrong, where; `hint` says what to do about it
├── UsageError               what was typed cannot be meant (exit code 2)
├── ConfigError              a configuration file or flag is not usable
├── ProjectError             a project cannot be used
│   ├── ProjectNotFound      no such project, run or log (exit code 4)
│   └── SpecError            env.json is not a valid mission
├── InputError               a file's content is not usable (named by file and line)
│   └── NothingToExport      a log was read and no record could be made of it
├── UnsafePathError          a path leaves its project
├── MissingExtraError        an optional dependency is not installed
├── StoreError               the event log cannot be used
│   ├── NoEventLog           nothing has been written to the state directory yet
│   ├── LockHeldError        another process is the writer
│   ├── SchemaError          the database was written by a newer version
│   └── VersionConflict      the stream moved on since the caller looked
└── DaemonError              the daemon did not do what was asked
    ├── DaemonNotRunning     (exit code 3)
    └── WatchRefused         a folder cannot be watched (in cadenzad.watch.inotify)
"""

from __future__ import annotations

from store.text import one_line as one_line


class CadenzaError(Exception):
    """Something a user can act on. `str(error)` is one line; `hint` is the next step or ''.

    Messages quote names and values from people's files: those cannot break the line.
    """

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = one_line(message)
        super().__init__(self.message)
        self.hint = one_line(hint)

    @property
    def with_hint(self) -> str:
        """The message, and what to do about it, in one line."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(CadenzaError):
    """What was typed cannot be meant: arguments that do not go together, a value of no use."""

    exit_code = 2


class ConfigError(CadenzaError):
    """A configuration file or flag is not usable."""

    exit_code = 2


class ProjectError(CadenzaError):
    """A project cannot be used."""


class ProjectNotFound(ProjectError):
    """There is no such project, run or log."""

    exit_code = 4


class SpecError(ProjectError):
    """env.json is not a valid mission; the message names the place inside it."""


class InputError(CadenzaError):
    """A file's content is not usable; the message names the file and, where known, the line."""


class NothingToExport(InputError):
    """A log was read to its end and no record could be made of it."""


class UnsafePathError(CadenzaError):
    """A path leaves the project it belongs to."""


class MissingExtraError(CadenzaError):
    """An optional dependency is not installed; the hint is the pip command."""


class StoreError(CadenzaError):
    """The event log cannot be used."""


class NoEventLog(StoreError):
    """Nothing has been written to the state directory yet."""


class LockHeldError(StoreError):
    """Another process holds the writer lock; the message says who."""


class SchemaError(StoreError):
    """The database was written by a newer version of the program."""


class VersionConflict(StoreError):
    """The stream has moved on since the caller looked; look again and retry."""


class DaemonError(CadenzaError):
    """The daemon did not do what was asked of it."""


class DaemonNotRunning(DaemonError):
    """No daemon holds the state directory."""

    exit_code = 3
