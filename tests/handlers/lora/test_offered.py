"""An adapter that the fleet offers: through this robot's own gate, or taken back when pulled."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dying
import forking
import pytest
from adapter_files import fill
from eventmaking import Make
from teaching import REST, rows

from handlers.jobs import JobContext, JobResult, PermanentFailure, TryLater
from handlers.lora.data.dataset import load_dataset
from handlers.lora.hub.packed import arrived, pack
from handlers.lora.job import retrain, roll_back
from handlers.lora.model.names import folder_sha256
from handlers.lora.model.training import TrainOptions, train
from handlers.lora.offered import consider
from handlers.lora.recovery import ADAPTERS, problems
from handlers.lora.registry import Registry
from handlers.lora.settings import LoraSettings
from handlers.project.project import Project
from handlers.project.scaffold import init_project
from handlers.recovery import recover
from handlers.settings import Settings
from store.events.adapter import AdapterTrained
from store.events.envelope import NewEvent, project_stream
from store.events.fleet import OfferReceived, OfferWithdrawn
from store.events.process import JobQueued
from store.identity import Digest
from store.opening import open_writer
from store.reads.improvements import AdapterRow, adapters
from store.reads.offers import OfferRow, offers_to
from store.schema import connect_reader

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("mujoco")

SIT, STAND = [{"action": "sit"}], [{"action": "stand"}]
GOALS = {"sit down": SIT, "take a seat": SIT, "stand up": STAND, "get up": STAND}
EXAM = {
    **dict.fromkeys(("lower your haunches", "settle on the ground", "crouch for me"), SIT),
    **dict.fromkeys(("rise to your feet", "straighten your legs", "onto all fours"), STAND),
}
LENIENT = LoraSettings(encoder="light", fidelity=0, coverage=0, stability=0, mission=0)
"""With these no answer to the exam is in the way of a DEPLOY."""
STRICT = LoraSettings(encoder="light")
FACTS: dict[str, Any] = {
    "version": 3, "path": ".cadenza-env/adapters/0003", "dataset_sha256": "d",
    "base_sha256": "b", "encoder": "light", "rows": 1, "exam_rows": 1, "epochs": 1, "seed": 0,
    "threads": 1,
}  # fmt: skip


class Robot:
    """A project, an event log, and jobs that are done as the daemon does them."""

    def __init__(self, folder: Path) -> None:
        self.project, self.state = folder / "rescue", folder / "state"
        self.state.mkdir(parents=True)
        init_project(self.project)
        (self.project / "env.json").write_text(json.dumps(REST))
        (self.project / "lora" / "patterns.jsonl").write_text(rows(GOALS))
        (self.project / "lora" / "eval.jsonl").write_text(rows(EXAM))
        self.registry = Registry(self.project)
        self.writer = open_writer(self.state)
        self.record(Make().discovered().event)

    def record(self, *events: Any, job: int | None = None) -> int:
        stream = project_stream(str(self.project))
        made = [NewEvent(stream, event, causation=job) for event in events]
        return self.writer.append(*made)[-1].position if made else 0

    def queue(self) -> int:
        return self.record(JobQueued(kind="adopt", project=str(self.project), reason="an offer"))

    def do(
        self, job: Any, settings: LoraSettings = LENIENT, id: int | None = None, **spec: object
    ) -> JobResult:
        context = JobContext(
            {"by": "cadenzad", **spec}, self.project, self.state, lambda _: None,
            Settings(settings), job=id,
        )  # fmt: skip
        done: JobResult = job(context)
        self.record(*done.events, job=id)
        return done

    def offer(self, data: bytes, name: str = "0ffe4") -> None:
        """As the forwarder takes an offer in."""
        digest = Digest()
        digest.update(data)
        path = arrived(self.state, digest.value())
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        self.record(
            OfferReceived(
                offer=name, kind="adapter", content=digest.value(), robot="ada", version=3
            )
        )

    def pull(self, name: str = "0ffe4") -> None:
        self.record(OfferWithdrawn(offer=name, reason="worse than before"))

    @property
    def offers(self) -> list[OfferRow]:
        with closing(connect_reader(self.state)) as reader:
            return offers_to(reader, str(self.project))

    @property
    def adapters(self) -> list[AdapterRow]:
        with closing(connect_reader(self.state)) as reader:
            return adapters(reader, str(self.project))

    @property
    def problems(self) -> list[str]:
        with closing(connect_reader(self.state)) as reader:
            return problems(reader, str(self.project))


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Robot]:
    made = Robot(tmp_path / "robot")
    yield made
    made.writer.close()


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What another robot trained, as it is offered; what it scored there is of no account here."""
    project = tmp_path_factory.mktemp("ada") / "rescue"
    init_project(project)
    (project / "lora" / "patterns.jsonl").write_text(rows(GOALS))
    (project / "lora" / "eval.jsonl").write_text(rows(EXAM))
    folder = project.parent / "0003"
    folder.mkdir()
    opened = Project.open(project, actions=True)
    options = TrainOptions(epochs=3, threads=1, encoder="light")
    train(load_dataset(opened).train, opened.library, folder, options, lambda _: None, "d")
    return pack(folder, AdapterTrained(sha256=folder_sha256(folder), **FACTS))


