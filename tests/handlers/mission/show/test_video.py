"""Films: lit, with words in them, and written while they are made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT

pytest.importorskip("mujoco")
pytest.importorskip("imageio_ffmpeg")
images = pytest.importorskip("PIL.Image")

# In a process of its own: OpenGL may keep threads, and is chosen once.
SHOOT = """
import sys
from pathlib import Path
from handlers.mission.show.video import Film
film = Film(Path(sys.argv[1]))
from handlers.mission.episode.sim import Simulator
from handlers.mission.locomotion.skill import Call
from handlers.mission.world.model import compile_scene
film.caption = lambda: "2/5 somewhere   tick 7   walk_forward"
sizes = []
def watched(sim):
    film(sim)
    sizes.append(film.path.stat().st_size if film.path.exists() else 0)
Simulator(compile_scene(), on_tick=watched).execute(Call("walk_forward", distance_m=0.8))
written = max(sizes)
film.close()
print(written)
"""


def shoot(target: Path) -> int:
    """Film a short walk; how much of the file was there before it was closed, in bytes."""
    command = [sys.executable, "-c", SHOOT, str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "EGL nor OSMesa" in done.stderr or "EGL or OSMesa" in done.stderr:
        pytest.skip("no off-screen OpenGL here: neither EGL nor OSMesa")
    if "does not start" in done.stderr:
        pytest.skip("off-screen OpenGL does not start here")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_gif_is_lit_has_words_and_is_written_on_the_way(tmp_path: Path) -> None:
    # given a film of three and a half seconds
    written = shoot(tmp_path / "walk.gif")
    with images.open(tmp_path / "walk.gif") as film:
        # then it is in real time, and a part of it was on disk before it was closed
        assert film.info["duration"] == 80
        assert 20 <= film.n_frames <= 60
        assert written > 0
        film.seek(film.n_frames // 2)
        grey = film.convert("L")

    # and nothing in it is black but feet and the words on their light band; the floor has lines
    assert sum(grey.histogram()[:40]) < 0.02 * grey.width * grey.height
    darkest, lightest = grey.crop((0, 0, 300, 24)).getextrema()
    assert darkest < 80 < 240 < lightest
    darkest, lightest = grey.crop((0, 250, 480, 360)).getextrema()
    assert lightest - darkest > 20


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SHOOT, str(tmp_path / "none" / "walk.gif")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "OpenGL" in done.stderr or "OSMesa" in done.stderr or "does not start" in done.stderr:
        pytest.skip("no off-screen OpenGL here")
    assert "ConfigError: --video" in done.stderr
    assert "cannot be written: No such file or directory" in done.stderr
