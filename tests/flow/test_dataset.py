"""Every reader loads a dataset after a kill at any instant; and the daemon keeps one."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dying
import forking
import pytest
import runlogs
from houses import House
from readers import NAMES, Readers

pytest.importorskip("pyarrow", reason="the extra `dataset` is not installed")
for reader in ("datasets", "pandas", "polars", "duckdb"):
    pytest.importorskip(reader, reason="a reader of datasets is not installed")

from handlers.dataset.folder.manifest import CONFIGS  # noqa: E402
from handlers.dataset.folder.place import Place  # noqa: E402
from handlers.dataset.folder.settings import ExportSettings  # noqa: E402
from handlers.recovery import recover  # noqa: E402
from handlers.routes import EFFECTS  # noqa: E402
from handlers.settings import Settings  # noqa: E402
from store.events.envelope import NewEvent, project_stream  # noqa: E402
from store.events.files import FileFact, RunRecorded  # noqa: E402
from store.opening import open_writer  # noqa: E402

KEEPS = "[judge]\nmode = 'off'\n[lora]\nretrain = false\n[export]\nformats = ['dataset']\n"
JOB = "handlers.dataset.folder.job:update"
POINTS = {
    "store.durable:Draft.write": 3,
    "store.durable:Draft.sync": 8,
    "store.durable:Draft.replace": 8,
    "store.durable:sync": 8,
    "handlers.recovery:note": 1,
    "handlers.dataset.folder.place:Place.put_in_force": 1,
    "handlers.dataset.folder.place:Place.tidy": 1,
}
"""Where a job may die, before or after any of its calls: about how many there are."""


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    with Readers(tmp_path_factory.mktemp("cache")) as process:
        yield process


@pytest.fixture
def project(house: House) -> Path:
    house.configure(improve=KEEPS)
    made = house.project()
    write_log(made, 0)
    return made


def write_log(project: Path, number: int) -> Path:
    log = project / ".cadenza-env" / f"run-{number:04}.log.jsonl"
    log.write_bytes(runlogs.as_log(runlogs.judged(6, seed=number, success=number % 3 != 0)))
    return log


def test_the_daemon_keeps_it_and_every_reader_loads_it(house, project, readers) -> None:
    write_log(project, 1)
    house.once()

    quick = ("pandas", "polars", "duckdb", "pyarrow")
    everything = {config: ["run-0000", "run-0001"] for config in CONFIGS}
    assert readers.read(Place(project).root, quick) == dict.fromkeys(quick, everything)
    of_hub = readers.read(Place(project).root, ("datasets", "streaming"), ("dpo",))
    dpo = {"dpo": everything["dpo"]}
    assert of_hub == {"datasets": dpo, "streaming": dpo}
    assert not (project / ".cadenza-env/exports").exists()  # `formats` says no records
    assert house.project_status()["dataset"]["runs"] == 2

    (project / ".cadenza-env/run-0000.log.jsonl").unlink()
    house.once()
    assert readers.read(Place(project).root, ("pyarrow",))["pyarrow"]["dpo"] == ["run-0001"]
    left = house.events("DatasetUpdated")[-1]["data"]["left"]
    assert [item["reason"] for item in left] == ["the log is gone"]
    house.run("cadenzactl", "verify")


def test_the_log_of_another_mission_is_named_and_no_part_of_it(house, project) -> None:
    foreign = project / ".cadenza-env" / "other.log.jsonl"
    foreign.write_bytes(runlogs.run(4, phase="polish_the_floor"))
    house.once()

    (updated,) = house.events("DatasetUpdated")
    assert updated["data"]["runs"] == 1
    (failed,) = updated["data"]["failed"]
    assert failed["run_path"] == ".cadenza-env/other.log.jsonl"
    assert failed["reason"].startswith("names no phase of mission")  # beside the run's own name
    assert "polish_the_floor" in failed["reason"]


def test_datasets_of_two_projects_concatenate(house, project) -> None:
    import polars
    import pyarrow as pa
    import pyarrow.parquet as pq

    other = house.project("other")
    spec = (other / "env.json").read_text().replace('"name": "', '"name": "other ', 1)
    (other / "env.json").write_text(spec)
    bare = runlogs.run(4, motion=..., judgment=..., goal_prompt=...)
    (other / ".cadenza-env" / "x.log.jsonl").write_bytes(bare)
    house.once()

    files = [path for p in (project, other) for path in Place(p).root.glob("steps/*.parquet")]
    tables = [pq.ParquetFile(path).read() for path in files]
    assert len(tables) == 2
    assert tables[0].schema.equals(tables[1].schema)
    assert pa.concat_tables(tables).num_rows == 10
    assert polars.concat([polars.read_parquet(path) for path in files])["mission"].n_unique() == 2


class Appends:
    """Rounds of one more run and a job that dies somewhere."""

    def __init__(self, house: House, project: Path, readers: Readers) -> None:
        self.house, self.project, self.readers = house, project, readers
        self.place = Place(project)
        self.random = random.Random(20261127)
        self.runs = 1

    def append(self) -> None:
        """One more run, recorded as an intake does."""
        log = write_log(self.project, self.runs)
        found = log.stat()
        fact = RunRecorded(
            run_id=log.name.removesuffix(".log.jsonl"),
            format="mission",
            file=FileFact(
                path=str(log.relative_to(self.project)),
                dev=found.st_dev, ino=found.st_ino, size=found.st_size,
                mtime_ns=found.st_mtime_ns, sha256=_known(log),
            ),
            episodes=(),
            lines={"read": 7, "valid": 7},
        )  # fmt: skip
        with closing(open_writer(self.house.state)) as writer:
            writer.append(NewEvent(project_stream(str(self.project)), fact))
        self.runs += 1

    def die(self) -> bool:
        """Have the job die somewhere; False where it was done before it came there."""
        call, calls = self.random.choice(list(POINTS.items()))
        when = self.random.choice(("before", "after"))
        point = f"{call}:{when}:{self.random.randint(1, calls)}"
        context = ({}, self.project, self.house.state, Settings(ExportSettings()))
        done = forking.call(dying.job, point, JOB, *context, environ=self.house.environ)
        assert done.returncode in (0, -signal.SIGKILL), (point, done.stderr)
        return done.returncode != 0

    def recover(self) -> None:
        """What the next start of a daemon does first."""
        with closing(open_writer(self.house.state)) as writer:
            recover(self.project, writer, EFFECTS)

    def committed(self) -> set[str]:
        manifest = self.place.current()
        return {shard.run_id for shard in manifest.shards} if manifest else set()


def _known(log: Path) -> str:
    from store import identity

    return identity.of_file(log)


def kill_rounds(appends: Appends, rounds: int, names: tuple[str, ...]) -> int:
    """Kills; after each, every reader loads all runs that were committed before."""
    killed = 0
    for _round in range(rounds):
        appends.append()
        before = appends.committed()
        killed += appends.die()
        now = appends.committed()
        assert before <= now
        for found in appends.readers.read(appends.place.root, names, ("steps", "dpo")).values():
            assert set(found["steps"]) == set(found["dpo"]) == now
        appends.recover()
        assert appends.committed() == now
        assert list(appends.place.problems()) == []
    return killed


@pytest.fixture
def appends(house, project, readers) -> Appends:
    house.once()
    return Appends(house, project, readers)


def test_a_dataset_survives_kills_amid_appends(appends: Appends) -> None:
    assert kill_rounds(appends, 12, ("pandas", "polars", "duckdb", "pyarrow")) >= 4
    appends.readers.read(appends.place.root, ("streaming",))

    appends.house.once()
    events = appends.house.events("DatasetUpdated")
    assert len(appends.committed()) == appends.runs
    assert events[-1]["data"]["runs"] == appends.runs
    leftovers = [path for path in appends.place.root.rglob(".*") if path.name.startswith(".")]
    assert leftovers == []
    appends.house.run("cadenzactl", "verify")


@pytest.mark.long
@pytest.mark.timeout(0)
def test_a_dataset_survives_kills_by_the_hundred(
    appends: Appends, capsys: pytest.CaptureFixture[str]
) -> None:
    """CADENZA_ROUNDS kills (500); with CADENZA_MINUTES and CADENZA_KEPT, a file, by instalments."""
    wanted = int(os.environ.get("CADENZA_ROUNDS", "500"))
    until = time.monotonic() + 60 * float(os.environ.get("CADENZA_MINUTES", "inf"))
    kept = Path(os.environ.get("CADENZA_KEPT", appends.house.root / "kills.json"))
    done = json.loads(kept.read_text()) if kept.exists() else {"appends": 0, "killed": 0}
    appends.random.seed(done["appends"])  # other kills than those that were before
    while done["killed"] < wanted and time.monotonic() < until:
        done["killed"] += kill_rounds(appends, 5, NAMES)
        done["appends"] += 5
        kept.write_text(json.dumps(done))
    told = f"{done['appends']} appends, {done['killed']} of {wanted} kills"
    with capsys.disabled():
        print(f"\n{told}: every reader loaded what was committed")
    assert done["killed"] > done["appends"] / 3


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sft", "dpo", "kto"])
def test_trl_trains_a_step_on_it_as_it_is(house, project, tmp_path, kind: str) -> None:
    pytest.importorskip("trl", reason="TRL is not installed")
    write_log(project, 1)
    house.once()

    script = Path(__file__).parents[1] / "support" / "onestep.py"
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-W", "ignore", script, kind, Place(project).root, tmp_path / "out"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert math.isfinite(result["loss"])
    assert result["rows"] == Place(project).current().rows(kind, "train")
