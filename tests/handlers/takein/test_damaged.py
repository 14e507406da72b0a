"""Recordings with bad bytes: read to the last whole message, or one clear line; no traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest
import runlogs

pytest.importorskip("mcap", reason="the formats extra is not installed")

from handlers.dataset.formats.export import export
from handlers.dataset.formats.source import Sources
from handlers.dataset.mission import Mission
from handlers.project.project import Project
from handlers.project.scaffold import init_project
from handlers.takein.settings import TakeInSettings
from handlers.takein.takein import TakenIn, take_in
from store.errors import InputError

FIELDS = TakeInSettings(
    fields=("action = /cmd:name", "obs.pos_x = /odom:x", "reward = /cmd:reward")
)
ACTIONS = 40


@pytest.fixture
def project(tmp_path: Path) -> Project:
    init_project(tmp_path / "rescue")
    return Project.open(tmp_path / "rescue")


def record(path: Path, compression: str, *, chunked: bool = True, odd: bytes | None = None) -> None:
    """A recording of ACTIONS; `odd`: a message of /cmd among them, as it is."""
    from mcap.writer import CompressionType, Writer

    with path.open("wb") as stream:
        kind = CompressionType[compression]
        writer = Writer(stream, chunk_size=256, compression=kind, use_chunking=chunked)
        writer.start()
        odom, cmd = (writer.register_channel(name, "json", 0) for name in ("/odom", "/cmd"))
        for at in range(ACTIONS):
            now = at * 10**9
            writer.add_message(odom, now, json.dumps({"x": at}).encode(), now)
            told = json.dumps({"name": "walk_forward", "reward": at}).encode()
            writer.add_message(cmd, now, told, now)
            if odd is not None and at == 3:
                writer.add_message(cmd, now, odd, now)
        writer.finish()


def taken(project: Project, path: Path) -> TakenIn | str:
    """What came of it: taken in, or the one line that says why not."""
    try:
        return take_in(path, project, FIELDS)
    except InputError as error:
        said = error.message
    assert str(path) in said
    assert "\n" not in said
    return said


def rewards(found: TakenIn) -> list[Any]:
    lines = [json.loads(line) for line in found.log.read_bytes().splitlines()]
    return [line["reward"] for line in lines if line.get("action")]


@pytest.mark.parametrize("compression", ["ZSTD", "LZ4", "NONE"])
def test_bad_bytes_anywhere_give_a_true_beginning_or_one_line(
    project: Project, tmp_path: Path, compression: str
) -> None:
    rng = Random(compression)
    record(tmp_path / "whole.mcap", compression)
    whole = (tmp_path / "whole.mcap").read_bytes()
    bad = tmp_path / "bad.mcap"
    damages = [whole[: rng.randrange(len(whole))] for _ in range(12)]
    for _ in range(20):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        damages.append(bytes(data))
    read = 0
    for data in damages:
        bad.write_bytes(data)
        found = taken(project, bad)
        if isinstance(found, str):
            continue
        read += 1
        # what was read is what was recorded, and what was not is said
        got = rewards(found)
        assert got == sorted(set(got) & set(range(ACTIONS)))
        assert len(got) == ACTIONS or found.notes
    assert read > 5


def test_a_message_cut_in_its_middle_is_not_half_a_message(
    project: Project, tmp_path: Path
) -> None:
    record(tmp_path / "plain.mcap", "NONE", chunked=False)
    data = (tmp_path / "plain.mcap").read_bytes()
    at = data.index(b'"reward": 20') + 5
    (tmp_path / "cut.mcap").write_bytes(data[:at])
    found = taken(project, tmp_path / "cut.mcap")
    assert isinstance(found, TakenIn)
    assert rewards(found) == list(range(20))
    assert found.notes[0] == "cut.mcap: cut off; read to the last whole message, 41 of them"


@pytest.mark.parametrize("odd", [b"no json", b"\xff\xfe", b"", b"[" * 100_000, b'{"a": 1e'])
def test_a_message_that_is_no_json_is_left_out_and_said(
    project: Project, tmp_path: Path, odd: bytes
) -> None:
    record(tmp_path / "odd.mcap", "ZSTD", odd=odd)
    found = taken(project, tmp_path / "odd.mcap")
    assert isinstance(found, TakenIn)
    assert rewards(found) == list(range(ACTIONS))
    (note,) = found.notes
    assert note.startswith("odd.mcap: messages left out: 1 of /cmd; message 9, on /cmd: ")


def test_a_nan_in_a_message_is_unknown_and_the_rest_is_read(
    project: Project, tmp_path: Path
) -> None:
    record(tmp_path / "nan.mcap", "ZSTD", odd=b'{"name": "turn_left", "reward": NaN}')
    found = taken(project, tmp_path / "nan.mcap")
    assert isinstance(found, TakenIn)
    assert found.ticks == ACTIONS + 1
    assert b"NaN" not in found.log.read_bytes()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"tick,action\n1,walk\n", "is no MCAP file: it begins with b'tick,act'"),
        (b"x", "is no MCAP file: it begins with b'x'"),
        (b"", "cut off; read to the last whole message, 0 of them"),
        (b"\x89MCAP0\r\n", "cut off; read to the last whole message, 0 of them"),
    ],
)
def test_what_is_no_recording_is_called_so(
    project: Project, tmp_path: Path, data: bytes, told: str
) -> None:
    (tmp_path / "notes.mcap").write_bytes(data)
    found = taken(project, tmp_path / "notes.mcap")
    assert isinstance(found, str)
    assert told in found


def test_a_clock_that_jumps_makes_no_billion_ticks(project: Project, tmp_path: Path) -> None:
    from mcap.writer import Writer

    with (tmp_path / "jump.mcap").open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        cmd = writer.register_channel("/cmd", "json", 0)
        for now in (0, 10**9, 10**18):
            writer.add_message(cmd, now, b'{"name": "sit"}', now)
        writer.finish()
    settings = TakeInSettings(fields=("action = /cmd:name",), rate=50.0)
    with pytest.raises(InputError, match=r"11,574 days after the one before"):
        take_in(tmp_path / "jump.mcap", project, settings)


def test_half_a_copy_is_not_taken_for_all_of_it(project: Project, tmp_path: Path) -> None:
    pytest.importorskip("minari")
    logs = [project.path / ".cadenza-env" / f"{name}.log.jsonl" for name in ("one", "two")]
    for seed, log in enumerate(logs):
        log.write_bytes(runlogs.as_log(runlogs.judged(4, seed=seed)))
    for kind in ("lerobot", "minari-arrow"):
        export(kind, Sources(Mission.of(project), logs), tmp_path / f"{kind}-v0", force=False)
    shutil.rmtree(tmp_path / "minari-arrow-v0/data/1")
    info = tmp_path / "lerobot-v0/meta/info.json"
    info.write_text(info.read_text().replace('"total_frames": 8', '"total_frames": 9'))
    assert "holds 1 of the 2 episodes" in str(taken(project, tmp_path / "minari-arrow-v0"))
    assert "holds 8 of the 9 frames" in str(taken(project, tmp_path / "lerobot-v0"))


@pytest.mark.parametrize("kind", ["lerobot", "minari", "minari-arrow"])
def test_bad_bytes_in_a_folder_are_one_line_that_names_the_file(
    project: Project, tmp_path: Path, kind: Any
) -> None:
    pytest.importorskip("minari")
    log = project.path / ".cadenza-env" / "one.log.jsonl"
    log.write_bytes(runlogs.as_log(runlogs.judged(8)))
    export(kind, Sources(Mission.of(project), [log]), tmp_path / "good-v0", force=False)
    rng = Random(kind)
    files = [path for path in (tmp_path / "good-v0").rglob("*") if path.is_file()]
    said = 0
    for number in range(12):
        bad = tmp_path / "bad-v0"
        shutil.rmtree(bad, ignore_errors=True)
        shutil.copytree(tmp_path / "good-v0", bad)
        hurt = bad / files[number % len(files)].relative_to(tmp_path / "good-v0")
        data = bytearray(hurt.read_bytes())
        if number % 2:
            del data[rng.randrange(len(data)) :]
        else:
            for _ in range(20):
                data[rng.randrange(len(data))] = rng.randrange(256)
        hurt.write_bytes(data)
        said += isinstance(taken(project, bad), str)
    assert said > 2
