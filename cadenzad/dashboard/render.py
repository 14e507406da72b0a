"""Values to HTML: one environment for the server's pages and for the report in a file.

Everything is escaped twice over: as HTML, and what does not print (bidi overrides, control
characters) as it is escaped on a terminal. What the page's scripts read is JSON that holds no "<".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from cadenzad import __version__
from cadenzad.dashboard import charts
from cadenzad.progress import said_of
from store.errors import MissingExtraError
from store.text import json_text, one_line
from store.times import iso

HERE = Path(__file__).parent
STATIC = HERE / "static"
HINT = "pip install 'cadenzad[dashboard]'"


def page(template: str, **values: Any) -> str:
    """A page as HTML. Raises MissingExtraError without Jinja."""
    rendered: str = _environment().get_template(template).render(**values)
    return rendered


def load(module: str, what: str) -> Any:
    """A module of the extra. Raises MissingExtraError, with the command that installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        name = error.name or module
        raise MissingExtraError(f"{what} needs {name}, which is not installed", hint=HINT) from None


@cache
def _environment() -> Any:
    jinja = load("jinja2", "a page")
    made = jinja.Environment(
        loader=jinja.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": when,
        "iso": iso,
        "percent": percent,
        "number": number,
        "signed": signed,
        "progress": said_of,
        "data": _data,
        "markup": load("markupsafe", "a page").Markup,
    }
    made.globals |= {"version": __version__, "charts": charts}
    return made


def _shown(value: Any) -> Any:
    """What is put into a page: text with what does not print escaped, and nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return one_line(value)
    return value


def _data(value: Any) -> Any:
    """A value as JSON for a data block of a page: nothing in it can end the block."""
    markup: Any = load("markupsafe", "a page").Markup
    text = json_text(value).replace("&", "\\u0026").replace("<", "\\u003c")
    return markup(text.replace(">", "\\u003e"))


def when(us: int) -> str:
    """µs since the epoch for people, in UTC."""
    return iso(us)[:16].replace("T", " ")


def percent(share: float | None) -> str:
    """A share for people."""
    return "–" if share is None else f"{100 * share:.0f}%"


def number(value: float | None) -> str:
    """A figure for people, with as many digits as say something."""
    return "–" if value is None else f"{value:,.4g}"


def signed(value: float | None) -> str:
    """A difference for people."""
    if value is None:
        return "–"
    return f"{value:+.2f}" if abs(value) < 1e9 else f"{value:+.3g}"


def static(name: str) -> str:
    """A file of the page: style sheets and scripts."""
    return (STATIC / name).read_text("utf-8")


SCRIPTS: Mapping[str, str] = {
    "theme.js": "in the head: the chosen colours, before anything is painted",
    "uplot/uPlot.iife.min.js": "charts",
    "charts.js": "draws the charts of the page",
    "replay.js": "two runs in step",
    "page.js": "live updates, the slider",
}
"""What a page loads, in this order; a report holds the same, but for the last."""

STYLES = ("uplot/uPlot.min.css", "page.css")
