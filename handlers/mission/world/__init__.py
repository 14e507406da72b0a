"""What the robot stands in and stands on: scene, ground, legs, and what it senses of them.

    model.py, go1.xml   scene and robot as one MuJoCo model
    assets.py           the files that a model is made of
    terrain.py          the ground as heights, and what hangs over it
    survey.py           how that map is made of a compiled scene
    bounds.py           how far a mission may reach
    look.py             sky, light and floor, for pictures
    anatomy.py, body.py the robot in a model: legs, feet and weight; its own measure
    fitting.py          servos, touch and grip that the controller brings along
    wiring.py           a model's numbers and the controller's, one as the other
    leg.py, loads.py    kinematics of a leg, and the forces in it
    sense.py            the robot's state as plain floats
    vision.py           what lies in the field of view

May import handlers.project. MuJoCo and numpy are imported when they are used.
"""
