"""A run log becomes training records: one `(prompt, action, reward, ...)` per tick, in log order.

    template.py   a mission's prompt template, compiled once: exactly what `str.format` would say
    exact.py      one line, checked to the last digit: what is wrong with it, or what it holds
    foreign.py    whether a log is of the mission at all
    extended.py   the keys that a record may have besides
    prompts.py    the prompts of many records at once
    blocks.py     a block of log lines, read fast
    records.py    blocks of lines -> blocks of records: the fast path and its guards
    tally.py      what became of every line
    files.py      the log read in blocks; results that appear whole or not at all
    manifest.py   what an export was made of, beside the export
    export.py     all of it for one file
    runs.py       several of them at once, and where each goes
    elsewhere.py  many of them wherever there is room
    reactions.py  when the daemon does it

Import the module you need: this package itself pulls in nothing.
"""
