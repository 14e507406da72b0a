"""Bars as SVG: drawn here, because a chart library would be the largest thing that is installed.

Each drawing says what it shows in `<title>` and `<desc>`, for whoever does not see it; `as_table`
has the same numbers as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

WIDTH, BAR, GAP, LABEL = 640, 18, 6, 220
INK, FILL = "#1b1f24", "#2f6f9f"


def bars(title: str, values: Mapping[str, float]) -> str:
    """Horizontal bars, one a name, as an SVG document; an empty mapping says so."""
    height = 40 + (BAR + GAP) * max(len(values), 1)
    most = max(values.values(), default=0.0) or 1.0
    told = ", ".join(f"{name} {value:g}" for name, value in values.items()) or "nothing"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' font-family="sans-serif" font-size="13" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(told)}</desc>",
        f'<text x="0" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for at, (name, value) in enumerate(values.items()):
        y = 36 + at * (BAR + GAP)
        length = max(0.0, value) / most * (WIDTH - LABEL - 90)
        lines += [
            f'<text x="{LABEL - 8}" y="{y + 13}" text-anchor="end">{escape(name[:30])}</text>',
            f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{FILL}"/>',
            f'<text x="{LABEL + length + 6:.1f}" y="{y + 13}">{value:g}</text>',
        ]
    if not values:
        lines.append('<text x="0" y="48">nothing</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def as_table(heading: str, values: Mapping[str, float]) -> str:
    """The same as a table in Markdown."""
    rows = [f"| {' '.join(name.split())} | {value:g} |" for name, value in values.items()]
    return "\n".join([f"| {heading} | |", "|---|--:|", *rows]) + "\n"
