"""Logs of `--all` that are exported on the cluster, where `jobs.ray.kinds` says so."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say
from cadenzad.config.files import load_config
from handlers.project.paths import inside
from store.errors import UnsafePathError

if TYPE_CHECKING:
    from handlers.export.records import Recipe

MOST_BYTES = 64 << 20
"""A log of more is read here: its records would pass through three processes in one piece."""


def pieces_elsewhere(
    project: Path, logs: list[Path], recipe: Recipe, folder: Path
) -> Mapping[Path, Path]:
    """Log -> its records, in `folder`, of those that were exported there; handlers.export.elsewhere
    has what is said of each. What is not among them is for the caller to export."""
    config = load_config(None)
    if config.jobs.executor != "ray" or "export" not in config.jobs.ray.kinds:
        return {}
    from cadenzad.jobs.cluster.command import carry_out
    from cadenzad.jobs.protocol import Failed
    from handlers.export.elsewhere import GATHER, spec_of

    named = {f"{number}.jsonl": log for number, log in enumerate(logs)}
    sent = {name: found for name, log in named.items() if (found := _name(project, log))}
    spec = spec_of(sent, recipe, folder)
    outcome = carry_out("export", GATHER, spec, project, folder, config, lambda _values: None)
    if isinstance(outcome, Failed):
        say(f"warning: exported here alone: {outcome.error}", err=True)
    return {named[name]: folder / name for name in sent}


def _name(project: Path, log: Path) -> str:
    """A log as its project has it; "" for one that is not to be sent."""
    with suppress(UnsafePathError, ValueError, OSError):
        name = log.relative_to(project)
        if inside(project, name).stat().st_size <= MOST_BYTES:
            return str(name)
    return ""
