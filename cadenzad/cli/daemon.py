"""`cadenzad`: the daemon in the foreground, as systemd wants it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cadenzad import __version__
from cadenzad.cli.common import EXIT_CODES, Parser, add_state_option, run

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
        help="a folder that holds projects; repeatable; replaces those of the configuration",
    )
    parser.add_argument("--config", metavar="FILE", help="cadenzad.toml (FILE.d/*.toml on top)")
    parser.add_argument(
        "--once", action="store_true", help="one reconcile and what it triggers, then exit (cron)"
    )
    add_state_option(parser)
    parser.set_defaults(command=daemon)
    return parser


def daemon(arguments: argparse.Namespace) -> int:
    from cadenzad.config import load_config
    from cadenzad.daemon import Daemon
    from cadenzad.paths import state_dir
    from store.errors import ConfigError

    config = load_config(Path(arguments.config) if arguments.config else None, arguments.workspace)
    if not config.workspaces:
        raise ConfigError(
            "no workspace to watch", hint="cadenzad --workspace DIR, or `workspaces` in the config"
        )
    set_up_logging(config.log.level)
    return Daemon(config, state_dir(arguments.state)).run(once=arguments.once)


def set_up_logging(level: str) -> None:
    """Lines on stderr; under systemd with the priority in front and without a clock of our own."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(journal="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


class _Formatter(logging.Formatter):
    def __init__(self, *, journal: bool) -> None:
        super().__init__("%(message)s" if journal else "%(asctime)s %(levelname)s %(message)s")
        self._journal = journal

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
