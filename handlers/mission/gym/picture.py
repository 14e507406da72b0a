"""Frames of a run as arrays, rendered off screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.mission.episode.sim import Simulator
from handlers.mission.show.video import choose_gl
from handlers.mission.world.model import mujoco
from store.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np

WIDTH, HEIGHT = 640, 480
FPS = 2
"""An action is a frame, and takes about half a second to a few of simulated time."""


class Camera:
    """Looks at the robot from behind and above. Make it before MuJoCo is first imported."""

    def __init__(self) -> None:
        try:
            choose_gl()
        except MissingExtraError as error:
            raise MissingExtraError(
                "render_mode='rgb_array' needs EGL or OSMesa, and neither is there", hint=error.hint
            ) from None
        self.renderer: Any = None
        self.model: Any = None

    def frame(self, sim: Simulator) -> np.ndarray:
        """What it sees: (HEIGHT, WIDTH, 3) uint8."""
        mj = mujoco()
        if self.model is not sim.model:  # each seed has a model of its own
            self.close()
            self.model = sim.model
            self.model.vis.quality.offsamples = 0
            self.model.vis.global_.offwidth, self.model.vis.global_.offheight = WIDTH, HEIGHT
            try:
                self.renderer = mj.Renderer(self.model, HEIGHT, WIDTH)
            except Exception as error:  # noqa: BLE001 - each OpenGL backend has a type of its own
                raise MissingExtraError(
                    f"render: off-screen rendering does not start ({error})",
                    hint="set MUJOCO_GL=egl before MuJoCo is first imported",
                ) from None
        camera = mj.MjvCamera()
        camera.lookat[:] = (sim.sense.x, sim.sense.y, 0.25)
        camera.distance, camera.azimuth, camera.elevation = 2.6, 150.0, -28.0
        self.renderer.update_scene(sim.data, camera=camera)
        picture: np.ndarray = self.renderer.render().copy()
        return picture

    def close(self) -> None:
        """Let go of the renderer. Safe to call twice."""
        if self.renderer is not None:
            self.renderer.close()
        self.renderer = self.model = None
