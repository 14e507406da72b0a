"""A film of a run: frames rendered off screen, written by imageio as MP4 or GIF.

Needs OpenGL without a display (EGL or OSMesa) and the packages imageio and imageio-ffmpeg; what is
missing is said in one line, with the Debian package that brings it.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from handlers.mission.episode.sim import Simulator
from handlers.mission.locomotion.rhythm import TICK_S
from handlers.mission.world.model import mujoco
from store.errors import ConfigError, MissingExtraError

WIDTH, HEIGHT = 640, 480
FPS = 25
FORMATS = (".mp4", ".gif")
APT = "sudo apt install libegl1 libegl-mesa0 libgl1-mesa-dri (or libosmesa6)"


def choose_gl() -> str:
    """Pick the off-screen OpenGL for MuJoCo; call it before MuJoCo is first imported.

    Raises MissingExtraError, naming the Debian packages, when there is none.
    """
    wanted = os.environ.get("MUJOCO_GL")
    if wanted is None:
        if ctypes.util.find_library("EGL"):
            wanted = "egl"
        elif ctypes.util.find_library("OSMesa"):
            wanted = "osmesa"
        else:
            raise MissingExtraError("--video needs EGL or OSMesa, and neither is there", hint=APT)
        if "mujoco" not in sys.modules:
            os.environ["MUJOCO_GL"] = wanted
    return wanted


class Film:
    """Collects a frame every 1/25 s of simulated time. Use as `Simulator.on_tick`; then `close`."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in FORMATS:
            raise ConfigError(f"--video {path}: ends in {path.suffix!r}, not .mp4 or .gif")
        choose_gl()
        self.path = path
        try:
            self.imageio: Any = import_module("imageio.v2")
            if path.suffix.lower() == ".mp4":
                import_module("imageio_ffmpeg")
        except ImportError as error:
            raise MissingExtraError(
                f"--video needs {error.name}, which is not installed",
                hint="pip install imageio imageio-ffmpeg",
            ) from None
        self.renderer: Any = None
        self.writer: Any = None
        self.ticks = 0

    def __call__(self, sim: Simulator) -> None:
        every = round(1.0 / (FPS * TICK_S))
        self.ticks += 1
        if self.ticks % every == 0:
            self._add(sim)

    def _add(self, sim: Simulator) -> None:
        if self.renderer is None:
            self.renderer = self._renderer(sim)
            options = (
                {"fps": FPS} if self.path.suffix.lower() == ".mp4" else {"duration": 1000 / FPS}
            )
            try:
                self.writer = self.imageio.get_writer(self.path, **options)
            except OSError as error:
                raise ConfigError(
                    f"--video {self.path}: cannot be written: {error.strerror or error}"
                ) from None
        camera = self._camera(sim)
        self.renderer.update_scene(sim.data, camera=camera)
        self.writer.append_data(self.renderer.render())

    def _renderer(self, sim: Simulator) -> Any:
        mj = mujoco()
        model = sim.model
        model.vis.quality.offsamples = 0
        model.vis.global_.offwidth, model.vis.global_.offheight = WIDTH, HEIGHT
        try:
            renderer = mj.Renderer(model, HEIGHT, WIDTH)
        except Exception as error:  # noqa: BLE001 - each OpenGL backend raises a type of its own
            raise MissingExtraError(
                f"--video: off-screen rendering does not start ({error})", hint=APT
            ) from None
        for flag in (mj.mjtRndFlag.mjRND_SHADOW, mj.mjtRndFlag.mjRND_REFLECTION):
            renderer.scene.flags[flag] = 0
        return renderer

    def _camera(self, sim: Simulator) -> Any:
        """Looks at the robot from behind and above."""
        camera = mujoco().MjvCamera()
        camera.lookat[:] = (sim.sense.x, sim.sense.y, 0.25)
        camera.distance, camera.azimuth, camera.elevation = 2.6, 150.0, -28.0
        return camera

    def close(self) -> None:
        """Finish the file. Safe to call when no frame was ever drawn."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None
        if self.renderer is not None:
            self.renderer.close()
            self.renderer = None
