"""From what was found to what is tried: who proposes remedies, and how they are compared.

    proposing.py   a model's candidates and those of code, screened
    inforce.py     what the rules that are there have done
    rejected.py    what was searched in vain, and is not searched anew every night
    variants.py    each candidate as a prompt, merged ones too
    trying.py      trials of them, and of a rule that may be useless
    weighed.py     the event that tells of all

May import what is below the job: context, outcome, gates, groq, question, candidates, prompt.
"""
