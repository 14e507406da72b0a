"""The decoder of a project: its deployed adapter, loaded with what is trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.lora.decoder import Decoder
from handlers.lora.registry import Registry
from handlers.project.library import library_for
from handlers.project.paths import ENCODER_FILE
from handlers.project.spec import load_spec
from store.errors import InputError, ProjectError
from store.improvements import trusted
from store.queries import State


def project_decoder(project: Path, state: State | None, version: int | None = None) -> Decoder:
    """Load an adapter: the deployed one, or a version by number.

    Raises ProjectError without one, InputError for one that is damaged or not trusted.
    """
    from handlers.lora.job import trusted_encoder
    from handlers.lora.model.decoding import load_decoder

    registry = Registry(project)
    number = version if version is not None else registry.deployed()
    if number is None:
        raise ProjectError(
            f"{project}: no adapter is deployed",
            hint=f"cadenza env lora finetune {project} --gate trains one and deploys it when it"
            " passes; --version N uses one that is not deployed",
        )
    if number not in registry.versions():
        raise InputError(f"{project}: there is no adapter version {number}")
    spec = load_spec(project / "env.json")
    library = library_for(spec.robot, project, spec.signals)
    sha256 = trusted(state.connection, str(project), ENCODER_FILE) if state is not None else None
    return load_decoder(registry.folder(number), library, trusted_encoder(project, sha256))


def plan_decoder(project: Path) -> Any:
    """For a mission: goal -> [{"action": name, ...}]; an empty plan for a goal it refuses."""
    from cadenzad.cli.history import open_state

    with open_state(None) as state:
        decoder = project_decoder(project, state)

    def decode(goal: str) -> Sequence[Mapping[str, Any]]:
        return [step.as_json() for step in decoder.decode(goal).actions]

    return decode
