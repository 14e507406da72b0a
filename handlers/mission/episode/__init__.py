"""A mission tick by tick: simulation, predicates, rewards, judgment, and the log of a run.

    setting.py      the compiled scene of a project, with the robot in it
    proving.py      whether the controller can drive the robot's model at all
    sim.py          the simulator: seeds, actions carried out, what happened
    environment.py  an action in, a record of the run log out
    perception.py, conditions.py, rewards.py, motion.py   what a record says
    judgment.py, likeness.py   how far an action was off the plan
    episode.py, runlog.py   a whole run, and its file; interrupts.py: a signal waits for both
    rollout.py      many plans at once

May import handlers.mission.world, .locomotion, .route and .policies, and handlers.project.
"""
