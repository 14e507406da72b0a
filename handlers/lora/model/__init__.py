"""The action head: from a goal in words to a plan of robot actions.

text.py         words and quantities of a goal
pieces.py       the pieces it is made of, in the order they are to be done
lexicon.py      what pieces mean, learned from examples: plans with places for numbers
encoder.py      text -> vectors: all-MiniLM-L6-v2, our own light one, or the project's
head.py         the trained part: a LoRA adapter that brings phrases of one meaning together
training.py     examples -> adapter
decoding.py     goal -> plan, or a refusal
familiarity.py  how much a goal resembles what was taught: what refuses
doubts.py       what a goal says and its plan does not do: what marks
files.py        what lies on disk, and whether it is what was trained
"""
