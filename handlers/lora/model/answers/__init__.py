"""What a goal is taken for.

answer.py      a goal -> its pieces, how sure, how familiar
matching.py    pieces looked up among what is known
paths.py       the best way to cut a goal
directions.py  which way a goal and a plan go: the opposite is no candidate
spelling.py    slips of the pen
ends.py        an "until" that says where what was taught ends
doubts.py      what a goal says and its plan does not do: what marks
evidence.py    what examples say against a guess, however near it is
verbs.py       verbs of what no robot that only walks can do
"""
