"""The words of a goal, each by itself: what it is for, and what its numbers come to.

    tokens.py      words, numbers and marks, and where each stands
    numbers.py     a number in digits or words; units.py  what units are worth
    amount.py      a number with its unit as an SI amount, and what is odd about it
    quantities.py  the goal's amounts: ranges, counts, lists
    vocabulary.py  what words are for: phrasetable.py, and verbs.py for those that name actions

Knows nothing of clauses or steps. LoRA reads its numbers here.
"""
