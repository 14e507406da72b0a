"""How an encoder learns a project's goals.

augment.py       other ways to say a goal, and what it does not say
fit.py           the training loop: supervised contrastive, in batches, with a validation split
familiarity.py   how much a goal resembles what was taught: what refuses
foreign.py       phrases for other machines and for people
confidence.py    how often plans of such a score were right: what marks
"""
