"""Dropped recordings as a job: a run log of each is written beside it, and intake takes that.

A log is whole or not there, and the same recording gives the same bytes: a job that was killed is
done again, and what was done already changes nothing. What is wrong with one recording holds up no
other.
"""

from __future__ import annotations

import time
from contextlib import closing

from handlers.jobs import JobContext, JobResult, PermanentFailure, TryLater
from handlers.project.paths import inside
from handlers.project.project import Project
from handlers.takein.reactions import dropped_since
from handlers.takein.recognise import look_at
from handlers.takein.settings import TakeInSettings
from store.errors import CadenzaError, ConfigError, InputError, ProjectError, UnsafePathError
from store.schema import connect_reader
from store.text import counted

INSTALL = "pip install 'cadenzad[formats]'"


def take_in_dropped(context: JobContext) -> JobResult:
    """Take in what was dropped. What is wrong with it is a PermanentFailure that says the fix."""
    assert context.project is not None
    with closing(connect_reader(context.state_dir)) as history:
        named = dropped_since(history, str(context.project), int(context.spec["first"]))
    try:
        project = Project.open(context.project)
    except ProjectError as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    settings = context.settings.of(TakeInSettings)
    done: list[str] = []
    wrong: list[CadenzaError] = []
    later: TryLater | None = None
    for at, name in enumerate(named):
        context.report({"step": name, "done": at, "total": len(named)})
        try:
            done.append(_take_in(project, name, settings))
        except TryLater as error:
            later = error
        except (InputError, ConfigError, UnsafePathError) as error:
            wrong.append(error)
        except ImportError as error:
            reason = f"{project.path / name}: reading it needs {error.name}, not installed here"
            wrong.append(PermanentFailure(reason, hint=INSTALL))
    if later is not None:
        raise later
    if wrong:
        reasons = "; ".join(error.message for error in wrong)
        raise PermanentFailure(reasons, hint=wrong[0].hint)
    return JobResult((), "; ".join(done))


def _take_in(project: Project, name: str, settings: TakeInSettings) -> str:
    """Take in a recording of a project; what came of it, in a line. Raises what `take_in` does,
    ImportError, and TryLater for one that is not all there."""
    source = inside(project.path, project.path / name)
    if not source.exists():
        return f"{name}: is gone"
    before = look_at(source)
    if (wait := before.wait(source, time.time())) > 0:
        raise TryLater(f"{name}: is still being written", wait)
    from handlers.takein.takein import take_in

    taken = take_in(source, project, settings)
    if look_at(source) != before:
        raise TryLater(f"{name}: changed while it was read", 1.0)
    log = taken.log.relative_to(project.path)
    ticks, episodes = counted(taken.ticks, "tick"), counted(taken.episodes, "episode")
    there = "written" if taken.changed else "there already"
    return "; ".join([f"{log}: {ticks} of {episodes}, {there}", *taken.notes])
