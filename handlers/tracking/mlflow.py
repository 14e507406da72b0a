"""The few calls to MLflow. Each may be made again: it finds what an earlier one made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from handlers.jobs import PermanentFailure
from store.errors import CadenzaError, one_line

EXTRA = "pip install 'cadenzad[mlflow]'"
MARK = "cadenzad.key"
"""The tag that says what of ours a run or a version is: it is looked for before one is made."""

QUIET = {
    # A daemon tells nobody how MLflow is used, and a server that is gone is the job's to wait for.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


class NotTracked(CadenzaError):
    """MLflow did not take something: the job is tried again."""


class Tracker:
    """What MLflow has of one project: an experiment, a registered model, a prompt."""

    def __init__(self, project: Path, uri: str) -> None:
        """Raises PermanentFailure where MLflow is not installed, NotTracked for no server."""
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise PermanentFailure(
                f"MLFLOW_TRACKING_URI is set, and {error.name} is not installed", hint=EXTRA
            ) from None
        self._error: type[Exception] = MlflowException
        self.name = name_of(project)
        self._client: Any = self._asked(MlflowClient, tracking_uri=uri)
        found = self._call("get_experiment_by_name", self.name)
        self._experiment = (
            found.experiment_id if found else self._call("create_experiment", self.name)
        )

    # -- trainings ---------------------------------------------------------------------------------

    def training(self, key: str, title: str, started_ms: int) -> str:
        """The id of the run with this key, begun if there is none yet."""
        found = self._call("search_runs", [self._experiment], f"tags.`{MARK}` = '{key}'")
        if found:
            return str(found[0].info.run_id)
        made = self._call(
            "create_run", self._experiment, start_time=started_ms, run_name=title, tags={MARK: key}
        )
        return str(made.info.run_id)

    def log(
        self,
        run: str,
        parameters: Mapping[str, object],
        metrics: Sequence[tuple[str, float, int]],
        folder: Path | None = None,
    ) -> None:
        """Parameters, metrics as (name, value, step), and a folder of files as artifacts."""
        for name, value in parameters.items():
            self._call("log_param", run, name, value)
        for name, value, step in metrics:
            self._call("log_metric", run, name, value, step=step)
        if folder is not None:
            self._call("log_artifacts", run, str(folder), "adapter")

    def tag(self, run: str, name: str, value: str) -> None:
        self._call("set_tag", run, name, value)

    def ended(self, run: str, ended_ms: int) -> None:
        self._call("set_terminated", run, end_time=ended_ms)

    # -- models and prompts ------------------------------------------------------------------------

    def model(self, key: str, run: str) -> str:
        """The version of the registered model with this key, made of the run's files if need be."""
        if (found := self._version(key)) is not None:
            return found
        if self._missing("get_registered_model", self.name):
            self._call("create_registered_model", self.name)
        source = f"{self._call('get_run', run).info.artifact_uri}/adapter"
        made = self._call(
            "create_model_version", self.name, source=source, run_id=run, tags={MARK: key}
        )
        return str(made.version)

    def tag_model(self, key: str, name: str, value: str) -> None:
        """Say something of the version with this key; nothing where there is none."""
        if (version := self._version(key)) is not None:
            self._call("set_model_version_tag", self.name, version, name, value)

    def alias(self, alias: str, key: str | None) -> None:
        """Have an alias mean the version with this key; None: no version."""
        version = self._version(key) if key is not None else None
        if version is not None:
            self._call("set_registered_model_alias", self.name, alias, version)
        elif not self._missing("get_registered_model", self.name):
            self._call("delete_registered_model_alias", self.name, alias)

    def prompt(self, alias: str, key: str, text: str, tags: Mapping[str, str], why: str) -> None:
        """A version of the prompt, made once, and an alias that means it from now on."""
        name = f"{self.name}-prompt"
        known = self._prompts(name)
        version = next((item.version for item in known if item.tags.get(MARK) == key), None)
        if version is None:
            made = self._call(
                "register_prompt", name, text, commit_message=why, tags={MARK: key, **tags}
            )
            version = made.version
        self._call("set_prompt_alias", name, alias, version)

    def _prompts(self, name: str) -> list[Any]:
        """The versions of a prompt, the newest first; versions count from 1 without a gap."""
        newest = 1
        found = []
        while (version := self._quietly("get_prompt_version", name, newest)) is not None:
            found.append(version)
            newest += 1
        return found[::-1]

    def _version(self, key: str) -> str | None:
        found = self._call("search_model_versions", f"name = '{self.name}'")
        return next((str(item.version) for item in found if item.tags.get(MARK) == key), None)

    # -- asking ------------------------------------------------------------------------------------

    def _call(self, method: str, *arguments: Any, **named: Any) -> Any:
        return self._asked(getattr(self._client, method), *arguments, **named)

    def _missing(self, method: str, *arguments: Any) -> bool:
        return self._quietly(method, *arguments) is None

    def _quietly(self, method: str, *arguments: Any) -> Any:
        """An answer; None for what does not exist."""
        try:
            return getattr(self._client, method)(*arguments)
        except self._error as error:
            if getattr(error, "error_code", "") in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
                return None
            raise NotTracked(f"MLflow: {_said(error)}") from None

    def _asked(self, call: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return call(*arguments, **named)
        except self._error as error:
            raise NotTracked(f"MLflow: {_said(error)}") from None
        except OSError as error:
            raise NotTracked(f"MLflow cannot be reached: {_said(error)}") from None


def _said(error: Exception) -> str:
    return one_line(str(error).partition("\n")[0])[:300]


def name_of(project: Path) -> str:
    """What a project is called in MLflow: its folder's name, and what tells it from another's."""
    plain = "".join(char if char.isalnum() or char in "-_." else "_" for char in project.name)
    return f"{plain[:80]}-{sha256(str(project).encode()).hexdigest()[:8]}"
