"""SYSTEM_PROMPT in its file: found, read, edited by one managed block, and every version kept.

    source.py, bindings.py, literal.py, code.py   where the prompt is, and what it evaluates to
    block.py, rules.py   the managed block, and the rules it holds
    check.py             an edit changed the block and nothing else
    versions.py, drift.py, known.py      versions on disk, in the log, and in the file
    recovery.py          a file that was replaced, and not recorded
    actions.py           approve, reject, roll back

May import handlers.judge.monitor, handlers.project and handlers.recovery.
"""
