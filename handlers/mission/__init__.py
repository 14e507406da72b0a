"""Missions in MuJoCo: a robot, its gaits, the environment of an env.json, and who decides in it.

    world/        scene and robot as one model, the ground, legs, what is sensed
    locomotion/   from an action's name to joint targets
    route/        ways over the ground, and how far it still is
    policies/     who decides the next action: prompt, scripted, lora, random
    episode/      a mission tick by tick, its log, and many runs at once
    gym/          for those who train policies elsewhere: Gymnasium, TRL
    check/        a project before any run: goals, ways, sight
    show/         for people's eyes

Nothing here imports MuJoCo or numpy before it is used, and none of it runs in the daemon's process.
"""