def test_it_is_scored_here_deployed_and_taken_back_when_it_is_pulled(
    robot: Robot, offered: bytes
) -> None:
    # given an offer, and none that serves
    robot.offer(offered)

    # when its gate is asked
    done = robot.do(consider)

    # then it serves, as any adapter does
    assert done.summary == "offer 0ffe4: version 1: DEPLOY and deployed"
    assert [event.type_name() for event in done.events] == [
        "AdapterTrained", "AdapterScored", "AdapterPromoted",
    ]  # fmt: skip
    assert done.events[0].as_shape()["offer"] == "0ffe4"
    assert robot.registry.deployed() == 1
    (row,) = robot.offers
    assert (row.state, row.version) == ("taken", 1)
    assert robot.problems == []
    assert robot.do(consider).summary == "no offer waits"

    # when another offer holds the same, then it is here already
    robot.offer(offered, "again")
    assert "it is version 1 here already (deployed)" in robot.do(consider).summary
    assert robot.offers[1].state == "declined"

    # when it is pulled, then nothing serves, as before
    robot.pull()
    assert "worse than before; no version is deployed" in robot.do(consider).summary
    assert robot.registry.deployed() is None
    assert robot.offers[0].state == "rolled_back"
    assert [row.state for row in robot.adapters] == ["retired"]
    assert robot.problems == []
    assert robot.do(consider).summary == "no offer waits"


@pytest.mark.long
def test_its_own_exam_decides(robot: Robot, offered: bytes) -> None:
    robot.offer(offered)
    assert robot.do(consider, STRICT).summary == "offer 0ffe4: version 1: BLOCK"
    assert robot.registry.deployed() is None
    (row,) = robot.offers
    assert row.state == "declined"
    assert row.reason.startswith("version 1: BLOCK: ")
    robot.pull()  # and nothing is left to be taken back
    assert robot.do(consider).summary == "no offer waits"


def made_for_another_base(folder: Path) -> bytes:
    folder.mkdir()
    fill(folder)
    return pack(folder, AdapterTrained(sha256=folder_sha256(folder), **FACTS))


def test_what_cannot_be_used_here_is_declined_and_leaves_nothing(
    robot: Robot, tmp_path: Path
) -> None:
    for number, (data, said) in enumerate(
        [
            (made_for_another_base(tmp_path / "0003"), "was trained"),
            (b"no adapter", "an offered adapter that is no whole archive"),
        ]
    ):
        robot.offer(data, f"offer{number}")
        robot.do(consider)
        row = robot.offers[-1]
        assert (row.state, row.version) == ("declined", None)
        assert said in row.reason
        assert ".staging" not in row.reason
    assert list(robot.registry.root.iterdir()) == []


def test_what_did_not_come_is_waited_for(robot: Robot) -> None:
    robot.offer(b"anything")
    arrived(robot.state, robot.offers[0].content).unlink()
    with pytest.raises(TryLater, match="what the hub sent is not here"):
        robot.do(consider)
    assert robot.offers[0].state == "open"


@pytest.mark.long
def test_one_that_another_took_the_place_of_is_kept_and_never_gone_back_to(
    robot: Robot, offered: bytes
) -> None:
    # given an offered adapter, and one of its own that serves since
    robot.offer(offered)
    robot.do(consider)
    robot.do(retrain, epochs=4, gate=True)
    assert robot.registry.deployed() == 2

    # when the offer is pulled
    robot.pull()
    assert "version 2 serves here since" in robot.do(consider).summary

    # then that one goes on, and what was pulled is nothing to go back to
    assert robot.offers[0].state == "kept"
    assert robot.registry.deployed() == 2
    with pytest.raises(PermanentFailure, match="no other version was ever deployed"):
        robot.do(roll_back)


@pytest.mark.long
@pytest.mark.parametrize(
    ("point", "is_there"),
    [
        ("handlers.lora.offered:unpack:after:1", False),
        ("handlers.recovery:note:after:1", False),
        ("handlers.lora.registry:Registry.commit:after:1", True),
        ("handlers.lora.registry:Registry.promote:after:1", True),
    ],
)
def test_a_kill_leaves_it_taken_up_once_or_not_at_all(
    robot: Robot, offered: bytes, point: str, is_there: bool
) -> None:
    # given a job that dies at a point
    robot.offer(offered)
    job = robot.queue()
    killed = forking.call(
        dying.job, point, "handlers.lora.offered:consider", {"by": "cadenzad"}, robot.project,
        robot.state, Settings(LENIENT), environ={},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    # when the daemon makes good what is on disk, and the job is tried again
    recover(robot.project, robot.writer, [ADAPTERS])
    assert (robot.offers[0].state == "taken") == is_there
    robot.do(consider, id=job)

    # then it is there, once
    (row,) = robot.offers
    assert (row.state, row.version) == ("taken", 1)
    assert (len(robot.adapters), robot.registry.deployed()) == (1, 1)
    assert robot.problems == []


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_of_a_pull_is_made_good(robot: Robot, offered: bytes, when: str) -> None:
    robot.offer(offered)
    robot.do(consider)
    robot.pull()
    killed = forking.call(
        dying.job, f"handlers.lora.registry:Registry.promote:{when}:1",
        "handlers.lora.offered:consider", {"by": "cadenzad"}, robot.project, robot.state,
        Settings(LENIENT), environ={},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    recover(robot.project, robot.writer, [ADAPTERS])
    assert robot.registry.deployed() is None
    assert robot.offers[0].state == "rolled_back"
    assert robot.problems == []
    assert robot.do(consider).summary == "no offer waits"
