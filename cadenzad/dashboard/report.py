"""The page of a project as one file: styles, scripts and data in it, and nothing to fetch."""

from __future__ import annotations

import base64
import hashlib

from cadenzad.dashboard.moment import Moment
from cadenzad.dashboard.project import project_page
from cadenzad.dashboard.render import SCRIPTS, STYLES, page, static
from store.reads.state import ProjectRow

LIVE_ONLY = ("page.js",)
"""Scripts that ask a server."""


def report(moment: Moment, row: ProjectRow) -> str:
    """A project's page as HTML that opens from disk, whatever a browser may not fetch.

    Its policy names the hash of each script and style that it holds: nothing else runs, and nothing
    is loaded. Raises MissingExtraError without Jinja.
    """
    style = "\n".join(_inside(static(name)) for name in STYLES)
    scripts = [_inside(static(name)) for name in SCRIPTS if name not in LIVE_ONLY]
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}"
    )
    return page(
        "report.html",
        moment=moment,
        page=project_page(moment, row),
        base="",
        film=None,
        style=style,
        scripts=scripts,
        policy=policy,
    )


def _inside(text: str) -> str:
    """Text of our own that cannot end the element it is put into."""
    assert "</s" not in text.lower(), "a file of the page would end its element"
    return text


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
