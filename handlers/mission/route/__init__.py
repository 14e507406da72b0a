"""Ways: what the ground allows, where a phase wants the robot, and how far it still is.

The scripted policy follows them and the judgment of a tick measures by them, so both are here once.
It knows the world (`handlers.mission.world`) and the mission's file, no policy and no episode.
"""
