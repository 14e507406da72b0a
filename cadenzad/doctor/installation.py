"""Checks of what is installed: packages, extras, commands, the configuration, the key.

Extras are looked up by their metadata and never imported: torch alone takes seconds.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import cadenzad
from cadenzad.config.credentials import CREDENTIAL, KEY
from cadenzad.doctor.findings import Check, Finding, Situation
from cadenzad.doctor.mending import allowing
from handlers.lora.model.encoders.minilm import MINILM_INSTALL, MINILM_PACKAGE, MINILM_VARIABLE
from store import interpreter

DISTRIBUTION = "cadenzad"
EXTRAS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "lora": (
        "LoRA training and decoding",
        ("torch", "peft", "safetensors", "transformers"),
    ),
    "judge": ("the Groq judge", ("groq", "h11", "httpx", "jsonschema", "detect-secrets")),
    "sim": ("missions in MuJoCo", ("mujoco", "numpy", "imageio-ffmpeg", "pillow")),
    "gym": ("training in Gymnasium", ("gymnasium",)),
    "dataset": ("runs as Parquet", ("pyarrow", "numpy")),
    "dashboard": ("the local web page", ("jinja2", "starlette", "uvicorn")),
    "formats": (
        "MCAP and Minari, out and in",
        ("gymnasium", "h5py", "mcap", "mcap-ros2-support", "minari"),
    ),
    "hub": ("many robots in one history", ("psycopg",)),
    "tensorboard": ("training curves for TensorBoard", ("tensorboard",)),
    "ray": ("jobs on a cluster", ("ray",)),
    "mlflow": ("tracking in MLflow", ("mlflow-skinny",)),
    "rerun": ("recordings for Rerun", ("rerun-sdk",)),
    "watch": ("the live view of `cadenzactl status --watch`", ("rich",)),
}
"""Extra -> what it is for, and the distributions it brings."""

TRACKING = "MLFLOW_TRACKING_URI"

_MODULES = {
    "pillow": "PIL",
    "mcap-ros2-support": "mcap_ros2",
    "mlflow-skinny": "mlflow",
    "rerun-sdk": "rerun",
}
"""Distributions that do not import under their own name."""

COMMAND = "cadenza"
BY_MODULE = " ".join(interpreter.command("-m", "cadenzad.cli"))
"""Without its options, what lies in the current folder would be imported."""


def extra_with(module: str) -> str | None:
    """The smallest extra that brings a module; None for a module of none."""
    bringing = [
        extra
        for extra, (_, distributions) in EXTRAS.items()
        if module in map(_module, distributions)
    ]
    return min(bringing, key=lambda extra: len(EXTRAS[extra][1]), default=None)


# -- packages --------------------------------------------------------------------------------------


def check_packages(situation: Situation) -> list[Finding]:
    """Our three import packages come from one place; another project's `store` would shadow it."""
    home = Path(cadenzad.__file__).resolve().parents[1]
    strangers = []
    for name in ("store", "handlers"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin is None or origin.parents[1] != home:
            strangers.append(f"{name} ({origin})")
    python = ".".join(map(str, sys.version_info[:3]))
    text = f"cadenzad {cadenzad.__version__} on Python {python}"
    if strangers:
        return [
            Finding(
                "packages",
                "FAIL",
                f"{text}; another package provides {', '.join(strangers)}",
                "install cadenzad into an environment of its own",
            )
        ]
    return [Finding("packages", "ok", text)]


def check_extras(situation: Situation) -> list[Finding]:
    """Which optional capabilities are installed, whole or in part."""
    found = [_judge_extra(name, *EXTRAS[name], rare=_is_rare(name, situation)) for name in EXTRAS]
    lora = found[list(EXTRAS).index("lora")]
    return [*found, _judge_weights(situation)] if lora.level == "ok" else found


def _judge_weights(situation: Situation) -> Finding:
    """They are installed apart from their extra, see pyproject.toml."""
    weights = "[lora] weights of all-MiniLM-L6-v2"
    folder = situation.environ.get(MINILM_VARIABLE)
    if folder:
        return Finding("extras", "ok", f"{weights}: {MINILM_VARIABLE}={folder}")
    if importlib.util.find_spec(MINILM_PACKAGE) is not None:
        name = MINILM_PACKAGE.replace("_", "-")
        return Finding("extras", "ok", f"{weights}: {name} {_version(name)}")
    text = f"{weights} are not installed: a light encoder of our own takes their place"
    return Finding("extras", "warn", text, MINILM_INSTALL)


def _is_rare(extra: str, situation: Situation) -> bool:
    """Whether nobody misses it who does not know it: one that `all` leaves out, and nothing asks
    for.
    """
    return extra == "rerun" or (extra == "mlflow" and TRACKING not in situation.environ)


def _judge_extra(
    extra: str, purpose: str, packages: tuple[str, ...], *, rare: bool = False
) -> Finding:
    missing = [name for name in packages if importlib.util.find_spec(_module(name)) is None]
    if not missing:
        versions = ", ".join(f"{name} {_version(name)}" for name in packages)
        return Finding("extras", "ok", f"[{extra}] {versions}")
    there = len(missing) < len(packages)
    text = f"{', '.join(missing)} missing" if there else "not installed"
    fix = f"pip install 'cadenzad[{extra}]'"
    if rare and not there:
        return Finding("extras", "ok", f"[{extra}] {text}: {purpose}", fix)
    return Finding("extras", "warn", f"[{extra}] {text}: {purpose} will not work", fix)


def _module(distribution: str) -> str:
    return _MODULES.get(distribution, distribution.replace("-", "_"))


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "(version unknown)"


# -- commands --------------------------------------------------------------------------------------


def check_command(situation: Situation) -> list[Finding]:
    """Other distributions install a `cadenza` too; whichever came last owns the file."""
    others = sorted(
        {
            entry.dist.name
            for entry in metadata.entry_points(group="console_scripts", name=COMMAND)
            if entry.dist is not None and entry.dist.name.lower() != DISTRIBUTION
        }
    )
    own = Path(sys.executable).parent / COMMAND
    fix = "install cadenzad into an environment of its own"
    if others and not _is_ours(own):
        text = f"{own} is that of {', '.join(others)}, not ours"
        fix += f"; until then: {BY_MODULE} cadenza"
        return [Finding("command", "FAIL", text, fix)]
    if others:
        text = f"{', '.join(others)} installs a command {COMMAND} as well: an update may replace it"
        return [Finding("command", "warn", text, fix)]
    found = shutil.which(COMMAND, path=situation.environ.get("PATH"))
    if found is not None and own.exists() and not os.path.samefile(found, own):
        text = f"`{COMMAND}` on the PATH is {found}, not {own}"
        return [Finding("command", "warn", text, f"put {own.parent} first on the PATH")]
    return [Finding("command", "ok", f"{own}" if own.exists() else BY_MODULE)]


def _is_ours(script: Path) -> bool:
    try:
        return b"cadenzad" in script.read_bytes()[:4096].split(b"\n", 1)[-1]
    except OSError:
        return False


# -- configuration and key -------------------------------------------------------------------------


def check_config(situation: Situation) -> list[Finding]:
    """Whether there is a configuration, and whether it can be used."""
    """The daemon's configuration can be used, and says where the projects are."""
    if situation.config is None:
        fix = "`cadenzactl config check` names every mistake in it"
        return [Finding("config", "FAIL", situation.config_trouble, fix)]
    where = situation.config_path
    text = str(where) if where.exists() else f"no {where}: all defaults"
    if not situation.workspaces():
        fix = "set `workspaces` there, or start `cadenzad --workspace DIR`"
        return [Finding("config", "warn", f"{text}; no workspace is named", fix)]
    return [Finding("config", "ok", text)]


def check_key(situation: Situation) -> list[Finding]:
    """Whether there is a key: here, or where a unit takes it from. It is never shown."""
    if situation.environ.get(KEY, "").strip():
        return [Finding("key", "ok", f"{KEY} is set (it is not shown)")]
    beside = situation.config_path.parent / CREDENTIAL
    for file in _credentials(situation, beside):
        finding = _judge_credential(file)
        if finding is not None:
            return [finding]
    text = "no Groq key here: code alone proposes remedies (judge.without_key)"
    fix = f"export {KEY}, or for the service put it into {beside} (chmod 600)"
    return [Finding("key", "warn", text, fix)]


def _credentials(situation: Situation, beside: Path) -> list[Path]:
    """Where a key may lie: in our own unit's credentials, or where the units load it from."""
    folder = situation.environ.get("CREDENTIALS_DIRECTORY")
    own = [Path(folder) / CREDENTIAL] if folder else []
    return [*own, beside, *sorted(Path("/etc/cadenzad").glob(f"*/{CREDENTIAL}"))]


def _judge_credential(file: Path) -> Finding | None:
    """A file that holds a key; None for one that is not there or holds none."""
    try:
        info = file.stat()
        if not stat.S_ISREG(info.st_mode) or not file.read_bytes().strip():
            return None  # the units fill in a bare newline where there is no file
    except OSError:
        return None
    if stat.S_IMODE(info.st_mode) & 0o077:
        mend = allowing(file, take=0o077)
        return Finding("key", "warn", f"{file} can be read by others", f"chmod 600 {file}", mend)
    return Finding("key", "ok", f"{file} holds one (it is not shown)")


INSTALLATION_CHECKS: tuple[Check, ...] = (
    check_packages,
    check_extras,
    check_command,
    check_config,
    check_key,
)
