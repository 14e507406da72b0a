"""A page of a dataset with plots: `card.md` and an SVG beside it for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from handlers.dataset.folder.manifest import Manifest
from handlers.dataset.folder.split import TEST, TRAIN
from handlers.dataset.looks.plots import as_table, bars
from handlers.dataset.looks.summary import Spread, Summary
from store.durable import make_folder, write_file
from store.ours import check_ours

PAGE = "card.md"
MARK = "<!-- made by cadenza env dataset card -->"
"""What each file begins with: a comment in Markdown and in SVG, by which it is known as ours."""


class Plot(NamedTuple):
    """A drawing: its file's name, what it shows, and the values."""

    name: str
    title: str
    values: Mapping[str, float]


def write_page(folder: Path, manifest: Manifest, summary: Summary) -> list[str]:
    """Write the page and its plots; the names of the files.

    Raises InputError where a file of one of those names is there that is no page or plot; OSError.
    """
    plots = list(_plots(summary))
    for name in (PAGE, *(f"{plot.name}.svg" for plot in plots)):
        check_ours(folder / name, MARK.encode(), "cadenza env dataset card")
    make_folder(folder)
    text = [f"{MARK}\n\n# {manifest.mission}: {summary.runs} runs, {summary.episodes} episodes\n"]
    names = []
    for plot in plots:
        names.append(f"{plot.name}.svg")
        drawing = f"{MARK}\n{bars(plot.title, plot.values)}".encode()
        write_file(folder / names[-1], drawing, mode=0o644)
        alt = f"{plot.title}: the numbers are in the table below"
        text += [f"![{alt}]({names[-1]})\n", as_table(plot.title, plot.values)]
    text += _collisions(summary)
    write_file(folder / PAGE, "\n".join(text).encode(), mode=0o644)
    return [PAGE, *names]


def _plots(summary: Summary) -> Iterator[Plot]:
    for split in (TRAIN, TEST):
        rows = {config: float(counts[split]) for config, counts in summary.rows.items()}
        yield Plot(f"rows-{split}", f"Rows by config, split {split}", rows)
    yield Plot("outcomes", "Episodes by outcome", _reals(summary.outcomes))
    yield Plot("causes", "Episodes by failure mode", _reals(summary.causes))
    yield Plot("actions", "Steps by action", _reals(summary.actions))
    yield Plot("rewards", "Steps by reward", _histogram(summary.rewards))
    yield Plot("returns", "Episodes by return", _histogram(summary.returns))
    yield Plot("labels", "Preference balance: KTO labels", _reals(summary.labels))
    yield Plot("severity", "Preferences by severity", _histogram(summary.severity))


def _reals(counts: Mapping[str, int]) -> dict[str, float]:
    return {name: float(count) for name, count in counts.items()}


def _histogram(spread: Spread) -> dict[str, float]:
    """From each bin's lower edge to its count."""
    if spread.least is None or spread.greatest is None:
        return {}
    low, high = spread.least, spread.greatest
    if low == high:  # numpy's own bins for a single value
        low, high = low - 0.5, high + 0.5
    width = (high - low) / len(spread.bins)
    return {f"from {low + at * width:.4g}": float(n) for at, n in enumerate(spread.bins)}


def _collisions(summary: Summary) -> Iterator[str]:
    yield "## Prompts of the test split that training has too, word for word\n"
    yield "| config | prompts | of |\n|---|--:|--:|"
    yield from (f"| {c} | {both} | {of} |" for c, (both, of) in summary.collisions.items())
    yield ""
