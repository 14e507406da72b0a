"""One question to Groq: budget, request, answer, and every way it can fail.

    question.py  what is asked, what comes back
    budget.py    the day's tokens, kept across crashes
    client.py    the call, with its deadline and its retries
    wire.py      the connection itself
    answer.py    is the answer one?
    errors.py    every way to end without one

May import handlers.judge.evidence for sizes. groq, httpx and jsonschema are imported when they are
used.
"""
