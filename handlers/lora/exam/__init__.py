"""The exam: which of its rows count for an adapter, who sees what of them, and what a look costs.

    questions.py   a row as a question: its kind, its part, and what makes two rows one question
    variants.py    goals that are one in other letters
    duplicates.py  questions that are too near to what was taught
    shares.py      what the exam asks of each kind against how much of it is taught
    paper.py       the questions that count, in two parts, and why others do not
    looks.py       how often an exam was looked at, and the error that a further look may make
    standing.py    what became of the rows that stood in it then

The practice part is open: its misses are shown. Of the sealed part nobody is told but whether
enough of it is right. May import handlers.lora.data and handlers.lora.model, never the scorecard.
"""
