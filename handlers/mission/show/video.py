"""A film of a run: frames rendered off screen and handed to ffmpeg one by one, for MP4 or GIF.

Needs OpenGL without a display (EGL or OSMesa) and the packages imageio-ffmpeg and Pillow; what is
missing is said in one line, with the Debian package that brings it.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from handlers.mission.episode.environment import Mission
from handlers.mission.episode.sim import Simulator
from handlers.mission.locomotion.rhythm import TICK_S
from handlers.mission.world.model import mujoco
from store.errors import ConfigError, MissingExtraError
from store.text import one_line


@dataclass(frozen=True, slots=True)
class Format:
    """How a kind of film is made: pixels, frames a second, and what ffmpeg is told."""

    width: int
    height: int
    fps: float
    codec: str
    pixels: str
    output: tuple[str, ...] = ()


FORMATS = {
    ".mp4": Format(640, 480, 25.0, "libx264", "yuv420p"),
    # A palette for each frame, from that frame alone: one for the whole film would have to wait
    # for its end, with every frame in memory. GIF counts time in 1/100 s, so 12.5 frames it is.
    ".gif": Format(
        480,
        360,
        12.5,
        "gif",
        "pal8",
        (
            "-vf",
            "split[a][b];[a]palettegen=stats_mode=single:max_colors=64:reserve_transparent=0[p];"
            "[b][p]paletteuse=new=1:dither=none",
        ),
    ),
}
BAND, TEXT = 24, 14
"""Height of the band with the words, and of the letters in it, pixels."""

REASON = 200
"""How much of ffmpeg's last words an error repeats."""

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


def caption_of(mission: Mission) -> str:
    """What a film says about where a mission stands: phase, tick and action."""
    action = mission.pending.call.action if mission.pending is not None else "-"
    number = f"{mission.phase_idx + 1}/{len(mission.spec.phases)}"
    return one_line(f"{number} {mission.phase.name}   tick {mission.tick}   {action}")


class Film:
    """Films a run: use it as `Simulator.on_tick`, then `close` it. No frame is ever kept.

    `caption` is asked for each frame's words; the simulated time is put behind them.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in FORMATS:
            raise ConfigError(f"--video {path}: ends in {path.suffix!r}, not .mp4 or .gif")
        self.format = FORMATS[path.suffix.lower()]
        choose_gl()
        self.path = path
        try:
            self.ffmpeg: Any = import_module("imageio_ffmpeg")
            self.images: Any = import_module("PIL.Image")
            self.drawing: Any = import_module("PIL.ImageDraw")
        except ImportError as error:
            raise MissingExtraError(
                f"--video needs {error.name}, which is not installed",
                hint="pip install imageio-ffmpeg pillow",
            ) from None
        self.caption: Callable[[], str] = lambda: ""
        self.renderer: Any = None
        self.writer: Any = None
        self.ticks = 0

    def __call__(self, sim: Simulator) -> None:
        every = round(1.0 / (self.format.fps * TICK_S))
        self.ticks += 1
        if self.ticks % every == 0:
            self._add(sim)

    def _add(self, sim: Simulator) -> None:
        if self.renderer is None:
            self.renderer = self._renderer(sim)
        if self.writer is None:
            self.writer = self._writer()
        self.renderer.update_scene(sim.data, camera=self._camera(sim))
        picture = self.images.fromarray(self.renderer.render())
        self._write_on(picture, f"{self.caption()}   {sim.time_s:.1f} s".strip())
        try:
            self.writer.send(picture.tobytes())
        except OSError as error:
            self.writer = None
            reason = one_line(str(error)[-REASON:])
            raise ConfigError(f"--video {self.path}: ffmpeg gave up: {reason}") from None

    def _write_on(self, picture: Any, words: str) -> None:
        """Words along the upper edge, dark on a light band."""
        draw = self.drawing.Draw(picture)
        draw.rectangle((0, 0, picture.width, BAND), fill="#f4f6f8")
        draw.text((8, BAND / 2), words, fill="#1a1d21", font_size=TEXT, anchor="lm")

    def _writer(self) -> Any:
        """A running ffmpeg that takes frames; it writes while they come."""
        how = self.format
        try:
            self.path.open("wb").close()
            writer = self.ffmpeg.write_frames(
                str(self.path),
                (how.width, how.height),
                fps=how.fps,
                codec=how.codec,
                pix_fmt_out=how.pixels,
                output_params=list(how.output),
                macro_block_size=2,
                ffmpeg_log_level="error",
            )
            writer.send(None)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(f"--video {self.path}: cannot be written: {reason}") from None
        except RuntimeError as error:
            raise MissingExtraError(
                f"--video needs ffmpeg: {one_line(str(error))}", hint="sudo apt install ffmpeg"
            ) from None
        return writer

    def _renderer(self, sim: Simulator) -> Any:
        mj = mujoco()
        model, how = sim.model, self.format
        model.vis.quality.offsamples = 0
        model.vis.global_.offwidth, model.vis.global_.offheight = how.width, how.height
        try:
            renderer = mj.Renderer(model, how.height, how.width)
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
