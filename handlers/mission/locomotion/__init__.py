"""From an action's name to joint targets: gaits, poses and single moves.

    skill.py                an action called, with its parameters
    actions.py              which action is which movement
    rhythm.py, gait.py      footfalls, and the feet's way between them
    measures.py             the gaits' numbers, in a robot's own measure
    travel.py               distances and turns, followed step by step
    limits.py               what the gaits can climb
    poses.py, keyframes.py, moves.py  standing, sitting, jumping, waving

May import handlers.mission.world and handlers.project.
"""
