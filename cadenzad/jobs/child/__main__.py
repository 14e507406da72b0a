"""The child of a job: `python -m cadenzad.jobs.child`, a JSON spec on stdin, JSON lines out.

It dies with its parent (PR_SET_PDEATHSIG), and what it started dies with it. Lines on stdout are
the protocol (see `protocol`), so anything the job prints goes to the log instead (see `printed`).
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cadenzad.jobs.child.printed import printed_lines_logged, stderr_for_logs
from cadenzad.jobs.child.telling import Lines, beating, failure
from cadenzad.jobs.protocol import Ask, Done, Enough, Progress
from cadenzad.logfiles import job_log, logged_to
from cadenzad.logs import redactor, secrets, set_up_logging
from cadenzad.progress import with_eta
from handlers.spread import NoRoom
from store import interpreter
from store.errors import InputError


def main() -> int:
    request = json.loads(sys.stdin.readline())
    os.environ.update(request.get("environ", {}))
    if _keys(request):
        interpreter.hide_memory()
    interpreter.die_with(int(request["parent"]))
    interpreter.end_group_with_us()
    line = Lines(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    set_up_logging("info", stream=stderr_for_logs())
    path = job_log(Path(request["state_dir"]), int(request["job"]))
    with logged_to(path, _keys(request)), printed_lines_logged():
        return _work(request, line)


def _keys(request: Mapping[str, Any]) -> list[str]:
    """The secrets that came with the request; the environment of this process has none."""
    named = [request[name] for name in ("key", "openai_key") if request.get(name)]
    return [*named, *request.get("environ", {}).values()]


def _work(request: Mapping[str, Any], line: Lines) -> int:
    hide = redactor([*secrets(), *_keys(request)])
    with beating(line, float(request["heartbeat"])):
        try:
            line.send(_run(request, line))
        except Exception as error:  # noqa: BLE001 - how it ended is told, whatever it was
            line.send(failure(error, hide))
            return 1
        return 0


class _ByParent:
    """Has parts computed by whoever our parent finds for them (handlers.spread.Spread)."""

    def __init__(self, line: Lines, width: int) -> None:
        self._line, self.width = line, width

    def map(
        self,
        function: str,
        parts: Sequence[Mapping[str, Any]],
        files: Sequence[str],
        own: Sequence[Sequence[str]] = (),
    ) -> Generator[Any, None, None]:
        """The values, as the parent tells them on our stdin."""
        self._line.send(Ask(function, tuple(parts), tuple(files), tuple(map(tuple, own))))
        left = len(parts)
        try:
            while left:
                answer, left = _answer(), left - 1
                if "declined" in answer:
                    left = 0
                    raise NoRoom(answer["declined"])
                if "error" in answer:
                    raise InputError(answer["error"])
                yield answer["value"]
        finally:
            if left:  # whoever takes these has enough, or has failed
                self._line.send(Enough())
                while "declined" not in _answer():
                    pass


def _answer() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(sys.stdin.readline() or '{"declined": "nobody is there"}')
    return answer


def _run(request: Mapping[str, Any], line: Lines) -> Done:
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
            settings=Settings(
                config.judge, config.lora, config.export, config.notify, config.takein
            ),
            key=request.get("key"),
            openai_key=request.get("openai_key"),
            attempt=int(request["attempt"]),
            job=int(request["job"]),
            past=request.get("past"),
            spread=_ByParent(line, request["spread"]) if request.get("spread") else None,
        )
    )
    return Done(result.summary, result.events, result.once)


if __name__ == "__main__":
    sys.exit(main())
