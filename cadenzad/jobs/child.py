"""The child of a job: `python -m cadenzad.jobs.child`, a JSON spec on stdin, JSON lines out.

It dies with its parent (PR_SET_PDEATHSIG), and what it started dies with it. Lines on stdout are
the protocol (see `protocol`), so anything the job prints goes to the log instead (see `printed`).
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from cadenzad.jobs.printed import printed_lines_logged, stderr_for_logs
from cadenzad.jobs.protocol import Beat, Done, Failed, Message, Progress, encode
from cadenzad.logs import redactor, secrets, set_up_logging
from cadenzad.progress import with_eta
from store import interpreter
from store.errors import CadenzaError

log = logging.getLogger("cadenzad.jobchild")


def main() -> int:
    request = json.loads(sys.stdin.readline())
    if request.get("key") or request.get("openai_key"):
        interpreter.hide_memory()
    interpreter.die_with(int(request["parent"]))
    interpreter.end_group_with_us()
    line = _Lines(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    set_up_logging("info", stream=stderr_for_logs())
    with printed_lines_logged():
        return _work(request, line)


def _work(request: Mapping[str, Any], line: _Lines) -> int:
    hide = redactor([*secrets(), *filter(None, map(request.get, ("key", "openai_key")))])
    stop = threading.Event()
    beat = threading.Thread(
        target=_beat, args=(line, float(request["heartbeat"]), stop), daemon=True
    )
    beat.start()
    try:
        line.send(_run(request, line))
        return 0
    except CadenzaError as error:
        from handlers.jobs import PermanentFailure, TryLater

        text = hide(error.with_hint)
        permanent = isinstance(error, PermanentFailure)
        after = error.after_s if isinstance(error, TryLater) else None
        found = error.events if isinstance(error, TryLater | PermanentFailure) else ()
        line.send(Failed(text, permanent, after, found))
        return 1
    except Exception as error:
        log.exception("the job failed")
        text = hide(f"{type(error).__name__}: {error}".splitlines()[0])
        line.send(Failed(text))
        return 1
    finally:
        stop.set()


class _Lines:
    """Writes whole lines, from any thread."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        with self._lock:
            self._out.write(encode(message) + "\n")
            self._out.flush()


def _beat(line: _Lines, every: float, stop: threading.Event) -> None:
    count = 0
    while not stop.wait(every):
        count += 1
        line.send(Beat(count))


def _run(request: Mapping[str, Any], line: _Lines) -> Done:
    from cadenzad.config.settings import Config
    from handlers.jobs import JobContext
    from handlers.settings import Settings

    module, _, name = request["function"].partition(":")
    config = Config.model_validate(request["settings"])
    function = getattr(importlib.import_module(module), name)
    result = function(
        JobContext(
            spec=request["spec"],
            project=Path(request["project"]) if request["project"] else None,
            state_dir=Path(request["state_dir"]),
            report=with_eta(lambda values: line.send(Progress(values))),
            settings=Settings(config.judge, config.lora, config.export, config.notify),
            key=request.get("key"),
            openai_key=request.get("openai_key"),
            attempt=int(request["attempt"]),
            job=int(request["job"]),
        )
    )
    return Done(result.summary, result.events, result.once)


if __name__ == "__main__":
    sys.exit(main())
