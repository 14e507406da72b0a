"""Rules: what the judge may write into a prompt, and how code reads it back.

    forms.py     every condition there is, with both ways to say it
    rule.py      a rule and its conditions, as data
    grammar.py   a rule as a line or as a sentence, and back again
    holding.py   when a rule holds
    placing.py   which comes first, and which have no room

May import the standard library and `store.errors`.
"""
