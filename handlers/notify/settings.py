"""What is told to whom."""

from __future__ import annotations

import urllib.parse
from typing import Literal, get_args

from pydantic import Field, field_validator

from handlers.settings import Refusal, Section

Kind = Literal[
    "DEPLOY", "BLOCK", "NEEDS_DATA", "rewritten", "proposed", "rollback", "degraded", "failed"
]
"""What can be told; see handlers.notify.news."""
KINDS: tuple[Kind, ...] = get_args(Kind)

Way = Literal["url", "argv"]
"""How news goes out. Each is tried by itself: one that is dead silences no other."""
EXAMPLE = '"http://127.0.0.1:8080/hook"'


class NotifySettings(Section):
    """News of verdicts, at least once each, by a webhook, a command or both; off by default."""

    url: str = Field(
        "",
        description="where news is posted as JSON, http or https; empty: nowhere",
        examples=["http://127.0.0.1:8080/hook"],
    )
    url_file: str = Field(
        "",
        description="a file that holds that address, where it is a secret (`url` is shown)",
        examples=["~/.config/cadenzad/hook.url"],
    )
    argv: tuple[str, ...] = Field(
        (),
        strict=False,
        description="a command that gets the same JSON on stdin; empty: none",
        examples=[["/usr/bin/logger", "-t", "cadenzad"]],
    )
    on: tuple[Kind, ...] = Field(
        ("DEPLOY", "BLOCK", "rollback", "degraded"),
        strict=False,
        description=f"what is told, of {', '.join(KINDS)}",
    )
    timeout: float = Field(
        10.0, gt=0, le=600, description="seconds that one delivery may take in all"
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if url and (fault := fault_of(url)):
            raise Refusal(fault, hint=f"for example url = {EXAMPLE}")
        return url

    @field_validator("argv")
    @classmethod
    def _is_command(cls, argv: tuple[str, ...]) -> tuple[str, ...]:
        if argv and (not argv[0] or any("\0" in word for word in argv)):
            raise Refusal(
                "the command has no name, or a zero byte in it",
                hint='for example argv = ["/usr/local/bin/tell-the-team"]',
            )
        return argv

    @property
    def ways(self) -> tuple[Way, ...]:
        """Those that are set."""
        ways: tuple[tuple[Way, object], ...] = (
            ("url", self.url or self.url_file),
            ("argv", self.argv),
        )
        return tuple(way for way, given in ways if given)


def fault_of(url: str) -> str:
    """Why nothing can be posted to an address; "" where something can. The address is not shown."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no address: its host or port cannot be read"
    if parts.scheme not in ("http", "https"):
        return "is no http or https address"
    if not parts.hostname or port == 0:
        return "names no host, or port 0"
    if not url.isascii() or not url.isprintable() or " " in url:
        return "has characters in it that an address writes as %20 and the like"
    return ""
