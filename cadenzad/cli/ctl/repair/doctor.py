"""`cadenzactl doctor`: what is wrong with this installation, and the fix for each."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.output import say, say_json
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state
from cadenzad.config.paths import expand, state_dir
from store.errors import ConfigError, NoEventLog, StoreError
from store.schema import connect_reader

if TYPE_CHECKING:
    from cadenzad.config.files import Config
    from cadenzad.doctor import Finding, Level, Situation

DESCRIPTION = """Check the installation, the machine, the state directory and the daemon. Each line
is ok, warn (less than it could be) or FAIL (broken, or data at risk), with the fix. Exits with 1
when something FAILs. No key is shown, and nothing is changed, but by --fix: that takes rights of
your own files back to what they should be, and folds a state view of another version anew. It says
what it did; all else stays advice."""
EXAMPLE = "cadenzactl doctor --fix"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="the daemon's cadenzad.toml")
    parser.add_argument("--fix", action="store_true", help="do what can safely be done, and say it")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.doctor import mend

    findings = _look_and_diagnose(arguments)
    mended: list[str] = []
    if arguments.fix:
        mended = mend(findings)
        if mended:
            findings = _look_and_diagnose(arguments)
    good = all(finding.level != "FAIL" for finding in findings)
    if arguments.json:
        checks = [finding.as_json() for finding in findings]
        say_json({"ok": good, "mended": mended, "checks": checks}, indent=2)
        return OK if good else FAILED
    for line in mended or (["nothing to mend"] if arguments.fix else []):
        say(line)
    _print(findings)
    if not arguments.fix and any(finding.mend for finding in findings):
        say("`cadenzactl doctor --fix` does what is marked with *")
    return OK if good else FAILED


def _look_and_diagnose(arguments: argparse.Namespace) -> list[Finding]:
    from cadenzad import doctor

    situation = look(state_dir(arguments.state), arguments.config)
    try:
        return doctor.diagnose(situation)
    finally:
        if situation.reader is not None:
            situation.reader.close()


def look(directory: Path, config_file: str | None) -> Situation:
    """The situation here and now; what cannot be opened is part of it."""
    from cadenzad.config.files import default_path, load_config
    from cadenzad.doctor import Situation

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
        level = finding.level
        say(
            f"  {finding.check.ljust(width)}  {finding.text}",
            head=level.ljust(4),
            code=_COLOURS[level],
        )
        if finding.fix:
            mark = " *" if finding.mend is not None else ""
            say(f"{' ' * (width + 8)}fix: {finding.fix}{mark}")
    levels = [finding.level for finding in findings]
    say()
    say(f"{levels.count('FAIL')} FAIL, {levels.count('warn')} warn, {levels.count('ok')} ok")


_COLOURS: dict[Level, str] = {"ok": "32", "warn": "33", "FAIL": "31"}
