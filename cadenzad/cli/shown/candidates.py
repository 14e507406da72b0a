"""The candidates of the last judging, for people: what was proposed, by whom, what became of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.database.backend import Readable

BY = {"model": "the model", "code": "enumeration"}
SHOWN = 6
"""Candidates that are told of where nobody says how many."""
LEGIBLE = 2
"""Rules of one candidate that are shown; those of the chosen one are in the diff."""


def last_weighed(history: Readable, project: str) -> dict[str, Any] | None:
    """The data of a project's last CandidatesWeighed, with its position; None for none."""
    from store.events.envelope import project_stream

    query = (
        "SELECT position, data FROM events WHERE stream = ? AND type = 'CandidatesWeighed'"
        " ORDER BY position DESC LIMIT 1"
    )
    row = history.execute(query, (project_stream(project),)).fetchone()
    return None if row is None else {"position": row[0], **json.loads(row[1])}


def said_of_candidates(weighed: Mapping[str, Any], most: int = SHOWN) -> Iterator[str]:
    """Lines that tell of `most` of them: the chosen first, then by their gain, then the dropped."""
    found: Sequence[Mapping[str, Any]] = weighed["candidates"]
    by = Counter(BY[item["by"]] for item in found)
    dropped = [item for item in found if item["fate"] == "dropped"]
    compared = [item for item in found if item["fate"] != "dropped"]
    sources = ", ".join(f"{count} by {who}" for who, count in by.items())
    missions = weighed.get("missions", 0)
    how = f"compared in {missions} missions" if missions else "not compared: nothing was simulated"
    yield f"candidates: {sources or 'none'}; {len(dropped)} dropped, {len(compared)} {how}"
    compared = sorted(compared, key=lambda item: (item["fate"] == "weighed", -item["gain"]))
    shown = [*compared, *dropped]
    for item in shown[:most]:
        yield from _told(item)
    if len(shown) > most:
        yield f"  and {len(shown) - most} further ones (--json has all)"
    for reason in weighed.get("unweighed", ()):
        yield f"  dropped: {reason}"


def _told(item: Mapping[str, Any]) -> Iterator[str]:
    rules = [line[2:] for line in item["lines"]]
    if len(rules) > LEGIBLE:
        rules = [f"{len(rules)} rules: {rules[0]}", "..."]
    yield f"  {item['fate']:<8} {' / '.join(rules)}"
    said = [f"by {BY[item['by']]} for {item['mode_id']}"]
    if item["missions"]:
        said.append(f"gain {item['gain']:+.2f} a mission over {item['missions']}")
    if item["reason"]:
        said.append(item["reason"])
    if item["contradicts"]:
        said.append(f"against the prompt's line {', '.join(map(str, item['contradicts']))}")
    if item["why"]:
        said.append(item["why"])
    yield f"           {'; '.join(said)}"
