"""Missions for whoever trains policies: `import cadenzad.gym` makes Gymnasium know them.

    import gymnasium
    import cadenzad.gym

    env = gymnasium.make("cadenzad/Mission-v0", project="robots/rescue")

or, without the second import, `gymnasium.make("cadenzad.gym:cadenzad/Mission-v0", project=...)`:
Gymnasium 1 finds no environments of packages by itself. Needs `pip install 'cadenzad[gym]'`.
"""

from __future__ import annotations

import gymnasium

from handlers.mission.gym.env import ENV_ID, MissionEnv
from handlers.mission.gym.tools import MissionTools

__all__ = ["ENV_ID", "MissionEnv", "MissionTools"]

if ENV_ID not in gymnasium.registry:
    gymnasium.register(ENV_ID, entry_point="handlers.mission.gym.env:MissionEnv")
