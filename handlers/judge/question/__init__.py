"""What a model is asked, and which candidates its answer holds.

    secrets.py   what looks like a secret, and how it is kept back
    shared.py    what of the author's own words is shown: the prompt, the goals
    message.py   the question, in words and data
    schema.py    the shape of the answer
    tidy.py      a model's prose as it would be written
    answer.py    from an answer to candidates; what does not hold is named

May import handlers.judge.candidates, handlers.judge.evidence and handlers.judge.prompt; knows
nothing of Groq. detect-secrets is imported when it is used.
"""
