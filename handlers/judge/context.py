"""What a judging works on: the project, what was mined, what is known, what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.jobs import JobContext
from handlers.judge.candidates.candidate import Candidate, Dropped
from handlers.judge.driver import driver_of, newest_logs
from handlers.judge.evidence.mining import mine
from handlers.judge.evidence.pack import Pack
from handlers.judge.evidence.report import MiningReport
from handlers.judge.groq.budget import Ledger
from handlers.judge.groq.question import Answer
from handlers.judge.groq.wire import server
from handlers.judge.prompt.known import Known, known
from handlers.judge.settings import JudgeOverrides, JudgeSettings
from handlers.project.library import ActionLibrary
from handlers.project.project import Project
from handlers.project.spec import ProjectSpec
from store.events.prompt import Rejection
from store.reads.improvements import tokens_on
from store.reads.state import State

if TYPE_CHECKING:
    from store.database.backend import Readable


@dataclass(frozen=True)
class Proposals:
    """What is to be tried. `dropped`: candidates that are not, and why.

    `unweighed` says which of a model's proposals were none, and why; `remark` is the model's, for
    people; `shared`: what of the author's words it was shown, "" where none was asked.
    """

    kept: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...] = ()
    unweighed: tuple[str, ...] = ()
    remark: str = ""
    shared: str = ""


@dataclass
class JudgeContext:
    """A judging: its job, what was mined, and what came of it so far.

    `logs` that were read, held-out ones too.
    `key` of the question that was asked; `answer` and `proposals` once there are any.
    `rejection`: what is recorded if all of it is in vain. `offer`: that of the fleet which is put
    through the gate, "" for none.
    """

    task: JobContext
    project: Path
    spec: ProjectSpec
    library: ActionLibrary
    state: State
    report: MiningReport
    settings: JudgeSettings
    known: Known
    left_out: int = 0
    logs: tuple[Path, ...] = ()
    env_sha256: str | None = None
    pack: Pack | None = None
    key: str | None = None
    answer: Answer | None = None
    proposals: Proposals | None = None
    rejection: Rejection | None = None
    offer: str = ""

    @classmethod
    def open(cls, task: JobContext, project: Path, history: Readable) -> JudgeContext:
        """Read the project and mine its runs. Raises ProjectError without a usable env.json."""
        opened = Project.open(project, actions=True)
        asked = JudgeOverrides.model_validate(task.spec.get("settings", {}))
        settings = asked.over(task.settings.of(JudgeSettings))
        task.report({"step": "mining"})
        state = State(history)
        driver = driver_of(opened, settings.prompt, state.connection)
        logs, older, none = newest_logs(project, settings.max_runs, driver)
        report = mine(logs, opened.spec, opened.library, driver, none)
        file = known(state, project, settings.prompt)
        read = tuple(log.path for log in logs)
        return cls(
            task,
            project,
            opened.spec,
            opened.library,
            state,
            report,
            settings,
            file,
            left_out=older,
            logs=read,
            env_sha256=opened.env_sha256,
        )

    @property
    def by(self) -> str:
        return str(self.task.spec.get("by", "cadenzad"))

    @property
    def by_hand(self) -> bool:
        """Whether somebody asked for it, and not the daemon itself."""
        return self.by != "cadenzad"

    @property
    def evidence(self) -> str:
        return self.pack.digest if self.pack else self.report.digest()

    def ledger(self) -> Ledger:
        """Raises Refused for a GROQ_BASE_URL that is none."""
        return Ledger(
            self.task.state_dir,
            f"{server()} {self.settings.model}",
            limit=self.settings.daily_tokens,
            recorded=self.tokens_today,
        )

    @property
    def tokens_today(self) -> int:
        """What the event log knows was spent today (UTC), over all projects."""
        return tokens_on(self.state.connection, datetime.now(UTC).date().isoformat())
