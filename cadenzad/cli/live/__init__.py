"""`cadenzactl status --watch`: a live view in the terminal.

snapshot.py  what is shown, read once a second
view.py      which project is selected or opened, and what keys do: no terminal in it
drawing.py   a snapshot as a screen (rich)
keys.py      keys as they are pressed
loop.py      all of it together; without rich, or a terminal, the plain status again and again
"""
