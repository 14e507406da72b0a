"""The decoder of a project: its deployed adapter, loaded with what is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from handlers.lora.registry import Registry
from handlers.project.paths import ENCODER_FILE
from handlers.project.project import Project
from store.errors import InputError, ProjectError
from store.reads.improvements import trusted
from store.reads.state import State

if TYPE_CHECKING:
    from handlers.lora.model.decoding import ActionDecoder
    from handlers.project.code import ImportedCode


def serving_version(project: Path) -> int:
    """The deployed version's number. Raises ProjectError when there is none."""
    number = Registry(project).deployed()
    if number is None:
        raise ProjectError(
            f"{project}: no adapter is deployed",
            hint=f"cadenza env lora finetune {project} --gate trains one and deploys it when it"
            " passes",
        )
    return number


def version_to_try(project: Path) -> tuple[int, bool]:
    """The deployed version, else the newest there is; and whether it is deployed.

    For looking at what an adapter says, which moves nothing. Raises ProjectError without any.
    """
    registry = Registry(project)
    number = registry.deployed()
    if number is not None:
        return number, True
    versions = registry.versions()
    if not versions:
        raise ProjectError(
            f"{project}: there is no adapter yet", hint=f"cadenza env lora finetune {project}"
        )
    return versions[-1], False


def project_decoder(
    project: Project, state: State | None, version: int, device: str = "auto"
) -> ActionDecoder:
    """A version of a project's adapter, on a device as `lora.device` names it.

    Raises InputError for one missing, damaged or untrusted.
    """
    from handlers.lora.model.decoding import load_decoder
    from handlers.lora.model.files import read_head

    registry = Registry(project.path)
    if version not in registry.versions():
        raise InputError(f"{project.path}: there is no adapter version {version}")
    folder = registry.folder(version)
    is_own = read_head(folder)[0].encoder == "project"  # else nobody's code is run
    code = own_encoder(project.path, state) if is_own else None
    return load_decoder(folder, project.library, code, device=device)


def own_encoder(project: Path, state: State | None) -> ImportedCode | None:
    """A project's lora_encoder.py, as it was trusted; None where it has none.

    Raises PermanentFailure for one that is not.
    """
    from handlers.lora.context import trusted_encoder

    view = state.connection if state is not None else None
    sha256 = trusted(view, str(project), ENCODER_FILE) if view is not None else None
    return trusted_encoder(project, sha256)
