"""`cadenza env takein`: recordings of other tools become runs, and the event names them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadenzad.cli.programs import cadenza as main
from handlers.project.scaffold import recorded_run
from handlers.takein.takein import hash_of

pytest.importorskip("mcap", reason="the formats extra is not installed")

STEPS = 32
"""Actions of the recorded run."""

FIELDS = [
    "action = /cmd:name",
    "obs.pos_x = /odom:pose.position[0]",
    "obs.pos_y = -/odom:pose.position[1]",
    "obs.feet_grounded = /feet:count",
    "reward = /cmd:reward",
]


@pytest.fixture
def project(home: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    made: Path = home.project()
    (home.root / "here").mkdir()
    monkeypatch.chdir(home.root / "here")
    return made


@pytest.fixture
def env(run_cli: Any) -> Callable[..., tuple[int, str, str]]:
    def call(*words: object) -> tuple[int, str, str]:
        done: tuple[int, str, str] = run_cli(main, "env", *words)
        return done

    return call


def configure(project: Path, **table: Any) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    (project / "cadenzad.toml").write_text("\n".join(["[takein]", *lines]) + "\n")


def record_mcap(path: Path, messages: list[tuple[float, str, Any]], chunk: int = 64) -> None:
    """An MCAP file of JSON messages: (seconds, topic, value)."""
    from mcap.writer import Writer

    with path.open("wb") as stream:
        writer = Writer(stream, chunk_size=chunk)
        writer.start()
        channels = {
            topic: writer.register_channel(topic, "json", 0)
            for topic in dict.fromkeys(topic for _, topic, _ in messages)
        }
        for time_s, topic, value in messages:
            time = int(time_s * 1e9)
            writer.add_message(channels[topic], time, json.dumps(value).encode(), time)
        writer.finish()


def drive(actions: int) -> list[tuple[float, str, Any]]:
    """What a robot publishes: where it is, its feet, and what it is told, every second."""
    messages: list[tuple[float, str, Any]] = []
    for at in range(actions + 1):
        messages.append((at, "/odom", {"pose": {"position": [0.5 * at, 1.0]}}))
        messages.append((at + 0.1, "/feet", {"count": 4.0}))
        if at < actions:
            messages.append((at + 0.2, "/cmd", {"name": "walk_forward", "reward": at}))
    return messages


def ticks(project: Path, name: str) -> list[dict[str, Any]]:
    log = project / ".cadenza-env" / f"{name}.log.jsonl"
    return [json.loads(line) for line in log.read_bytes().splitlines()]


@pytest.mark.parametrize("kind", ["mcap", "lerobot", "minari", "minari-arrow"])
def test_what_we_wrote_comes_back_without_a_word_said(home, project, env, kind) -> None:
    if "minari" in kind:
        pytest.importorskip("minari")
    # given an export of a run
    first = project / ".cadenza-env" / "first.log.jsonl"
    first.write_bytes(recorded_run().read_bytes())
    name = "back-v0.mcap" if kind == "mcap" else "back-v0"
    assert env("finetune", project, "first", "-o", name, "--format", kind)[0] == 0
    # when it is taken in
    code, out, err = env("takein", project, name)
    # then its log says what was done, seen and got, and what it is made of
    log = project / ".cadenza-env" / "back-v0.log.jsonl"
    assert (code, err) == (0, "")
    assert out == f"wrote {STEPS} ticks of 1 episode to {log}\n"
    logged, back = ticks(project, "first"), ticks(project, "back-v0")
    assert [tick["action"] for tick in back] == [tick["action"] for tick in logged]
    wide = {"rel": 1e-6, "abs": 1e-6}  # LeRobot's numbers are of 32 bits
    got, was = ([tick["reward"] for tick in log[1:]] for log in (back, logged))
    assert got == pytest.approx(was, **wide)
    seen = [[tick["obs"]["pos_x"] for tick in log[:STEPS]] for log in (back, logged)]
    assert seen[0] == pytest.approx(seen[1], **wide)
    # and so does the event
    home.once()
    (event,) = [e for e in home.events("RunRecorded") if e.event.run_id == "back-v0"]
    stamp = event.event.episodes[0].stamp
    assert (stamp.source, stamp.source_hash) == (name, hash_of(Path(name)))


def test_topics_are_mapped_as_the_project_says(project, env) -> None:
    configure(project, fields=FIELDS)
    record_mcap(Path("night.mcap"), drive(3))
    code, _, err = env("takein", project, "night.mcap")
    assert (code, err) == (0, "")
    assert [(t["tick"], t["action"], t["obs"]["pos_x"]) for t in ticks(project, "night")] == [
        (0, None, 0.0),
        (1, "walk_forward", 0.5),
        (2, "walk_forward", 1.0),
        (3, "walk_forward", 1.5),
    ]
    assert ticks(project, "night")[1]["obs"] == {"pos_x": 0.5, "pos_y": -1.0, "feet_grounded": 4}
    assert ticks(project, "night")[3]["reward"] == 2


def test_an_observation_declared_as_of_after_the_action_stays_with_it(project, env) -> None:
    configure(project, fields=FIELDS, alignment="after")
    record_mcap(Path("night.mcap"), drive(2))
    assert env("takein", project, "night.mcap")[0] == 0
    assert [(t["tick"], t["obs"]["pos_x"]) for t in ticks(project, "night")] == [(1, 0.0), (2, 0.5)]


def test_a_rate_puts_messages_on_a_clock(project, env) -> None:
    configure(project, fields=FIELDS, alignment="after", rate=2.0)
    record_mcap(Path("night.mcap"), drive(2))
    assert env("takein", project, "night.mcap")[0] == 0
    found = ticks(project, "night")
    assert [t["sim_time_s"] for t in found] == [0.5, 1.0, 1.5, 2.0]
    assert [t["obs"]["pos_x"] for t in found] == [0.0, 0.5, 0.5, 1.0]


def test_a_bag_of_several_files_is_one_recording(project, env) -> None:
    configure(project, fields=FIELDS)
    bag = Path("bag")
    bag.mkdir()
    messages = drive(4)
    record_mcap(bag / "bag_0.mcap", messages[:7])
    record_mcap(bag / "bag_1.mcap", messages[7:])
    assert env("takein", project, "bag")[0] == 0
    assert [tick["tick"] for tick in ticks(project, "bag")] == [0, 1, 2, 3, 4]


def test_a_file_cut_anywhere_is_read_to_its_last_whole_message(project, env) -> None:
    configure(project, fields=FIELDS)
    record_mcap(Path("whole.mcap"), drive(20))
    data = Path("whole.mcap").read_bytes()
    counts = []
    for share in (0.2, 0.4, 0.6):
        Path("cut.mcap").write_bytes(data[: int(len(data) * share)])
        code, _, err = env("takein", project, "cut.mcap")
        assert code == 0
        assert "cut.mcap: cut off; read to the last whole message, " in err
        counts.append(ticks(project, "cut")[-1]["tick"])
    assert 0 < counts[0] < counts[1] < counts[2] <= 20


def test_the_same_again_changes_nothing_and_a_changed_one_is_taken_anew(home, project, env) -> None:
    configure(project, fields=FIELDS)
    record_mcap(Path("night.mcap"), drive(2))
    assert env("takein", project, "night.mcap")[0] == 0
    log = project / ".cadenza-env" / "night.log.jsonl"
    before = log.stat()
    code, out, _ = env("takein", project, "night.mcap")
    assert (code, out) == (0, f"nothing new: {log} holds its 2 ticks already\n")
    assert log.stat().st_mtime_ns == before.st_mtime_ns
    record_mcap(Path("night.mcap"), drive(5))
    assert env("takein", project, "night.mcap", "--json")[0] == 0
    assert len(ticks(project, "night")) == 6


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("nothing.mcap", FIELDS, "no recording 'nothing.mcap'"),
        ("text.mcap", FIELDS, "is no MCAP file"),
        ("text.bag", FIELDS, "is no recording that can be taken in"),
        ("empty", FIELDS, "is no recording that can be taken in"),
        ("night.mcap", [], "has no topic /cadenza/tick: there are /cmd, /feet, /odom"),
        ("night.mcap", ["action = /twist:x"], "has no topic /twist"),
        ("night.mcap", ["action = /cmd:reward.x"], "gives no tick"),
        ("night.mcap", ["obs.pos_x = /odom:x"], "no entry says what the action is"),
        ("night.mcap", ["obs.speed = /odom:x"], "a tick has no field 'obs.speed'"),
        ("night.mcap", ["action"], "is not FIELD = SOURCE"),
        ("night.mcap", ["action = /a", "action = /b"], "action is given twice"),
        ("start.mcap", FIELDS, "no whole message of /cmd is left of it"),
        ("old", FIELDS, "is LeRobot v2.1, and v3.0 is read"),
        ("mine.mcap", FIELDS, "is another run's log, and stays as it is"),
    ],
)
def test_what_cannot_be_taken_in_is_one_line(
    home, project, env, one_error, name, fields, reason
) -> None:
    # given
    configure(project, fields=fields)
    for text in ("text.mcap", "text.bag"):
        Path(text).write_text("hello, this is no recording at all, but a text of some length\n")
    Path("empty").mkdir()
    Path("old/meta").mkdir(parents=True)
    Path("old/meta/info.json").write_text('{"codebase_version": "v2.1", "features": {}}')
    for recording in ("night.mcap", "mine.mcap"):
        record_mcap(Path(recording), drive(3))
    Path("start.mcap").write_bytes(Path("night.mcap").read_bytes()[:60])
    mine = home.log(project, "mine")
    before = mine.read_bytes()
    # when
    code, out, err = env("takein", project, name)
    # then
    assert (code in (1, 2, 4), out) == (True, "")
    assert reason in one_error(err)
    assert mine.read_bytes() == before
    assert [path.name for path in (project / ".cadenza-env").iterdir()] == ["mine.log.jsonl"]


def test_ros_2_messages_are_read(project, env) -> None:
    writer = pytest.importorskip("mcap_ros2.writer", reason="mcap-ros2-support is not installed")
    configure(project, fields=["action = /cmd:data", "obs.pos_x = /odom:x"])
    with open("ros.mcap", "wb") as stream:
        bag = writer.Writer(stream)
        text = bag.register_msgdef("std_msgs/msg/String", "string data")
        point = bag.register_msgdef("geometry_msgs/msg/Point", "float64 x\nfloat64 y\nfloat64 z")
        for at in range(3):
            bag.write_message("/odom", point, {"x": 0.5 * at, "y": 0.0, "z": 0.0}, log_time=2 * at)
            bag.write_message("/cmd", text, {"data": "walk_forward"}, log_time=2 * at + 1)
        bag.finish()
    assert env("takein", project, "ros.mcap")[0] == 0
    found = [(t["action"], t["obs"]["pos_x"]) for t in ticks(project, "ros") if t["tick"] < 3]
    assert found == [(None, 0.0), ("walk_forward", 0.5), ("walk_forward", 1.0)]
