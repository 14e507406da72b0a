"""A dropped recording as a job: its run log is written beside it, and intake takes that from there.

The log is whole or not there, and the same recording gives the same bytes: a job that was killed is
done again, and one that was done already changes nothing.
"""

from __future__ import annotations

import time

from handlers.jobs import JobContext, JobResult, PermanentFailure, TryLater
from handlers.project.paths import inside
from handlers.project.project import Project
from handlers.takein.recognise import look_at
from handlers.takein.settings import TakeInSettings
from store.errors import ConfigError, InputError, ProjectError
from store.text import counted

INSTALL = "pip install 'cadenzad[formats]'"


def take_in_dropped(context: JobContext) -> JobResult:
    """Take one recording in. What is wrong with it is a PermanentFailure that says what to do."""
    assert context.project is not None
    named = str(context.spec["recording"])
    try:
        project = Project.open(context.project)
        source = inside(project.path, project.path / named)
        if not source.exists():
            return JobResult((), f"{named}: is gone")
        before = look_at(source)
        if (wait := before.wait(source, time.time())) > 0:
            raise TryLater(f"{named}: is still being written", wait)
        from handlers.takein.takein import take_in

        taken = take_in(source, project, context.settings.of(TakeInSettings))
        if look_at(source) != before:
            raise TryLater(f"{named}: changed while it was read", 1.0)
    except ImportError as error:
        reason = f"{named}: reading it needs {error.name}, which is not installed"
        raise PermanentFailure(reason, hint=INSTALL) from None
    except (InputError, ConfigError, ProjectError) as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    log = taken.log.relative_to(project.path)
    done = "written" if taken.changed else "there already"
    ticks, episodes = counted(taken.ticks, "tick"), counted(taken.episodes, "episode")
    return JobResult((), "; ".join([f"{log}: {ticks} of {episodes}, {done}", *taken.notes]))
