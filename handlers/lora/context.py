"""What an adapter's job works on: a project, its adapters, and the log as it was when it began."""

from __future__ import annotations

import contextlib
import functools
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers import recovery
from handlers.jobs import JobContext, JobResult, PermanentFailure
from handlers.lora.model.decoding import load_decoder
from handlers.lora.model.files import read_head
from handlers.lora.model.interface import Decoder
from handlers.lora.past import Past
from handlers.lora.recovery import ADAPTERS
from handlers.lora.registry import Registry
from handlers.lora.settings import LoraSettings
from handlers.project.code import ImportedCode, imported_code
from handlers.project.paths import ENCODER_FILE, inside
from handlers.project.project import Project
from store.errors import CadenzaError, InputError, UnsafePathError
from store.events.base import Event
from store.reads.improvements import AdapterRow
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.database.backend import Readable


@dataclass
class LoraContext:
    """A project and its adapters, for the job that is its `task`.

    `history` is None where the log is on another machine; `past` has what it knows.
    """

    task: JobContext
    project: Project
    registry: Registry
    past: Past
    settings: LoraSettings
    history: Readable | None
    report: Callable[[Mapping[str, Any]], None] = field(repr=False)

    @classmethod
    def open(cls, task: JobContext, history: Readable | None) -> LoraContext:
        """Read the project. Raises ProjectError without a usable env.json, UnsafePathError."""
        assert task.project is not None
        project = Project.open(task.project, actions=True)
        past = (
            Past.of(history, str(project.path), task.job)
            if history is not None
            else Past.from_json(task.past or {})
        )
        return cls(
            task,
            project,
            Registry(project.path),
            past,
            task.settings.of(LoraSettings),
            history,
            task.report,
        )

    @property
    def rows(self) -> tuple[AdapterRow, ...]:
        """The versions that the log knows, the oldest first."""
        return self.past.adapters

    @property
    def by(self) -> str:
        return str(self.task.spec.get("by", "cadenzad"))

    @property
    def recorded(self) -> int | None:
        """The version that serves, as far as the log knows."""
        return next((row.version for row in self.rows if row.state == "deployed"), None)

    @property
    def next_version(self) -> int:
        """One more than any there is, on disk or in the log."""
        known = (*self.registry.versions(), *(row.version for row in self.rows))
        return max(known, default=0) + 1

    def load(self, folder: Path, *, trained: bool = True) -> Decoder:
        """An adapter; `trained` False: the same decoder without its weights. The project's encoder
        must be trusted if this one was made with it.
        """
        code = None
        if read_head(folder)[0].encoder == "project":
            code = trusted_encoder(self.project.path, self.past.trusted)
            self.report({"step": f"running {ENCODER_FILE}"})
        return load_decoder(
            folder, self.project.library, code, device=self.settings.device, trained=trained
        )

    def note(self, events: Sequence[Event]) -> None:
        """Write down what will be recorded, before anything is switched.

        Not of a copy of the project on another machine: whoever takes the files over does it there.
        """
        if self.history is None:
            return
        recovery.note(ADAPTERS, self.project.path, self.history, self.task.job, events)


@contextlib.contextmanager
def permanent(*errors: type[CadenzaError]) -> Iterator[None]:
    """Turns what another attempt would not help into PermanentFailure."""
    try:
        yield
    except errors as error:
        raise PermanentFailure(error.message, hint=error.hint) from None


def with_context(
    function: Callable[[LoraContext], JobResult],
) -> Callable[[JobContext], JobResult]:
    """A job's function of one that works on its context; the log is open while that runs.

    Raises PermanentFailure for a project that none can work on.
    """

    @functools.wraps(function)
    def opened(task: JobContext) -> JobResult:
        with contextlib.ExitStack() as stack:
            history = None
            if task.past is None:
                history = stack.enter_context(contextlib.closing(connect_reader(task.state_dir)))
            with permanent(InputError, UnsafePathError):
                context = LoraContext.open(task, history)
            return function(context)

    return opened


def trusted_encoder(project: Path, sha256: str | None) -> ImportedCode | None:
    """The project's lora_encoder.py, if it has one. Raises PermanentFailure for one untrusted."""
    path = inside(project, Path(ENCODER_FILE))
    if not path.is_file():
        return None
    try:
        code = imported_code(project, path)
    except CadenzaError as error:
        raise PermanentFailure(f"{path}: is not run: {error.message}", hint=error.hint) from None
    if code.sha256 != sha256:
        it = f"it or what it imports ({', '.join(code.modules)}) " if code.modules else ""
        changed = f"{it}changed since it was trusted" if sha256 else "is not trusted"
        raise PermanentFailure(
            f"{path}: {changed}, so it is not run",
            hint=f"cadenzactl trust {shlex.quote(str(project))}",
        )
    return code
