"""Checks of the cluster that jobs are done on, where they are: by what the daemon sees of it."""

from __future__ import annotations

from cadenzad.config.files import Config
from cadenzad.doctor.findings import Check, Finding, Situation
from cadenzad.jobs.cluster.connection import INSTALL, answers, installed
from cadenzad.jobs.cluster.standing import Standing, amounts
from store.lock import is_held
from store.reads.live import daemon_status, progress

NAME = "cluster"


def check_cluster(situation: Situation) -> list[Finding]:
    """Whether jobs find a place there, each kind by what it asks for."""
    config = situation.config
    if config is None or config.jobs.executor == "local":
        return [Finding(NAME, "ok", "none: jobs are done on this machine (jobs.executor)")]
    address = config.jobs.ray.address
    if not installed():
        return [Finding(NAME, "FAIL", "jobs.executor is ray, and ray is not installed", INSTALL)]
    standing = _seen(situation)
    if standing is None:
        problem = answers(address)
        if problem:
            return [Finding(NAME, "FAIL", f"jobs wait: {problem}", "`ray status` on the head node")]
        text = f"{address}: no daemon runs here that looks at it"
        return [Finding(NAME, "warn", text, "start the daemon: it tells nodes and resources")]
    if standing.trouble:
        return [Finding(NAME, "FAIL", f"jobs wait: {standing.trouble}", standing.fix)]
    return [_nodes(address, standing), *_kinds(config, standing)]


def _seen(situation: Situation) -> Standing | None:
    """What a running daemon last saw."""
    reader = situation.reader
    if reader is None or daemon_status(reader, is_held(situation.state_dir))["pid"] is None:
        return None
    live = progress(reader, NAME)
    return None if live is None else Standing.from_json(live)


def _nodes(address: str, standing: Standing) -> Finding:
    nodes = "; ".join(f"{node.address}: {amounts(node.resources)}" for node in standing.nodes)
    return Finding(NAME, "ok", f"{address}, {len(standing.nodes)} nodes ({nodes})")


def _kinds(config: Config, standing: Standing) -> list[Finding]:
    """Kinds of work that no node has enough for: they would wait for ever."""
    ray = config.jobs.ray
    asked = {kind: getattr(ray, kind) for kind in ("retrain", "score", "rollout", "export")}
    fix = "lower it, or add a node that has so much"
    return [
        Finding(NAME, "warn", f"jobs.ray.{kind}: no node has {amounts(taken.needs())}", fix)
        for kind, taken in asked.items()
        if (kind in ray.kinds or kind == "rollout") and not standing.fits(taken.needs())
    ]


CLUSTER_CHECKS: tuple[Check, ...] = (check_cluster,)
