"""The cluster that jobs are done on, as people are shown it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import Any

SHOWN = 8
"""Nodes that are named; of more the number is told."""


def cluster_status(view: sqlite3.Connection, live: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a running daemon last said of its cluster, with what is queued for it; None for none."""
    if live is None:
        return None
    query = "SELECT kind, count(*) FROM view_jobs WHERE state = 'queued' GROUP BY kind"
    queued = {kind: count for kind, count in view.execute(query) if kind in live["needs"]}
    return live | {"queued": queued}


def cluster_lines(cluster: dict[str, Any]) -> Iterator[str]:
    """One line of the cluster, one for each kind of job that waits, with what it waits for."""
    if cluster["trouble"]:
        yield f"cluster: {cluster['address']} is not used: {cluster['trouble']}"
        if cluster["fix"]:
            yield f"  fix: {cluster['fix']}"
    else:
        nodes = cluster["nodes"]
        names = ", ".join(node["address"] for node in nodes[:SHOWN])
        more = f" and {len(nodes) - SHOWN} more" if len(nodes) > SHOWN else ""
        free = ", ".join(_free(cluster, name) for name in sorted(_names(nodes)))
        yield f"cluster: {cluster['address']}, {len(nodes)} nodes ({names}{more}); free: {free}"
    for kind, count in sorted(cluster["queued"].items()):
        why = "" if cluster["trouble"] else cluster["waits"].get(kind, "")
        yield f"  queued: {count} {kind}" + (f": {why}" if why else "")


def _names(nodes: list[dict[str, Any]]) -> set[str]:
    return {name for node in nodes for name, value in node["resources"].items() if value}


def _free(cluster: dict[str, Any], name: str) -> str:
    total = sum(node["resources"].get(name, 0.0) for node in cluster["nodes"])
    free = cluster["free"].get(name, 0.0)
    if name == "memory":
        return f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB memory"
    return f"{free:g} of {total:g} {name}"
