"""Every key that can be set: its type, bounds, default, meaning, and who may set it.

The classes composed here are the one source (those of the judge and of adapters stand beside what
they set): cadenzad.config.files reads files into them, and the commented example, the reference
page and the man page are compared with or made from `KEYS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

from cadenzad.config.cluster import RaySettings
from cadenzad.config.paths import lies_in
from handlers.dataset.folder.settings import ExportSettings
from handlers.judge.settings import JudgeSettings
from handlers.lora.settings import LoraSettings
from handlers.notify.settings import NotifySettings
from handlers.settings import DAY, Mark, Section
from handlers.takein.settings import TakeInSettings


class Watch(Section):
    """How long a file must be quiet before it is read."""

    settle: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.03,
        gt=0,
        le=60,
        description="seconds a file must be quiet after a close; one moved into place is whole",
    )
    settle_open: Annotated[float, Mark.PROJECT_RAISES] = Field(
        2.0, gt=0, le=600, description="seconds a file must be quiet that nobody has closed"
    )
    max_wait: Annotated[float, Mark.PROJECT_RAISES] = Field(
        30.0, gt=0, le=3600, description="seconds after which a file that never rests is read"
    )


class Reconcile(Section):
    """The periodic scan that finds what a watch missed."""

    every: float = Field(60.0, ge=0.2, le=DAY, description="seconds between two scans")


class Jobs(Section):
    """Slow work in child processes."""

    workers: int = Field(1, ge=1, le=64, description="children at once, over all projects")
    timeout: Annotated[float, Mark.PROJECT_LOWERS] = Field(
        3600.0, gt=0, le=30 * DAY, description="seconds after which an attempt is ended"
    )
    attempts: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        3, ge=1, le=100, description="attempts after which a job waits for somebody to look"
    )
    backoff: float = Field(
        30.0, ge=0, le=DAY, description="seconds before the second attempt; doubles each time"
    )
    heartbeat: float = Field(
        5.0, gt=0, le=3600, description="seconds between a child's signs of life"
    )
    lease: float = Field(
        30.0, gt=0, le=DAY, description="seconds of silence after which a child is ended"
    )
    executor: Annotated[Literal["local", "ray"], Mark.RESTART] = Field(
        "local", description='where jobs are done: "local": on this machine; "ray": on a cluster'
    )
    ray: RaySettings = RaySettings()


class Check(Section):
    """The check of a mission before any run, when env.json comes or changes."""

    enabled: Annotated[bool, Mark.PROJECT_LOWERS] = Field(
        True, description="check missions when env.json comes or changes"
    )


class Retention(Section):
    """Pruning by the daemon itself, with the rules of `cadenzactl db prune`; off by default."""

    prune: bool = Field(False, description="whether the daemon prunes at all")
    every: float = Field(
        DAY, gt=0, le=365 * DAY, description="seconds between two rounds of pruning"
    )
    logs: bool = Field(True, description="prune run logs")
    exports: bool = Field(True, description="prune exports, the training records")
    adapters: bool = Field(True, description="prune adapters that are not deployed")
    keep_last: int = Field(
        1000, ge=0, le=10**9, description="the newest so many of each sort stay, in every project"
    )
    older_than: float = Field(
        90 * DAY, ge=0, le=3650 * DAY, description="seconds of age that a file must have to go"
    )


class Hub(Section):
    """The hub that holds the history of many robots (`cadenzactl hub`)."""

    dsn_file: Annotated[str, Mark.RESTART] = Field(
        "",
        description="file that says where it is, made by `cadenzactl hub add`; empty: no hub",
        examples=["~/.config/cadenzad/hub.dsn"],
    )


class Metrics(Section):
    """Figures for Prometheus."""

    textfile: str = Field(
        "",
        description="file for node_exporter's textfile collector; empty: off",
        examples=["/var/lib/prometheus/node-exporter/cadenzad.prom"],
    )
    every: float = Field(60.0, ge=1, le=DAY, description="seconds between two writes of that file")
    port: Annotated[int, Mark.RESTART] = Field(
        0, ge=0, le=65535, description="TCP port of http://127.0.0.1:PORT/metrics; 0: off"
    )


class Log(Section):
    """What the daemon writes to stderr or the journal."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least that is written"
    )
    json_lines: bool = Field(
        False, alias="json", description="one JSON object a line instead of text"
    )


class Config(BaseModel):
    """Everything that can be set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workspaces: tuple[Path, ...] = Field(
        (), description="folders that hold projects", examples=[["~/robots"]]
    )
    watch: Watch = Watch()
    reconcile: Reconcile = Reconcile()
    jobs: Jobs = Jobs()
    check: Check = Check()
    export: ExportSettings = ExportSettings()
    judge: JudgeSettings = JudgeSettings()
    lora: LoraSettings = LoraSettings()
    notify: NotifySettings = NotifySettings()
    takein: TakeInSettings = TakeInSettings()
    retention: Retention = Retention()
    hub: Hub = Hub()
    metrics: Metrics = Metrics()
    log: Log = Log()

    def watches(self, project: Path) -> bool:
        """Whether a project, by its real path, lies in a workspace.

        The log also knows others: what somebody once asked for by hand, or watched before.
        """
        return lies_in(str(project), map(str, self.workspaces))


@dataclass(frozen=True)
class Key:
    """One key as people write it: `name` is "watch.settle", `default` a TOML value.

    `example`: a value that it takes and that says something, for who wrote one that it does not.
    """

    name: str
    default: Any
    example: Any
    description: str
    marks: frozenset[Mark]
    attributes: tuple[str, ...]
    order: tuple[str, ...] = ()

    def rank(self, value: Any) -> Any:
        """What compares as more or less: a number as it is, a word by its place in `order`."""
        return self.order.index(value) if self.order else value

    @property
    def needs_restart(self) -> bool:
        return Mark.RESTART in self.marks

    @property
    def project_may(self) -> Mark | None:
        """How far a project may set it for itself; None: not at all."""
        allowed = self.marks & {Mark.PROJECT_RAISES, Mark.PROJECT_LOWERS, Mark.PROJECT_SETS}
        return next(iter(allowed), None)

    def of(self, config: Config) -> Any:
        """This key's value in a configuration, as TOML and JSON have it."""
        value: Any = config
        for attribute in self.attributes:
            value = getattr(value, attribute)
        return plain(value)


def plain(value: Any) -> Any:
    """A value as TOML and JSON have it."""
    return [str(item) for item in value] if isinstance(value, tuple) else value


def _keys(
    model: type[BaseModel], names: tuple[str, ...] = (), attributes: tuple[str, ...] = ()
) -> dict[str, Key]:
    """The keys of a table and of those in it, in the order they are declared."""
    found: dict[str, Key] = {}
    for attribute, field in model.model_fields.items():
        here, there = (*names, field.alias or attribute), (*attributes, attribute)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found |= _keys(field.annotation, here, there)
        else:
            marks = frozenset(mark for mark in field.metadata if isinstance(mark, Mark))
            name = ".".join(here)
            words = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
            default, description = plain(field.default), field.description or ""
            (example,) = field.examples or [default]
            found[name] = Key(name, default, example, description, marks, there, words)
    return found


KEYS: Mapping[str, Key] = _keys(Config)
"""Every key by its dotted name."""


def _sections(model: type[BaseModel], above: str = "") -> dict[str, str]:
    """The tables in a table, and in those, with their first words."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found[above + name] = field.annotation.__doc__ or ""
            found |= _sections(field.annotation, f"{above}{name}.")
    return found


SECTIONS: Mapping[str, str] = _sections(Config)
"""Every table and what it is about."""
