"""Trainings and scorings on another machine: what they take along, and how an adapter comes home.

They need the mission, what is taught and asked, the runs that teach, the encoder that somebody
trusts, and the adapters that are compared with; nothing else of a project leaves its machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.away import Parcel, expect_running
from handlers.jobs import JobContext, PermanentFailure
from handlers.lora.context import trusted_encoder
from handlers.lora.data.dataset import authored_files
from handlers.lora.hub.card import write_card
from handlers.lora.model.names import SCORECARD, folder_sha256
from handlers.lora.past import Past
from handlers.lora.recovery import ADAPTERS
from handlers.lora.registry import DEPLOYED, Registry
from handlers.mission.episode.setting import mission_files
from handlers.project.code import ImportedCode
from handlers.project.formats.lines import BadLine, parse_line
from handlers.project.paths import ADAPTERS_DIR, CADENZA_DIR, classify, inside
from handlers.project.project import Project
from handlers.recovery import note
from store.durable import write_file
from store.errors import CadenzaError, InputError, UnsafePathError
from store.events.adapter import AdapterScored, AdapterTrained
from store.events.base import Event
from store.schema import connect_reader

if TYPE_CHECKING:
    from store.database.backend import Readable

GIVEN = "given"
"""The folder of a copy for a file that lies outside of the project: nothing is looked for there."""


def pack_training(context: JobContext) -> Parcel:
    """What `retrain` needs. Raises PermanentFailure for what is not to be sent or run."""
    return _packed(context, needs_code=True)


def pack_scoring(context: JobContext) -> Parcel:
    """What `rescore` needs. Raises as `pack_training`."""
    return _packed(context, needs_code=False)


def _packed(context: JobContext, *, needs_code: bool) -> Parcel:
    assert context.project is not None
    with closing(connect_reader(context.state_dir)) as history:
        past = Past.of(history, str(context.project), context.job)
    try:
        project = Project.open(context.project, actions=True)
        registry = Registry(project.path)
        code = _code(project.path, past.trusted, needs_code)
        spec, given = _given(context, project.path)
        found = [
            *mission_files(project),
            *_written(project.path),
            *_images(project.path),
            *_logs(project.path),
            *(_sources(code) if code is not None else ()),
            *_adapters(registry, [*_versions(context, registry, past)]),
        ]
    except (InputError, UnsafePathError) as error:
        raise PermanentFailure(error.message, hint=error.hint) from None
    files = {str(path.relative_to(project.path)): path for path in found}
    link = registry.link()
    links = {f"{ADAPTERS_DIR}/{DEPLOYED}": link} if link and registry.deployed() else {}
    return Parcel(files | given, spec, past.as_json(), links)


def _code(project: Path, trusted: str | None, needed: bool) -> ImportedCode | None:
    """The project's encoder, if it is trusted: other code of a project goes nowhere."""
    try:
        return trusted_encoder(project, trusted)
    except PermanentFailure:
        if needed:
            raise
        return None


def _sources(code: ImportedCode) -> Iterator[Path]:
    yield code.path
    for module in code.modules.values():
        if module.path.suffix:
            yield module.path


def _given(context: JobContext, project: Path) -> tuple[dict[str, object], dict[str, Path]]:
    """The spec as it holds for the copy, and a file that somebody named for this training."""
    spec, named = dict(context.spec), context.spec.get("finetune")
    if not named:
        return spec, {}
    path = project / named
    name = f"{GIVEN}/{path.name}"
    return spec | {"finetune": name}, {name: path} if path.is_file() else {}


def _written(project: Path) -> Iterator[Path]:
    yield from (project / name for name, _ in authored_files(project) if (project / name).is_file())


def _images(project: Path) -> Iterator[Path]:
    """The pictures that examples name, as far as they are there: who reads the rows says which
    are not."""
    for file in _written(project):
        for line in file.read_bytes().splitlines():
            try:
                image = parse_line(line).get("image")
                there = isinstance(image, str) and inside(project, Path(image)).is_file()
            except (BadLine, UnsafePathError):
                continue
            if there:
                yield Path(os.path.normpath(project / str(image)))


def _logs(project: Path) -> Iterator[Path]:
    """What may be a mission's log, by its name: what it is, is found out where it is read."""
    for folder, roles in ((".", ("run",)), (CADENZA_DIR, ("run", "maybe"))):
        for name in sorted(os.listdir(project / folder)) if (project / folder).is_dir() else ():
            relative = os.path.normpath(f"{folder}/{name}")
            if classify(relative) in roles and (project / relative).is_file():
                yield project / relative


def _versions(context: JobContext, registry: Registry, past: Past) -> Iterator[int]:
    """The adapters that are compared with: the newest, the one that serves, the one asked for."""
    there = registry.versions()
    newest = [row.version for row in past.adapters[-1:]]
    asked = [registry.deployed(), context.spec.get("version"), *there[-1:], *newest]
    yield from sorted({version for version in asked if version in there})


def _adapters(registry: Registry, versions: Iterable[int]) -> Iterator[Path]:
    for version in versions:
        yield from filter(Path.is_file, registry.folder(version).iterdir())


# -- home again ------------------------------------------------------------------------------------


def land(context: JobContext, copy: Path, events: Sequence[Event]) -> None:
    """Put what an attempt made in its place, noted first, as a training here does it.

    Raises Overtaken for an attempt that is not the running one, CadenzaError for an adapter that is
    not the one its event speaks of.
    """
    assert context.project is not None
    if not events:
        return
    with closing(connect_reader(context.state_dir)) as history:
        expect_running(history, context)
        _put_in_place(context.project, copy, history, context.job, events)


def _put_in_place(
    project: Path, copy: Path, history: Readable, job: int | None, events: Sequence[Event]
) -> None:
    registry, made = Registry(project), copy / ADAPTERS_DIR
    trained = next((event for event in events if isinstance(event, AdapterTrained)), None)
    draft = registry.stage()
    try:
        if trained is not None:
            source = made / registry.folder(trained.version).name
            shutil.copytree(source, draft, dirs_exist_ok=True)
            if folder_sha256(draft) != trained.sha256:
                raise CadenzaError(f"{source.name}: what came back is not what was trained")
        note(ADAPTERS, project, history, job, events)
        if trained is not None:
            registry.commit(draft, trained.version)
        else:
            _take_card(registry, made, events)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if not ADAPTERS.complete(project, tuple(events)):
        raise CadenzaError("what came back is not what its events speak of")


def _take_card(registry: Registry, made: Path, events: Sequence[Event]) -> None:
    for event in events:
        if isinstance(event, AdapterScored):
            folder = registry.folder(event.version)
            write_file(folder / SCORECARD, (made / folder.name / SCORECARD).read_bytes())
            write_card(folder)
