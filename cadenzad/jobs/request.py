"""What the process of an attempt is told, by which settings: one JSON object on its stdin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cadenzad.config.credentials import groq_key, openai_key
from cadenzad.config.files import Config
from cadenzad.config.project import ProjectConfigs
from handlers.routes import KEYED, PASSED
from store.reads.state import JobRow

TOLD = ("export", "judge", "lora", "notify", "takein")
"""The tables of the configuration that a job may ask for."""


def config_for(job: JobRow, config: Config, configs: ProjectConfigs) -> Config:
    """What holds for a job; its project's own cadenzad.toml may ask for less."""
    return configs.of(Path(job.project), config) if job.project else config


def request_of(
    job: JobRow, attempt: int, function: str, state_dir: Path, config: Config
) -> dict[str, Any]:
    """`function`: "module:function"; `config`: what holds for the job. Secrets are in it for the
    kinds alone that may have them."""
    request: dict[str, Any] = {
        "function": function,
        "spec": job.spec,
        "project": job.project,
        "state_dir": str(state_dir),
        "parent": os.getpid(),
        "heartbeat": config.jobs.heartbeat,
        "job": job.id,
        "attempt": attempt,
        "settings": config.model_dump(include=set(TOLD)),
        "environ": _environ(job.kind),
    }
    if job.kind in KEYED:
        request |= {"key": groq_key(), "openai_key": openai_key()}
    return request


def _environ(kind: str) -> Mapping[str, str]:
    return {name: os.environ[name] for name in PASSED.get(kind, ()) if name in os.environ}
