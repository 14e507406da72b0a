"""A project's mission as an environment for those who train policies elsewhere.

    spaces.py    what is observed, and what an action is, in numbers
    env.py       MissionEnv, for Gymnasium: `cadenzad/Mission-v0`
    picture.py   rendered frames
    tools.py     MissionTools, for TRL's GRPO: reset, a tool, a reward
    trial.py     is the environment sound, and how does a random episode go?

`cadenzad.gym` is the way in. spaces.py, env.py and trial.py import gymnasium and numpy.
"""
