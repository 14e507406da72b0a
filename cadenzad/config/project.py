"""What a project may set for itself, in `<project>/cadenzad.toml`: little, and only downward.

Whoever can write into a project's folder can write this file, so it may not widen what the project
gets: longer waits and shorter, fewer attempts than the daemon allows, never the reverse; where in
its own folder its prompt is, it may say. Keys that
concern the machine or other projects (workers, folders, ports, logs) are refused by name. The marks
in cadenzad.config.settings say which key is which.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cadenzad.config.document import Document, leaves, read
from cadenzad.config.files import Loaded, lay_over
from cadenzad.config.settings import KEYS, Config, Key
from handlers.jobs import AT_ONCE, Debounce
from handlers.project.paths import inside
from handlers.reactions import ReactionPolicy
from handlers.settings import Mark
from store.errors import ConfigError, UnsafePathError

FILE_NAME = "cadenzad.toml"
MAX_BYTES = 1 << 16

log = logging.getLogger("cadenzad.wishes")

PROJECT_KEYS = tuple(key for key in KEYS.values() if key.project_may is not None)


def load_project_config(project: Path, base: Config) -> Config:
    """The configuration as it is for one project; `base` itself where the project says nothing.

    Raises ConfigError with one line that names the file and the key; `base` still holds then.
    """
    document = _read(project)
    for problem in _problems(document, base):
        raise problem
    return _laid_over(base, document.values)


def read_project_config(project: Path, base: Loaded) -> Loaded:
    """`load_project_config`, and which file set what."""
    config = load_project_config(project, base.config)
    document = _read(project)
    if not document.values:
        return base
    origins = {**base.origins, **dict.fromkeys(leaves(document.values), str(document.file))}
    return Loaded(config, (*base.documents, document), origins)


def project_problems(project: Path, base: Config) -> list[ConfigError]:
    """Everything that is wrong with a project's file, each as one line."""
    try:
        return _problems(_read(project), base)
    except ConfigError as error:
        return [error]


def _read(project: Path) -> Document:
    """The file and what it says, unchecked; nothing when there is none."""
    file = project / FILE_NAME
    try:
        os.lstat(file)  # most have none, and each event of a project asks
        real = inside(project, Path(FILE_NAME))
    except (FileNotFoundError, NotADirectoryError):
        return Document(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnsafePathError as error:
        raise ConfigError(error.message, hint=error.hint) from None
    try:
        # Not blocking: a pipe of that name must not stop the daemon.
        handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ConfigError(f"{file}: is not a file")
            with open(handle, "rb", closefd=False) as stream:
                data = stream.read(MAX_BYTES + 1)
        finally:
            os.close(handle)
    except (FileNotFoundError, NotADirectoryError):
        return Document(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{file}: is larger than {MAX_BYTES // 1024} KiB")
    return read(file, data) or Document(file)


def _problems(document: Document, base: Config) -> list[ConfigError]:
    found = document.mistakes()
    if found:
        return found
    hint = "a project may set " + ", ".join(key.name for key in PROJECT_KEYS)
    config = _laid_over(base, document.values)
    for name in leaves(document.values):
        key, place = KEYS[name], document.place(name.split("."))
        if key.project_may is None:
            found.append(ConfigError(f"{place}: {name} cannot be set by a project", hint=hint))
        elif not _within(key, config, base):
            found.append(_too_far(key, config, base, place))
    return found


def _within(key: Key, config: Config, base: Config) -> bool:
    if key.project_may is Mark.PROJECT_SETS:
        return True
    if key.project_may is Mark.PROJECT_RAISES:
        return bool(key.rank(key.of(config)) >= key.rank(key.of(base)))
    return bool(key.rank(key.of(config)) <= key.rank(key.of(base)))


def _too_far(key: Key, config: Config, base: Config, place: str) -> ConfigError:
    most = "at least" if key.project_may is Mark.PROJECT_RAISES else "at most"
    wanted, given = (json.dumps(key.of(one)) for one in (config, base))
    return ConfigError(
        f"{place}: {key.name}: {wanted} is not for a project to set: {most} the daemon's {given}",
        hint="set it in the daemon's cadenzad.toml",
    )


def _laid_over(base: Config, values: Mapping[str, Any]) -> Config:
    if not values:
        return base
    merged = base.model_dump(by_alias=True)
    lay_over(merged, values)
    return Config.model_validate(merged)


class ProjectConfigs:
    """Each project's configuration, for those who go on with the daemon's where its file is bad.

    What is wrong with a file is logged once, until it is another mistake or none.
    """

    def __init__(self) -> None:
        self._said: dict[Path, str] = {}

    def of(self, project: Path, base: Config) -> Config:
        """`load_project_config`, or `base`."""
        try:
            config = load_project_config(project, base)
        except ConfigError as error:
            if self._said.get(project) != error.message:
                self._said[project] = error.message
                log.warning("%s; until it is mended the daemon's own holds", error.message)
            return base
        self._said.pop(project, None)
        return config


def reaction_policy(
    project: str, base: Config, configs: ProjectConfigs, *, at_once: bool = False
) -> ReactionPolicy:
    """What is done for a project, or for what concerns none (""). `at_once`: nobody will be here
    later, so nothing waits.

    For a project that is not watched nothing is done but what somebody asks for. Its runs that are
    recorded on the way are exported all the same: nobody would come back to that later.
    """
    if project and not base.watches(Path(project)):
        return ReactionPolicy(export="jsonl" in base.export.formats)
    config = configs.of(Path(project), base) if project else base
    judge, lora, notify = config.judge, config.lora, config.notify
    export = config.export
    return ReactionPolicy(
        check=config.check.enabled,
        judge=judge.mode != "off",
        judge_wait=AT_ONCE if at_once else Debounce(judge.debounce, judge.max_wait),
        prompt=judge.prompt,
        export="jsonl" in export.formats,
        keys=export.keys,
        dataset="dataset" in export.formats,
        dataset_wait=AT_ONCE if at_once else Debounce(export.debounce, export.max_wait),
        retrain=lora.retrain,
        retrain_wait=AT_ONCE if at_once else Debounce(lora.debounce, lora.max_wait),
        notify=notify.on,
        notify_by=notify.ways,
        track=bool(os.environ.get("MLFLOW_TRACKING_URI")),  # as every tool of MLflow's is told
    )
