"""`cadenza env run`: a run, its log, its summary, and every way it is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from missions import Cli
from missions import logs_of as logs

from handlers.mission.episode.runlog import new_run_id
from handlers.mission.show.history import project_stats, read_runs
from handlers.project.formats.runlog import read_run_log
from store.errors import CadenzaError, ConfigError, InputError, ProjectError, ProjectNotFound


def _scene(
    zone: list[list[float]] | None = None, box: list[float] | None = None
) -> dict[str, object]:
    """The short mission's scene with its zone elsewhere, or a box in it."""
    here = [[-0.9, -0.5, 0.0], [-0.35, 0.5, 1.0]]
    objects = [{"type": "box", "position": box, "size": [0.1, 0.1, 0.1]}] if box else []
    zones = [{"name": "ahead", "aabb": zone or here}]
    return {"scene": {"objects": objects, "zones": zones}}


COMMAND = [sys.executable, "-m", "cadenzad.cli", "cadenza", "env"]


def test_a_run_writes_its_log_and_a_summary(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli("run", project, "--headless", "--episodes", 2, "--seed", 7) == 0
    last = [json.loads(path.read_text().splitlines()[-1]) for path in logs(project)]
    assert sorted(record["seed"] for record in last) == [7, 8]
    out = capsys.readouterr().out
    assert all(path.name.removesuffix(".log.jsonl") in out for path in logs(project))
    assert "2 of 2 succeeded" in out


def test_json_says_the_same_in_full(
    cli: Cli, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli("run", project, "--headless", "--json") == 0
    (episode,) = json.loads(capsys.readouterr().out)["episodes"]
    assert episode["success"] is True
    assert episode["log"] == str(logs(project)[0])
    assert episode["phases"][0]["outcome"] == "done"


def test_a_run_that_does_not_succeed_is_exit_code_one(cli: Cli, project: Path) -> None:
    spec = json.loads((project / "env.json").read_text())
    spec["phases"][0]["success_when"] = {"elapsed_ticks": 9}
    spec["phases"][0]["goal_prompt"] = "sit"
    (project / "env.json").write_text(json.dumps(spec))
    assert cli("run", project, "--headless", "--max-ticks", 1) == 1
    last = json.loads(logs(project)[0].read_text().splitlines()[-1])
    assert last["end_reason"] == "timeout: --max-ticks 1"


def test_a_terminated_run_leaves_a_log_that_says_so(
    project: Path, eventually: Callable[..., None]
) -> None:
    # given a run in a process of its own that never ends by itself
    spec = json.loads((project / "env.json").read_text())
    spec["phases"][0] |= {"success_when": {"elapsed_ticks": 10**6}, "max_ticks": 10**6}
    (project / "env.json").write_text(json.dumps(spec))
    with subprocess.Popen(
        [*COMMAND, "run", str(project), "--headless", "--episodes", "2", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ,
    ) as process:
        # when it is told to stop after its first lines are there
        eventually(lambda: any(p.stat().st_size > 4000 for p in logs(project)), "some records")
        process.send_signal(signal.SIGTERM)
        said, told = (stream.decode() for stream in process.communicate(timeout=30))
        code_ = process.returncode
    # then it closes its log
    assert code_ == 143
    assert "Traceback" not in told
    lines = logs(project)[0].read_bytes().splitlines(keepends=True)
    assert lines[-1].endswith(b"\n")
    last = json.loads(lines[-1])
    assert (last["end_reason"], last["outcome"]) == ("interrupted", "interrupted")
    assert (last["terminated"], last["truncated"], last["reward"]) == (True, True, None)
    # and says so itself, of that episode
    (episode,) = json.loads(said)["episodes"]
    assert (episode["outcome"], episode["end_reason"]) == ("interrupted", "interrupted")
    assert episode["phases"][-1]["outcome"] == "interrupted"
    # and so does whoever reads the log
    with logs(project)[0].open("rb") as stream:
        (fact,) = read_run_log(stream).episodes
    assert (fact.outcome, fact.ticks) == ("interrupted", episode["ticks"] + 1)
    stats = project_stats(read_runs(project).runs).as_dict()
    assert (stats["runs"], stats["interrupted"], stats["unfinished"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"robot": "g1"}, ProjectError, "no model"),
        ({"xml_path": "none.xml"}, InputError, "none.xml"),
        ({"phases": [{"name": "p", "success_when": {"enter_zone": "moon"}}]}, CadenzaError, "moon"),
        ({"spawn": [1e9, 0, 0]}, InputError, "spawn: 1e\\+09 m is too far away"),
        ({"spawn": [0, 0, 1e9]}, InputError, "spawn: 1e\\+09 m is too far away"),
        (_scene(zone=[[-2e9, -1, 0], [-1e9, 1, 1]]), InputError, "begins 1e\\+09 m from"),
        (_scene(box=[-1e9, 0, 0]), InputError, r"scene.objects\[0\]: too large or too far away"),
    ],
)
def test_what_is_wrong_with_a_project_is_one_line(
    cli: Cli, project: Path, change: dict[str, object], error: type[CadenzaError], says: str
) -> None:
    spec = json.loads((project / "env.json").read_text()) | change
    (project / "env.json").write_text(json.dumps(spec))
    with pytest.raises(error, match=says) as caught:
        cli("run", project, "--headless")
    assert "\n" not in str(caught.value)
    assert logs(project) == []


def test_the_learned_policy_needs_an_adapter(cli: Cli, project: Path) -> None:
    with pytest.raises(ProjectError, match="no adapter"):
        cli("run", project, "--headless", "--policy", "lora")


def test_a_missing_project_is_exit_code_four(cli: Cli, tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFound) as error:
        cli("show", tmp_path / "nowhere")
    assert error.value.exit_code == 4


def test_a_film_of_a_format_nobody_writes_is_refused(cli: Cli, project: Path) -> None:
    with pytest.raises(ConfigError, match=r"not \.mp4 or \.gif"):
        cli("run", project, "--headless", "--video", "film.avi")


def test_without_opengl_the_debian_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from handlers.mission.show import video

    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(video.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(CadenzaError, match="EGL or OSMesa") as error:
        video.choose_gl()
    assert "libegl1" in error.value.hint


@pytest.mark.long
@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_film_is_made(project: Path, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("PIL")
    pytest.importorskip("imageio_ffmpeg")
    film = tmp_path / f"film{suffix}"
    done = subprocess.run(
        [*COMMAND, "run", str(project), "--headless", "--video", str(film)],
        env=os.environ,
        capture_output=True,
        check=False,
    )
    if b"EGL or OSMesa" in done.stderr or b"does not start" in done.stderr:
        pytest.skip("no off-screen OpenGL here")
    assert done.returncode == 0, done.stderr
    assert film.stat().st_size > 5000


def test_run_ids_are_utc_time_and_four_digits() -> None:
    from datetime import UTC, datetime

    moment = datetime(2026, 11, 22, 20, 14, 48, tzinfo=UTC)
    assert new_run_id(moment, b"\xf7\x0e") == "2026-11-22T20-14-48-f70e"
