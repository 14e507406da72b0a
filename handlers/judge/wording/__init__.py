"""Free text of a model's (`judge.text = "free"`): what may be asked for, and what may be tried.

    room.py      what free text there is room for in a prompt, if any
    plain.py     whether a text is plain prose: no address, code, secret, or odd character
    folding.py   words as they are compared: look-alikes, accents and endings put aside
    logtext.py   every text in run logs
    copied.py    whether a text says what a log says
    admit.py     all of it together, for candidates

May import handlers.judge.candidates, evidence, prompt and question, and handlers.goals.
"""
