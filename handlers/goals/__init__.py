"""What a goal in words means: the one reader of goals.

    reading.py     read_goal: a goal -> steps in order, and what was not understood
    tokens.py      the goal's words, numbers and marks, and where each stands
    numbers.py     a number in digits or words; units.py  what units are worth
    quantities.py  numbers with their units as SI amounts, and what is odd about one
    vocabulary.py  what words are for: phrasetable.py, and verbs.py for those that name actions
    clauses.py     where one thing to do ends and the next begins; what is forbidden or conditional
    clause.py      one clause -> one step
    order.py       what comes first, and what is done again
    normal.py      a goal without politeness, numbers and units in one form

Phases' goal prompts, `--steps` and the LoRA head all read numbers, units and doubts here. It may
import handlers.project and the standard library alone, because commands and the daemon load it.
"""
