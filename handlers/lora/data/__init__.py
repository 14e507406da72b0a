"""What an adapter learns from: rows of (goal, actions), each with its origin.

    dataset.py     everything to train on, and the exam, of one project
    conflicts.py   written rows that contradict each other
    records.py     examples out of training records
    mined.py       examples out of runs that succeeded
    phasesteps.py  the steps a mission's phase asks for, where its rules tell them
    opposites.py   rows whose steps go against their own words
    authoring.py   an example as a person types it

May import handlers.lora.model.rows, handlers.mission and handlers.project.
"""
