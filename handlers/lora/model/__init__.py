"""The action head: from a goal in words to a plan of robot actions.

text.py         words and quantities of a goal
pieces.py       the pieces it is made of, in the order they are to be done
lexicon.py      what pieces mean, learned from examples: plans with places for numbers
encoders/       text, and images -> vectors: all-MiniLM-L6-v2, our own light one, the project's
encoder.py      which of them there is, and whether it is the one an adapter was made for
lora.py         LoRA in an encoder's own layers: put in, saved, loaded
learning/       how an encoder learns a project's goals, and what gates follow from a rehearsal
training.py     examples -> adapter
answers/        what a goal is taken for
decoding.py     goal -> plan, or a refusal
files.py        what lies on disk, and whether it is what was trained
"""
