"""What a project's code says its prompt is. Code is read with `ast` here, and never run.

    bindings.py      what binds a name, and all that may undo it; assignments.py: to what
    modules.py       a module and its names; imports.py: where in the project another one lies
    evaluate.py      what an expression comes to: operators and names here, the rest in
                     calls.py (functions), methods.py (of str), templates.py (format, %, $)
    literals.py      literals and f-strings, as texts that know where they are written
    paths.py         the paths that code makes, and what it reads from them
    variable.py      a variable that holds the prompt; holders.py: classes, dicts, arguments
    named.py         the place that the setting `judge.prompt` names

Imports nothing of the judge but prompt.writing.
"""
