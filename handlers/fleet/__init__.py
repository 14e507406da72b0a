"""A fleet's offers: what one holds, and when the robots that came first let it go on to all.

    content.py   an offered prompt as bytes, and back
    widening.py  the sequential test: go on to all, or pull it
    outcomes.py  what it looks at: runs under an offered version, and those before it

What a robot makes of an offer is its own affair: handlers.judge.offered. May import handlers.judge.
"""
