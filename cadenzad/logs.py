"""Logs: one structured line for everything that happened, for people, programs or the journal.

What a line is about goes into fields, not into prose:

    log.info("exported", extra={"project": "rescue", "records": 240})

    2026-01-31 12:00:00.123 INFO exported project=rescue records=240        on a terminal
    {"ts": "2026-01-31T12:00:00.123456Z", "level": "info", ...}             with --log-json
    PRIORITY=6, CADENZAD_PROJECT=rescue, ...                                in the journal

A secret is taken out of a record before any handler formats it, tracebacks and fields included.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from cadenzad.service_manager.journal import JournalHandler, leads_to_journal, priority
from store.text import json_text, one_line, printable_lines

HANDLER = "cadenzad"
"""The name of the handler set up here, so that setting up again replaces it and no other."""

REDACTED = "[redacted]"
KEY_PATTERN = r"gsk_[A-Za-z0-9_-]{4,}|(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}"
MIN_SECRET = 6
"""A shorter "secret" is a mistake, and hiding it would make holes in every line."""
MAX_CREDENTIAL = 1 << 16

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_BARE = re.compile(r"[^\s\"'=\\]+")


def set_up_logging(
    level: str,
    *,
    json_lines: bool = False,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Log to `stream` (default stderr), or to the journal where that is what it leads to.

    May be called again, say after a reload; it then replaces what it set up before.
    """
    out = sys.stderr if stream is None else stream
    journal = leads_to_journal(out, environ)
    handler: logging.Handler = logging.StreamHandler(out)
    if json_lines:
        handler.setFormatter(JsonFormatter(prefixed=journal))
    else:
        handler.setFormatter(JournalLineFormatter() if journal else TextFormatter())
        if journal:
            handler = JournalHandler(fields_of, otherwise=handler)
    handler.set_name(HANDLER)
    handler.addFilter(Redact(secrets(environ)))
    root = logging.getLogger()
    for old in [item for item in root.handlers if item.get_name() == HANDLER]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())


# -- what must not be shown ------------------------------------------------------------------------


def secrets(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The values that may not appear anywhere: the keys, and every credential of the unit."""
    found = [environ.get(name, "") for name in ("GROQ_API_KEY", "OPENAI_API_KEY")]
    folder = environ.get("CREDENTIALS_DIRECTORY")
    try:
        files = sorted(Path(folder).iterdir()) if folder else []
    except OSError:
        files = []
    for file in files:
        try:
            with file.open(encoding="utf-8", errors="replace") as text:
                found.append(text.read(MAX_CREDENTIAL))
        except OSError:
            continue
    return [secret for item in found if len(secret := item.strip()) >= MIN_SECRET]


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that takes secrets, and whatever looks like a Groq key, out of a text."""
    # A secret with quotes or backslashes looks different inside a repr or a JSON text.
    forms = {
        form
        for secret in secrets
        for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1])
    }
    known = [re.escape(form) for form in sorted(forms, key=len, reverse=True)]
    pattern = re.compile("|".join([*known, KEY_PATTERN]))
    return lambda text: pattern.sub(REDACTED, text)


class Redact(logging.Filter):
    """Makes a record plain text and plain values, with the secrets taken out.

    On a handler, so that it sees the records of every logger.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._redact = redactor(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._clean(_message(record)), None
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_info = None
        if record.exc_text:
            record.exc_text = self._clean(record.exc_text)
        if record.stack_info:
            record.stack_info = self._clean(record.stack_info)
        for name, value in extras(record).items():
            setattr(record, name, self._plain(value))
        return True

    def _clean(self, text: str) -> str:
        # A file name that is not UTF-8 comes as lone surrogates, which no stream takes.
        return self._redact(text.encode("utf-8", "backslashreplace").decode())

    def _plain(self, value: Any) -> Any:
        """A field's value as JSON can hold it."""
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, Mapping):
            return {self._clean(str(key)): self._plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._plain(item) for item in value]
        try:
            return self._clean(str(value))
        except Exception:  # noqa: BLE001 - a value's own __str__ may raise anything
            return f"<{type(value).__name__}>"


def _message(record: logging.LogRecord) -> str:
    """The message; one whose arguments do not fit it is shown unformatted, never lost."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - an argument's own __str__ may raise anything
        return f"{record.msg} (arguments that do not fit: {len(record.args or ())})"


# -- how a record is written -----------------------------------------------------------------------


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """The fields given with `extra=` or by a LoggerAdapter, without those private to a library.

    Ray's record factory adds `_ray_timestamp_ns` to every record of a process that imported it.
    """
    return {
        name: value
        for name, value in vars(record).items()
        if name not in _STANDARD and not name.startswith("_")
    }


def trace_of(record: logging.LogRecord) -> str:
    """The traceback and stack of a record, "" without."""
    return "\n".join(part for part in (record.exc_text, record.stack_info) if part)


def line_of(record: logging.LogRecord) -> str:
    """The message and its fields, `key=value`, with whatever does not print escaped."""
    words = [one_line(record.getMessage())]
    words += [f"{name}={_word(value)}" for name, value in extras(record).items()]
    return " ".join(words)


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """A record as journal fields. Its text may have several lines: it is still one entry."""
    trace = printable_lines(trace_of(record))
    fields = {
        "MESSAGE": "\n".join([line_of(record), *trace.splitlines()]),
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
    }
    for name, value in extras(record).items():
        text = one_line(value) if isinstance(value, str) else json_text(value)
        fields[f"CADENZAD_{name.upper()}"] = text
    return fields


class TextFormatter(logging.Formatter):
    """For people: local time, level, message, fields; a traceback indented below."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        line = f"{moment} {record.levelname} {line_of(record)}"
        # Indented, so that nothing in a traceback can pass for a line of ours.
        trace = printable_lines(trace_of(record))
        return "\n    ".join([line, *trace.splitlines()])


class JournalLineFormatter(logging.Formatter):
    """For the journal by way of stderr, where a newline would begin a new entry."""

    def format(self, record: logging.LogRecord) -> str:
        trace = one_line(trace_of(record))
        return priority(record) + " ".join([line_of(record), *([trace] if trace else [])])


class JsonFormatter(logging.Formatter):
    """For programs: one object a line. A field named like one of ours gets a `_` behind it."""

    def __init__(self, *, prefixed: bool = False) -> None:
        """`prefixed`: with the journal's priority in front, which the journal takes off again."""
        super().__init__()
        self._prefixed = prefixed

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        answer: dict[str, Any] = {
            "ts": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in extras(record).items():
            answer[f"{name}_" if name in (*answer, "exception") else name] = value
        if trace := trace_of(record):
            answer["exception"] = trace
        line = json_text(answer)
        return priority(record) + line if self._prefixed else line


def _word(value: Any) -> str:
    """A field's value as one word: bare where it can be, else as JSON."""
    if isinstance(value, str) and _BARE.fullmatch(value) and value.isprintable():
        return value
    return json_text(value)
