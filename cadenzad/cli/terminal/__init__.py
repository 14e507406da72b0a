"""What a terminal is given: tables, bars, log records, as wide as its window. Light imports.

window.py    how wide it is, and whether it shows colour
tables.py    rows below their headings; cells break where there is little room
bars.py      progress in one line, and what is printed meanwhile above it
loglines.py  records of a log, for people
"""
