"""`cadenzad`: the daemon in the foreground, as systemd wants it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from cadenzad import __version__
from cadenzad.cli.common import EXIT_CODES, Parser, add_state_option, filled, one_line, run

_PRIORITIES = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="cadenzad",
        description="Watch robot projects: run logs become events, exports and a state view. Runs "
        "in the foreground until SIGTERM or SIGINT.",
        epilog="example:\n  cadenzad --workspace ~/robots\n\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cadenzad {__version__}")
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        action="append",
        default=[],
        type=filled,
        help="a folder that holds projects; repeatable; replaces those of the configuration",
    )
    parser.add_argument(
        "--config", metavar="FILE", type=filled, help="cadenzad.toml (FILE.d/*.toml on top)"
    )
    parser.add_argument(
        "--once", action="store_true", help="one reconcile and what it triggers, then exit (cron)"
    )
    add_state_option(parser)
    parser.set_defaults(command=daemon)
    return parser


def daemon(arguments: argparse.Namespace) -> int:
    from cadenzad.config import Config, load_config
    from cadenzad.daemon import Daemon
    from cadenzad.paths import expand, state_dir
    from store.errors import ConfigError

    file = expand(arguments.config) if arguments.config else None

    def load() -> Config:
        config = load_config(file, arguments.workspace)
        if not config.workspaces:
            hint = "cadenzad --workspace DIR, or `workspaces` in the config"
            raise ConfigError("no workspace to watch", hint=hint)
        return config

    config = load()
    set_up_logging(config.log.level)
    return Daemon(config, state_dir(arguments.state), load).run(once=arguments.once)


def set_up_logging(level: str) -> None:
    """Lines on stderr; under systemd with the priority in front and without a clock of our own."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(journal=_is_journal(handler.stream)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


def _is_journal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a stream leads to the journal; children of a service inherit only the variable."""
    try:
        found = os.fstat(stream.fileno())
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class _Formatter(logging.Formatter):
    def __init__(self, *, journal: bool) -> None:
        super().__init__("%(message)s" if journal else "%(asctime)s %(levelname)s %(message)s")
        self._journal = journal

    def formatMessage(self, record: logging.LogRecord) -> str:
        # A file's name may hold a newline; it shall not pass for a line of ours.
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not self._journal:
            return text
        # sd-daemon(3): the priority of each line, or the journal takes all for "info".
        prefix = f"<{_PRIORITIES.get(record.levelname, 6)}>"
        return "\n".join(prefix + line for line in text.splitlines())


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
