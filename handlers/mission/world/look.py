"""How a scene looks in pictures: a sky, daylight everywhere, a floor with a line every metre.

Nothing here changes what the simulator computes.
"""

from __future__ import annotations

from typing import Any

FLOOR = "cadenza_floor_look"
"""The floor's material; its lines are a metre apart and lie on whole metres."""

_TEXELS = 64
"""Along a metre of floor: a line is two of them wide, 3 cm."""

_PER_TWO_METRES = 2
"""How often the floor's texture repeats: MuJoCo counts along two units, from -1 to 1, and the cross
in the texture's middle then lies on whole metres."""


def dress(mj: Any, spec: Any) -> None:
    """Give a model sky, light and the material FLOOR; a sky of its own it keeps."""
    if not any(texture.type == mj.mjtTexture.mjTEXTURE_SKYBOX for texture in spec.textures):
        spec.add_texture(
            name="cadenza_sky",
            type=mj.mjtTexture.mjTEXTURE_SKYBOX,
            builtin=mj.mjtBuiltin.mjBUILTIN_GRADIENT,
            rgb1=[0.62, 0.76, 0.90],
            rgb2=[0.93, 0.95, 0.97],
            width=32,
            height=32,
        )
    spec.add_texture(
        name=FLOOR,
        type=mj.mjtTexture.mjTEXTURE_2D,
        builtin=mj.mjtBuiltin.mjBUILTIN_FLAT,
        mark=mj.mjtMark.mjMARK_CROSS,
        rgb1=[0.80, 0.82, 0.80],
        markrgb=[0.52, 0.56, 0.54],
        width=_TEXELS,
        height=_TEXELS,
    )
    floor = spec.add_material(
        name=FLOOR, texuniform=True, texrepeat=[_PER_TWO_METRES] * 2, specular=0.1
    )
    floor.textures[mj.mjtTextureRole.mjTEXROLE_RGB] = FLOOR
    spec.visual.headlight.ambient = [0.45, 0.45, 0.45]
    spec.visual.headlight.diffuse = [0.25, 0.25, 0.25]
    spec.visual.headlight.specular = [0.0, 0.0, 0.0]
    spec.worldbody.add_light(
        type=mj.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0, 0, 6],
        dir=[0.35, 0.25, -0.9],
        diffuse=[0.6, 0.6, 0.6],
        specular=[0.1, 0.1, 0.1],
        castshadow=False,
    )
