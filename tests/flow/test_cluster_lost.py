"""A network that is cut, and a head node that dies with all that Ray knew: jobs wait, as one state,
and what was under way is done once when the cluster is there again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from heldjobs import children_on_nodes, held, job
from houses import BIN, House
from rays import GOALS, WORDS, on_cluster
from raysite import Site, ray_site, why_not
from teaching import taught_project
from waiting import eventually

for name in ("torch", "peft", "ray"):
    if find_spec(name) is None:  # not imported: every test process collects this
        pytest.skip(f"{name} is not installed", allow_module_level=True)

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("ray"), pytest.mark.timeout(600)]
WAITED_S = 10.0


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    if reason := why_not():
        pytest.skip(reason)
    with ray_site(1, 1) as made:
        yield made


def cut(site: Site) -> Callable[[], None]:
    site.cut()
    return site.mend


def kill_head(site: Site) -> Callable[[], None]:
    site.lose_cluster()
    return site.start_cluster


@pytest.mark.parametrize("strike", [cut, kill_head])
def test_what_was_under_way_is_done_once_when_the_cluster_is_back(
    house: House, site: Site, strike: Callable[[Site], Callable[[], None]]
) -> None:
    # given a training at work on a node
    tables = on_cluster(site.address, jobs="lease = 6\nattempts = 20\n")
    project = taught_project(house, GOALS, tables.replace("backoff = 0.2", "backoff = 2"), WORDS)
    house.start(command=site.command(BIN / "cadenzad"))
    file, asking = held(house, project)
    try:
        expect_done_once(house, site, strike, file)
    finally:
        asking.kill()
        asking.communicate()


def expect_done_once(
    house: House, site: Site, strike: Callable[[Site], Callable[[], None]], file: Path
) -> None:
    # when the cluster is gone: the attempt ends on both sides
    make_good = strike(site)
    house.until(lambda: house.events("JobFailed"), "it is noticed here", timeout=90)
    eventually(lambda: not children_on_nodes(), "and there", 60)

    # then what waits says so, in one place, and spends no attempt on it
    house.until(lambda: says_why(house), "status says why", timeout=90)
    before = len(house.events("JobStarted"))
    time.sleep(WAITED_S)
    assert len(house.events("JobStarted")) == before
    assert (job(house)["state"], len(house.events("JobFailed"))) == ("queued", 1)

    # and when the cluster is back it is done, once
    file.unlink()
    make_good()

    def is_done() -> bool:
        site.keep_robot()
        return bool(house.events("JobSucceeded"))

    eventually(is_done, "it is done", 200, every=0.5, explain=house.log_if_any)
    assert [event["data"]["version"] for event in house.events("AdapterTrained")] == [1]
    assert len(house.events("JobFailed")) == 1
    house.run("cadenzactl", "verify")


def says_why(house: House) -> bool:
    """Whether `status` says of the cluster that it is not used, and what helps."""
    cluster = house.status()["cluster"]
    helps: str = cluster["trouble"] + cluster["fix"]
    return "on the head node" in helps or "ray start" in helps
