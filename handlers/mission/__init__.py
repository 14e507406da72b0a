"""Missions in MuJoCo: a robot, its gaits, the environment of an env.json, and who decides in it.

    model.py, sim.py            scene and robot as one model; seeds, actions, what happened
    leg.py, sense.py            kinematics and the robot's state, as plain floats
    terrain.py                  the ground as heights
    rhythm.py, gait.py, loads.py  footfalls, and the forces in them
    travel.py, poses.py, actions.py  from an action's name to joint targets
    environment.py              a mission tick by tick: predicates, rewards, judgment, records
    policies/                   who decides the next action: scripted, random, lora
    episode.py, runlog.py       a whole run, and its log
    rollout.py                  many runs at once
    mapview.py, video.py        for people's eyes

Nothing here imports MuJoCo or numpy before it is used, and none of it runs in the daemon's process.
"""
