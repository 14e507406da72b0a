"""What becomes of an adapter's plans when a robot carries them out, in simulation, many times over.

    driving.py   a decoder as the policy that drives: the same one for `env run` and the scorecard
    course.py    the project's own mission under its phases' plans, seed by seed
    drive.py     one seed of it, watched in every control period
    flat.py      single plans on flat ground, with the project's robot
    memory.py    what came of it before, so that it is simulated once

Facts only: what they mean for a verdict is the scorecard's. May import handlers.lora.model,
handlers.mission and handlers.project; MuJoCo is imported where it is used.
"""
