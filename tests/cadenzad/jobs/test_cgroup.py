"""Jobs are kept from starving the daemon: limits in a delegated group, low priority anywhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cadenzad.jobs import cgroup
from cadenzad.jobs.cgroup import RESERVED_BYTES, RESERVED_TASKS, Confinement, delegated_group

GIB = 1024**3


class Tree:
    """A folder that looks like the control groups of a service with `Delegate=`."""

    def __init__(self, root: Path) -> None:
        self.cgroups, self.proc = root / "cgroup", root / "proc"
        self.unit = self.cgroups / "cadenzad.slice" / "cadenzad@alice.service"
        self.unit.mkdir(parents=True)
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "self/cgroup").write_text(
            "4:memory:/\n0::/cadenzad.slice/cadenzad@alice.service\n"
        )
        self.give(controllers="cpuset cpu memory pids", memory=str(8 * GIB), tasks="1024")
        for name in ("daemon", "jobs"):  # the kernel fills a new group with files
            (self.unit / name).mkdir()

    def give(self, controllers: str, memory: str, tasks: str) -> None:
        (self.unit / "cgroup.controllers").write_text(controllers)
        (self.unit / "memory.max").write_text(memory)
        (self.unit / "pids.max").write_text(tasks)

    def delegate(self) -> Tree:
        try:
            os.setxattr(self.unit, "user.delegate", b"1")
        except OSError as error:
            pytest.skip(f"no extended attributes here: {error}")
        return self

    def prepare(self) -> Confinement:
        return Confinement.prepare(self.cgroups, self.proc)

    def said(self, name: str) -> str:
        return (self.unit / name).read_text()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def child():
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def test_a_delegated_group_is_split_and_the_daemon_keeps_its_reserve(tree, monkeypatch):
    # given a machine with more memory than the unit may have
    monkeypatch.setattr(os, "sysconf", lambda name: 64 * GIB if name == "SC_PHYS_PAGES" else 1)

    # when
    confinement = tree.delegate().prepare()

    # then
    assert confinement.jobs == tree.unit / "jobs"
    assert tree.said("daemon/cgroup.procs") == str(os.getpid())
    assert tree.said("cgroup.subtree_control") == "+cpu +memory +pids"
    assert tree.said("jobs/memory.max") == str(8 * GIB - RESERVED_BYTES)
    assert tree.said("jobs/pids.max") == str(1024 - RESERVED_TASKS)
    assert int(tree.said("jobs/cpu.weight")) * 10 == int(tree.said("daemon/cpu.weight"))


def test_a_limit_further_up_counts_when_it_is_tighter(tree):
    (tree.unit.parent / "memory.max").write_text(str(GIB))
    tree.give("memory", memory="max\n", tasks="max\n")
    assert tree.delegate().prepare().limits == {"memory.max": GIB - RESERVED_BYTES}


def test_of_little_memory_jobs_get_half(tree):
    tree.give("memory", memory=str(RESERVED_BYTES), tasks="max")
    assert tree.delegate().prepare().limits == {"memory.max": RESERVED_BYTES // 2}


def test_a_group_that_is_not_ours_to_divide_is_left_alone(tree):
    assert delegated_group(tree.cgroups, tree.proc) is None
    assert tree.prepare().jobs is None
    assert not (tree.unit / "cgroup.subtree_control").exists()


def test_without_cgroup_v2_there_is_no_group(tree):
    (tree.proc / "self/cgroup").write_text("4:memory:/\n")
    assert tree.delegate().prepare().jobs is None


def test_a_group_that_refuses_is_told_and_is_no_failure(tree, caplog):
    tree.delegate()
    (tree.unit / "cgroup.subtree_control").mkdir()
    assert tree.prepare().jobs is None
    assert "low priority only" in caplog.text


def test_a_job_is_moved_and_lowered(tree, child):
    tree.delegate().prepare().take(child.pid)
    assert tree.said("jobs/cgroup.procs") == str(child.pid)
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == cgroup.NICE
    score = Path(f"/proc/{child.pid}/oom_score_adj").read_text()
    assert int(score) == cgroup.OOM_SCORE


def test_a_job_is_lowered_where_there_is_no_group(child):
    Confinement().take(child.pid)
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == cgroup.NICE


def test_a_job_that_has_ended_is_no_failure(tree, child, caplog):
    child.kill()
    child.wait()
    Confinement().take(child.pid)
    assert caplog.text == ""
