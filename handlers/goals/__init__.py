"""What a goal in words means: the one reader of goals.

    reading.py     read_goal: a goal -> steps in order, and what was not understood
    words/         each word and number of a goal, by itself
    clauses.py     where one thing to do ends and the next begins
    fates.py       which are forbidden, or conditional
    clause.py      one clause: verb, side, way and amounts
    steps.py       one clause -> one step; parameters.py  how far, how much and how long
    tempo.py       how fast, where no number says it
    order.py       what comes first; repetition.py  what is done again
    doubts.py      what was not understood, or by a choice
    normal.py      a goal without politeness, numbers and units in one form

Phases' goal prompts, `--steps` and the LoRA head all read numbers, units and doubts here. It may
import handlers.project and the standard library alone, because commands and the daemon load it.
"""
