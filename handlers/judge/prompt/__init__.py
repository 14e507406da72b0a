"""SYSTEM_PROMPT in its file: found, read, edited by one managed block, and every version kept.

    source.py            the prompt, and the edit of its block, proven before it is given out
    locate.py, reading/  where it is, and what it comes to: code is read, never run
    splice.py, writing/  ways to put text where it is written
    skeleton.py, code.py hashes of what is besides the prompt; what trust covers
    block.py, rules/     the managed block, and the rules it holds; prose.py: as sentences
    opened.py            paragraphs that are open to free text
    wording.py           free text, and how a version's lines say it
    check.py             an edit changed the block and nothing else
    versions.py, drift.py, known.py      versions on disk, in the log, and in the file
    recovery.py          a file that was replaced, and not recorded
    actions.py           approve, reject, roll back

May import handlers.judge.monitor, handlers.project and handlers.recovery.
"""
