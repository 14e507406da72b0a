"""Jobs on a real Ray cluster of two nodes: the same bytes, the same limits, and nothing twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import runlogs
from heldjobs import children_on_nodes, held, job, submitters_of
from houses import House
from rays import GOALS, LENIENT, WORDS, Direct, Nodes, on_cluster, ray_nodes
from teaching import taught_project
from waiting import eventually

from cadenzad.jobs.cluster.bundle import Bundle
from cadenzad.jobs.cluster.cache import Cache
from cadenzad.jobs.cluster.connection import connected
from handlers.judge.gates.arena import Arena
from handlers.judge.gates.elsewhere import Missions
from handlers.judge.policy import choose_policy
from handlers.judge.prompt.code import project_code
from handlers.judge.prompt.source import find_prompt
from handlers.project.project import Project

for name in ("torch", "peft", "mujoco", "ray"):
    if find_spec(name) is None:  # not imported: every test process collects this
        pytest.skip(f"{name} is not installed", allow_module_level=True)

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("ray"), pytest.mark.timeout(600)]

SECRET = "gsk_do_not_tell_this_to_anybody"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with ray_nodes(1, 1) as made:
        yield made


def finetune(house: House, project: Path, *options: object) -> subprocess.CompletedProcess[str]:
    words = ("cadenza", "env", "lora", "finetune", project, *options)
    return house.run(*words, check=False, timeout=300)


def files_of(project: Path, version: int = 1) -> dict[str, bytes]:
    folder = project / ".cadenza-env" / "adapters" / f"{version:04}"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def project(house: House, nodes: Nodes) -> Path:
    return taught_project(house, GOALS, on_cluster(nodes.address), WORDS)


def test_the_same_bytes_come_out_as_here(house: House, project: Path, nodes: Nodes) -> None:
    # given an adapter that was made here
    house.configure(improve=LENIENT)
    assert finetune(house, project, "--gate").returncode == 0
    here = files_of(project)
    shutil.rmtree(project / ".cadenza-env" / "adapters")
    shutil.rmtree(house.state)

    # when it is made there, of the same
    house.configure(improve=on_cluster(nodes.address))
    house.environ["GROQ_API_KEY"] = SECRET
    house.start()
    done = finetune(house, project, "--gate")
    assert done.returncode == 0, done.stderr

    # then
    assert files_of(project) == here
    assert os.readlink(project / ".cadenza-env" / "adapters" / "deployed") == "0001"
    kinds = [event["type"] for event in house.events()]
    assert kinds[-4:] == ["AdapterTrained", "AdapterScored", "AdapterPromoted", "JobSucceeded"]
    assert "job placed" in house.log()
    house.run("cadenzactl", "verify")

    # and no key is anywhere in what Ray keeps, nor in what a job's worker could read
    for path in nodes.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert SECRET.encode() not in path.read_bytes(), path


def test_a_cancelled_job_ends_there_too(house: House, project: Path) -> None:
    house.start()
    _, asking = held(house, project)
    house.run("cadenzactl", "jobs", "cancel", job(house)["job"])
    asking.communicate(timeout=60)
    house.until(lambda: not children_on_nodes(), "its child has ended", timeout=30)
    assert list((project / ".cadenza-env").glob("adapters/*")) == []
    house.until(lambda: not submitters_of(house), "and so has who stood for it")


def test_a_job_that_takes_too_much_memory_or_time_is_ended_there(
    house: House, project: Path, nodes: Nodes
) -> None:
    small = "[jobs.ray.retrain]\nmemory = 50_000_000\n"
    house.configure(improve=on_cluster(nodes.address, jobs="attempts = 1\n", ray=small))
    house.start()
    assert "took more memory than 50000000 bytes" in finetune(house, project).stderr
    house.stop(house.daemons[-1])
    house.configure(improve=on_cluster(nodes.address, jobs="attempts = 1\ntimeout = 15\n"))
    house.start()
    _, asking = held(house, project)
    assert "took longer than 15 s" in asking.communicate(timeout=60)[1]
    eventually(lambda: not children_on_nodes(), "its child has ended", 30)


def test_a_job_waits_for_what_no_node_has(house: House, project: Path, nodes: Nodes) -> None:
    gpu = "[jobs.ray.retrain]\nnum_gpus = 1\n"
    house.configure(improve=on_cluster(nodes.address, ray=gpu).replace("retrain = false", ""))
    house.start()
    says = "no node has 1 CPU, 1 GPU"
    house.until(lambda: says in house.ask("status")[1], "status says why", timeout=60)
    assert "JobStarted" not in [event["type"] for event in house.events()]
    assert "1 retrain" in house.ask("status")[1]
    assert says in house.ask("jobs")[1]


def test_a_cluster_that_is_not_there_is_one_state(house: House, project: Path) -> None:
    house.configure(improve=on_cluster("127.0.0.2:1").replace("retrain = false", ""))
    house.start()
    house.until(lambda: "refused" in house.ask("status")[1], "status says why", timeout=60)
    assert "JobStarted" not in [event["type"] for event in house.events()]
    assert house.run("cadenzad", "--version").returncode == 0
    house.stop(house.daemons[-1])
    assert house.once(timeout=60).returncode == 0
    doctor = house.ask("doctor", "--config", str(house.config))[1]
    assert "127.0.0.2:1: Connection refused" in doctor


def test_code_that_nobody_trusts_goes_nowhere(house: House, project: Path) -> None:
    (project / "lora_encoder.py").write_text("import os\nos._exit(7)\n")
    house.start()
    refused = finetune(house, project)
    assert "is not trusted" in refused.stderr
    house.run("cadenzactl", "trust", "rescue")
    gone = finetune(house, project)
    assert "ended with 7" in gone.stderr
    assert "lora_encoder.py" in gone.stderr


def test_a_node_that_is_lost_costs_an_attempt_and_nothing_else(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    with ray_nodes(0, 1) as nodes:
        try:
            project = taught_project(house, GOALS, on_cluster(nodes.address), WORDS)
            house.start()
            file, asking = held(house, project)
            nodes.lose(1)
            house.until(lambda: house.events("JobFailed"), "it is noticed", timeout=60)
            file.unlink()
            nodes.nodes[1] = nodes.add(1)
            house.until(lambda: house.events("JobSucceeded"), "it is done", timeout=200)
            asking.communicate(timeout=60)
            assert "was lost" in house.events("JobFailed")[0]["data"]["error"]
            assert len(house.events("AdapterTrained")) == 1
            house.run("cadenzactl", "verify")
        finally:
            house.close()


def test_a_daemon_that_is_killed_leaves_nothing_running_there(house: House, project: Path) -> None:
    daemon = house.start()
    _, asking = held(house, project)
    house.stop(daemon, signal.SIGKILL)
    asking.kill()
    asking.communicate()
    eventually(lambda: not children_on_nodes(), "its child has ended", 30)


def test_what_a_service_manager_ends_is_put_back(house: House, project: Path) -> None:
    # given a job at work there; systemd asks every process of a service to end
    house.start()
    file, asking = held(house, project)
    (here,) = submitters_of(house)
    here.terminate()

    # then it is begun again, and no attempt was spent on that
    house.until(lambda: house.events("JobRequeued"), "it is put back", timeout=30)
    assert house.events("JobRequeued")[0]["data"]["reason"] == "SIGTERM"
    file.unlink()
    house.until(lambda: house.events("JobSucceeded"), "it is done", timeout=120)
    asking.communicate(timeout=60)
    assert house.events("JobFailed") == []


def test_who_cannot_hear_from_home_stops_and_what_comes_late_is_not_stored(
    house: House, project: Path, nodes: Nodes
) -> None:
    # given a job whose process here is stopped, as if the network were gone
    house.configure(improve=on_cluster(nodes.address, jobs="lease = 4\n"))
    house.start()
    file, asking = held(house, project)
    (here,) = submitters_of(house)
    here.suspend()

    # then both ends give it up by themselves, and another attempt does it
    house.until(lambda: house.events("JobFailed"), "the lease is over here", timeout=60)
    file.unlink()
    house.until(lambda: house.events("JobSucceeded"), "another attempt", timeout=120)
    asking.communicate(timeout=60)
    assert "was silent for 4 s" in house.events("JobFailed")[0]["data"]["error"]
    assert [event["data"]["version"] for event in house.events("AdapterTrained")] == [1]
    eventually(lambda: not children_on_nodes(), "its child has ended", 30)
    house.run("cadenzactl", "verify")


@pytest.mark.parametrize("trusted", [False, True], ids=["our brain", "a project's own"])
def test_missions_of_a_trial_come_out_as_here(house: House, nodes: Nodes, trusted: bool) -> None:
    # given a brain, and two prompts for it
    project = Project.open(house.project(), actions=True)
    if trusted:
        with (project.path / "main.py").open("a") as file:
            file.write("\nMINE = 1\n")
    source = find_prompt(project.path)
    trust = project_code(project.path, source.path, source).sha256 if trusted else None
    choice = choose_policy(project.path, source, trust)
    assert choice.kind == ("decide" if trusted else "built-in")
    tasks = [(source, 1), (source, 2), (source, 3)]

    # when they drive the same seeds here and there
    arena = Arena(project.spec, project.library, choice, project.path)
    with arena:
        here = arena.drive_all(tasks)
    with connected(nodes.address):
        missions = Missions(project, source, choice, "", Direct(project.path))
        there = list(missions(tasks))

    # then
    assert there == here


def test_exports_of_all_logs_come_out_as_here(house: House, nodes: Nodes) -> None:
    # given logs, one of which holds nothing that can be exported
    project = house.project()
    house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
    logs = [project / ".cadenza-env" / f"run-{number}.log.jsonl" for number in range(4)]
    for number, log in enumerate(logs):
        log.write_bytes(runlogs.run(ticks=20 + number, success=number != 1))
    logs[3].write_bytes(b"\n")

    # when they are exported here, and there
    def export(name: str) -> tuple[bytes, dict[str, Any], str]:
        output = house.root / name
        words = ("cadenza", "env", "finetune", project, "--all", "-o", output, "--json")
        done = house.run(*words, check=False, timeout=200)
        assert done.returncode == 1  # for the log that was left out
        told = json.loads(done.stdout)
        return output.read_bytes(), told | {"output": ""}, done.stderr

    here = export("here.jsonl")
    house.configure(improve=on_cluster(nodes.address, ray="kinds = ['export']\n"))
    there = export("there.jsonl")

    # then they are the same, and a copy of each log was there
    assert there == here
    copies = Cache().root / "copies"
    for log in logs:
        bundle = Bundle.of({str(log.relative_to(project)): log}, whole=True)
        assert (copies / bundle.id).is_dir()
