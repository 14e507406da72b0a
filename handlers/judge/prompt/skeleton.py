"""A hash of what is in a file besides the prompt: the same before and after our rewrites."""

from __future__ import annotations

import ast
import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from handlers.judge.prompt.reading.modules import Module, parsed
from handlers.judge.prompt.reading.variable import Found
from handlers.judge.prompt.writing.documents import Document, python_file
from handlers.judge.prompt.writing.text import Text


def skeleton_sha256(found: Found, document: Document) -> str:
    """Of a file with the text of the prompt cut out, as far as it is written there.

    Of Python the code counts, without comments and positions; of a notebook the text of its code;
    of another file its text.
    """
    spans = written_in(found.text, document)
    if document.path.suffix == ".py":
        return _of_code(document, [begin for begin, _ in spans])
    kept, at = [], 0
    for begin, end in spans:
        kept.append(document.text[at:begin])
        at = max(at, end)
    kept.append(document.text[at:])
    return hashlib.sha256("".join(kept).encode()).hexdigest()


def code_skeleton(data: bytes) -> str:
    """Of a Python file that holds no prompt. Raises RefusedSource for what is no Python."""
    return _of_code(python_file(Path("main.py"), data), ())


def documents_of(text: Text) -> dict[Path, Document]:
    """The files that a text is written in."""
    slots = {id(ink): ink.slot for ink in text.ink if ink is not None and ink.slot is not None}
    return {slot.document.path: slot.document for slot in slots.values()}


def written_in(text: Text, document: Document) -> list[tuple[int, int]]:
    """Where in a file characters of a text are written."""
    return sorted(
        (first, last)
        for first, last, ink in zip(text.first, text.last, text.ink, strict=True)
        if ink is not None and ink.slot is not None and ink.slot.document.path == document.path
    )


def _of_code(document: Document, places: Sequence[int]) -> str:
    tree = parsed(document.path, document.text)
    module = Module(document, tree, document.path)
    literals = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for node in literals if places else []:
        begin, end = module.span(node)
        at = bisect_left(places, begin)
        if at < len(places) and places[at] < end:
            node.value = ""
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()
