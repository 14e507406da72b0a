"""What a check answers, and what it may look at."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from cadenzad.config.files import Config
from cadenzad.service_manager.install import Service, manager_runs, shown
from cadenzad.service_manager.units import Scope
from store.reads.state import State

Level = Literal["ok", "warn", "FAIL"]


class Mend(NamedTuple):
    """What can safely be done about a finding: `what` in words, `do` does it.

    `do` raises OSError or CadenzaError where that is not possible.
    """

    what: str
    do: Callable[[], object]


class Finding(NamedTuple):
    """One line of the doctor's: `fix` says what to do about it, "" when there is nothing to do.

    FAIL: something does not work, or data is at risk. warn: something works less well than it
    could, or is not there. `mend`: what `--fix` does about it.
    """

    check: str
    level: Level
    text: str
    fix: str = ""
    mend: Mend | None = None

    def as_json(self) -> dict[str, str | None]:
        """As programs see it."""
        what = self.mend.what if self.mend is not None else None
        told = {"check": self.check, "level": self.level, "text": self.text, "fix": self.fix}
        return {**told, "mend": what}


@dataclass(frozen=True)
class Situation:
    """What there is to look at.

    `reader` is None where there is no event log, or none that can be read (`trouble` says why).
    `config` is None where it cannot be used (`config_trouble`). `now` is in Unix seconds. The last
    three are how the machine is asked: tests answer in its place.
    """

    state_dir: Path
    config: Config | None
    environ: Mapping[str, str]
    now: float
    reader: sqlite3.Connection | None = None
    trouble: str = ""
    config_trouble: str = ""
    config_path: Path = Path("cadenzad.toml")
    proc: Path = Path("/proc")
    manager_runs: Callable[[Scope], bool] = manager_runs
    shown: Callable[[Service], Mapping[str, str]] = shown

    def state(self) -> State | None:
        return State(self.reader) if self.reader is not None else None

    def workspaces(self) -> list[Path]:
        """Those of the configuration, else those the daemon watches or last watched."""
        if self.config is not None and self.config.workspaces:
            return list(self.config.workspaces)
        state = self.state()
        live = state.progress("daemon") if state is not None else None
        return [Path(path) for path in (live or {}).get("workspaces", [])]


Check = Callable[[Situation], list[Finding]]
