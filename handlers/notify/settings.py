"""What is told to whom."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from handlers.settings import Section

Kind = Literal[
    "DEPLOY", "BLOCK", "NEEDS_DATA", "rewritten", "proposed", "rollback", "degraded", "failed"
]
"""What can be told; see handlers.notify.news."""
KINDS: tuple[Kind, ...] = get_args(Kind)


class NotifySettings(Section):
    """News of verdicts, at least once each, by a webhook, a command or both; off by default."""

    url: str = Field("", description="where news is posted as JSON, http or https; empty: nowhere")
    url_file: str = Field(
        "", description="a file that holds that address, where it is a secret (`url` is shown)"
    )
    argv: tuple[str, ...] = Field(
        (), strict=False, description="a command that gets the same JSON on stdin; empty: none"
    )
    on: tuple[Kind, ...] = Field(
        ("DEPLOY", "BLOCK", "rollback", "degraded"),
        strict=False,
        description=f"what is told, of {', '.join(KINDS)}",
    )
    timeout: float = Field(10.0, gt=0, le=600, description="seconds that one delivery may take")
