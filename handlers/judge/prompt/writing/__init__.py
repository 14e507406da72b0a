"""Where characters are written, and how others are written there.

    errors.py      what is refused, with file, line and reason
    documents.py   a text file as characters that can be spliced; notebook.py: a notebook as one
    strings.py     Python's string tokens; values.py: strings in JSON, TOML and YAML
    text.py        a text that knows where each of its characters is written

Imports nothing of the judge but this folder.
"""
