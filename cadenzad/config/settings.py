"""Every key that can be set: its type, bounds, default, meaning, and who may set it.

The classes below are the one source: cadenzad.config.files reads files into them, and the commented
example, the reference page and the man page are compared with or made from `KEYS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

DAY = 86_400.0
"""Upper bounds keep a number within what timers and the kernel's timeouts can hold."""


class Mark(Enum):
    """What a key allows beyond being set in the daemon's own files.

    Of words, one further right in their Literal is the higher.
    """

    RESTART = "a running daemon takes it over only when it is started anew"
    PROJECT_RAISES = "a project may set it for itself, to the daemon's value or a higher one"
    PROJECT_LOWERS = "a project may set it for itself, to the daemon's value or a lower one"


class Section(BaseModel):
    """A table of the file. Strict: `"4"` is no number and `1` is not `true`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Watch(Section):
    """How long a file must be quiet before it is read."""

    settle: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.05, gt=0, le=60, description="seconds a file must be quiet after a close or a move-in"
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


class Judge(Section):
    """The judge, which finds in runs why missions fail and rewrites SYSTEM_PROMPT."""

    mode: Annotated[Literal["off", "propose", "apply"], Mark.PROJECT_LOWERS] = Field(
        "apply",
        description='"apply": rewrite when every gate passes; "propose": wait for'
        ' `cadenzactl prompt PROJECT approve`; "off": no call and no rewrite, `cadenza env train`'
        " reports",
    )
    model: str = Field(
        "openai/gpt-oss-120b", min_length=1, description="the Groq model; it needs strict schemas"
    )
    debounce: Annotated[float, Mark.PROJECT_RAISES] = Field(
        20.0, ge=0, le=DAY, description="seconds without a new run before runs are judged"
    )
    max_wait: float = Field(
        600.0, ge=0, le=DAY, description="seconds after which they are judged all the same"
    )
    max_runs: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        200, ge=1, le=10_000, description="newest runs that are read"
    )
    deadline: float = Field(
        120.0, gt=0, le=3600, description="seconds a call may take, with its retries"
    )
    max_tokens: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        7000, ge=3000, le=120_000, description="tokens of a call: evidence and answer together"
    )
    daily_tokens: int = Field(
        200_000, ge=0, description="tokens a day (UTC) over all projects; 0: no call at all"
    )
    seeds: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        12, ge=0, le=200, description="paired simulations before a rewrite at most; 0: none"
    )


class Lora(Section):
    """The LoRA action head: when it is trained, and what it must reach to be deployed."""

    retrain: Annotated[bool, Mark.PROJECT_LOWERS] = Field(
        True, description="train anew when examples arrive or change"
    )
    debounce: Annotated[float, Mark.PROJECT_RAISES] = Field(
        5.0, ge=0, le=DAY, description="seconds without a new example before training begins"
    )
    max_wait: float = Field(
        300.0, ge=0, le=DAY, description="seconds after which it begins all the same"
    )
    encoder: Literal["auto", "minilm", "light"] = Field(
        "auto", description='text encoder; "auto": all-MiniLM-L6-v2 where installed, else the light'
    )
    threads: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        1, ge=1, le=64, description="threads to train with; the weights depend on it"
    )
    fidelity: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.8, ge=0, le=1, description="share of different exam plans that must surely be right"
    )
    coverage: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.8, ge=0, le=1, description="share of goals that must get a plan"
    )
    stability: Annotated[float, Mark.PROJECT_RAISES] = Field(
        0.8, ge=0, le=1, description="share of plans that must stay the same, worded a little else"
    )
    falls: Annotated[float, Mark.PROJECT_LOWERS] = Field(
        0.05, ge=0, le=1, description="share of simulated runs that may fall"
    )


class Metrics(Section):
    """Figures for Prometheus."""

    textfile: str = Field("", description="file for node_exporter's textfile collector; empty: off")
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

    workspaces: tuple[Path, ...] = Field((), description="folders that hold projects")
    watch: Watch = Watch()
    reconcile: Reconcile = Reconcile()
    jobs: Jobs = Jobs()
    judge: Judge = Judge()
    lora: Lora = Lora()
    metrics: Metrics = Metrics()
    log: Log = Log()


@dataclass(frozen=True)
class Key:
    """One key as people write it: `name` is "watch.settle", `default` a TOML value."""

    name: str
    default: Any
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
        allowed = self.marks & {Mark.PROJECT_RAISES, Mark.PROJECT_LOWERS}
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
            found[name] = Key(name, default, description, marks, there, words)
    return found


KEYS: Mapping[str, Key] = _keys(Config)
"""Every key by its dotted name."""

SECTIONS: Mapping[str, str] = {
    name: (field.annotation.__doc__ or "")
    for name, field in Config.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}
"""Every table and what it is about."""
