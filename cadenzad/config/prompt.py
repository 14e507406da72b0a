"""The setting judge.prompt of a project, for commands. Light as long as nobody sets it."""

from __future__ import annotations

from pathlib import Path

from cadenzad.config.paths import default_path


def prompt_setting(project: Path) -> str:
    """The setting as it is for a project, by the default configuration. Raises ConfigError."""
    file = default_path()
    drop_ins = sorted(file.with_name(f"{file.name}.d").glob("*.toml"))
    if not any(_mentions(one) for one in (project / "cadenzad.toml", file, *drop_ins)):
        return ""
    from cadenzad.config.files import load_config
    from cadenzad.config.project import load_project_config

    return load_project_config(project, load_config(None)).judge.prompt


def _mentions(file: Path) -> bool:
    try:
        return file.is_file() and b"prompt" in file.read_bytes()
    except OSError:
        return True  # whoever reads it in earnest says what is wrong
