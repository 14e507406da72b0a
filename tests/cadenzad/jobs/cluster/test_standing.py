"""Why a job waits, in words; and what a node must have."""

from __future__ import annotations

import pytest

from cadenzad.cli.shown.cluster import cluster_lines
from cadenzad.config.cluster import RaySettings, Resources
from cadenzad.config.settings import Config
from cadenzad.config.settings import Jobs as JobsConfig
from cadenzad.jobs.cluster import shim
from cadenzad.jobs.cluster.executor import SUBMIT, Cluster
from cadenzad.jobs.cluster.standing import Node, Standing
from cadenzad.jobs.process import CHILD
from handlers.routes import AWAY, KEYED, SPREAD

GIB = float(2**30)
STANDING = Standing(
    (Node("10.0.0.5", {"CPU": 4.0, "memory": 8 * GIB}), Node("10.0.0.6", {"CPU": 2.0, "GPU": 1.0})),
    {"CPU": 3.0, "memory": 8 * GIB},
)


@pytest.mark.parametrize(
    ("needs", "says"),
    [
        ({"CPU": 2.0}, ""),
        ({"CPU": 4.0}, "waits for 4 CPU: 3 of 6 free"),
        ({"GPU": 1.0}, "waits for 1 GPU: 0 of 1 free"),
        ({"CPU": 5.0}, "no node has 5 CPU: lower what jobs.ray asks for, or add a node"),
        ({"CPU": 3.0, "GPU": 1.0}, "no node has 3 CPU, 1 GPU: lower what jobs.ray asks for, or"
         " add a node"),
        ({"memory": 9 * GIB}, "no node has 9.0 GiB memory: lower what jobs.ray asks for, or add a"
         " node"),
    ],
)  # fmt: skip
def test_what_a_job_waits_for(needs: dict[str, float], says: str) -> None:
    assert STANDING.obstacle(needs) == says
    assert Standing.from_json(STANDING.as_json()).obstacle(needs) == says


def test_a_cluster_that_is_not_there_is_said_with_what_helps() -> None:
    gone = Standing(trouble="10.0.0.5:6379: Connection refused", fix="`ray status` there")
    assert gone.obstacle({}) == "10.0.0.5:6379: Connection refused (`ray status` there)"


def test_which_process_stands_for_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = RaySettings(kinds=("retrain", "judge"), retrain=Resources(num_gpus=1.0))
    cluster = Cluster(Config(jobs=JobsConfig(executor="ray", ray=ray)))
    assert [cluster.module(kind) for kind in ("retrain", "judge", "score", "deploy")] == [
        SUBMIT, SUBMIT, CHILD, CHILD
    ]  # fmt: skip
    assert cluster.request("deploy") == {}
    assert cluster.request("retrain")["cluster"]["resources"]["num_gpus"] == 1.0
    # what goes waits; what stays does not, and neither does what is no business of a cluster's
    assert not cluster.is_settled
    assert cluster.obstacle("retrain")
    assert [cluster.obstacle(kind) for kind in ("judge", "score", "notify")] == ["", "", ""]


def test_what_found_nobody_is_the_obstacle_until_the_cluster_is_seen_again() -> None:
    cluster = Cluster(Config(jobs=JobsConfig(executor="ray")))
    cluster._watching.standing, cluster._watching.next_s = STANDING, float("inf")
    assert cluster.obstacle("retrain") == ""
    cluster.refuse("10.0.0.5:6379: No route to host")
    assert cluster.obstacle("retrain") == "10.0.0.5:6379: No route to host"
    assert [cluster.turn(0.0), cluster.turn(0.0)] == [True, False]
    cluster._watching.standing = STANDING
    assert cluster.obstacle("retrain") == ""


def test_no_kind_that_goes_away_has_a_key() -> None:
    assert set(AWAY) & KEYED == set()
    assert set(AWAY) & SPREAD == set()


def test_a_node_with_another_release_is_named_with_the_fix() -> None:
    here = shim.here()
    assert shim.difference(here, here | {"node": "other"}) == ""
    none = shim.difference(here, here | {"node": "n1", "cadenzad": ""})
    assert none == (
        f"node n1: cadenzad is not installed there: pip install cadenzad=={here['cadenzad']}"
    )
    old = shim.difference(here, here | {"node": "n1", "cadenzad": "0.0.1"})
    assert old == f"node n1: has cadenzad 0.0.1, and here it is {here['cadenzad']}"


def test_status_shows_nodes_and_the_queue_by_resource() -> None:
    live = {
        "address": "10.0.0.5:6379",
        **STANDING.as_json(),
        "waits": {"retrain": "waits for 1 GPU: 0 of 1 free"},
        "queued": {"retrain": 2, "score": 1},
    }
    assert list(cluster_lines(live)) == [
        "cluster: 10.0.0.5:6379, 2 nodes (10.0.0.5, 10.0.0.6);"
        " free: 3 of 6 CPU, 0 of 1 GPU, 8.0 of 8.0 GiB memory",
        "  queued: 2 retrain: waits for 1 GPU: 0 of 1 free",
        "  queued: 1 score",
    ]
    gone = live | Standing(trouble="refused", fix="ray status").as_json()
    assert list(cluster_lines(gone)) == [
        "cluster: 10.0.0.5:6379 is not used: refused",
        "  fix: ray status",
        "  queued: 2 retrain",
        "  queued: 1 score",
    ]
