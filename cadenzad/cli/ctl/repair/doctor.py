"""`cadenzactl doctor`: what is wrong with this installation, and the fix for each."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, one_line
from cadenzad.config.files import Config, default_path, load_config
from cadenzad.config.paths import expand, state_dir
from cadenzad.doctor import Finding, Level, Situation, diagnose
from store.errors import ConfigError, NoEventLog, StoreError
from store.schema import connect_reader

DESCRIPTION = """Check the installation, the machine, the state directory and the daemon. Each line
is ok, warn (less than it could be) or FAIL (broken, or data at risk), with the fix. Exits with 1
when something FAILs. Nothing is changed, and no key is shown."""
EXAMPLE = "cadenzactl doctor --json"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="the daemon's cadenzad.toml")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    situation = look(state_dir(arguments.state), arguments.config)
    try:
        findings = diagnose(situation)
    finally:
        if situation.reader is not None:
            situation.reader.close()
    good = all(finding.level != "FAIL" for finding in findings)
    if arguments.json:
        checks = [finding._asdict() for finding in findings]
        print(json.dumps({"ok": good, "checks": checks}, indent=2, ensure_ascii=False))
    else:
        _print(findings)
    return OK if good else FAILED


def look(directory: Path, config_file: str | None) -> Situation:
    """The situation here and now; what cannot be opened is part of it."""
    config: Config | None = None
    config_trouble = ""
    path = expand(config_file) if config_file else None
    try:
        config = load_config(path)
    except ConfigError as error:
        config_trouble = error.message
    reader, trouble = None, ""
    try:
        reader = connect_reader(directory)
    except NoEventLog:
        pass
    except StoreError as error:
        trouble = error.message
    return Situation(
        state_dir=directory,
        config=config,
        environ=os.environ,
        now=time.time(),
        reader=reader,
        trouble=trouble,
        config_trouble=config_trouble,
        config_path=path or default_path(),
    )


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        level = _coloured(finding.level)
        print(f"{level}  {finding.check.ljust(width)}  {one_line(finding.text)}")
        if finding.fix:
            print(f"{' ' * (width + 8)}fix: {one_line(finding.fix)}")
    levels = [finding.level for finding in findings]
    print(f"\n{levels.count('FAIL')} FAIL, {levels.count('warn')} warn, {levels.count('ok')} ok")


_COLOURS: dict[Level, str] = {"ok": "32", "warn": "33", "FAIL": "31"}


def _coloured(level: Level) -> str:
    """A level in its colour on a terminal that wants one."""
    text = level.ljust(4)
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        return f"\033[{_COLOURS[level]}m{text}\033[0m"
    return text
