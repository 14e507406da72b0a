"""Literals and f-strings of Python as texts that know where they are written."""

from __future__ import annotations

import ast
from collections.abc import Callable

from handlers.judge.prompt.reading.modules import Module
from handlers.judge.prompt.writing.strings import characters, tokens
from handlers.judge.prompt.writing.text import Doubled, Ink, Text, joined, of_characters

Field = Callable[[ast.FormattedValue, str], Text]
"""What a field of an f-string shows, of its node and its source."""


def literal(node: ast.Constant, module: Module) -> Text:
    """A string, of one token or of several beside each other."""
    parts = []
    for token in tokens(module.document, *module.span(node)):
        made = list(characters(token, token.body, token.end))
        parts.append(of_characters(made, Ink(token), empty=token.body))
    text = joined(parts)
    return text if text.value == node.value else Text.fixed(str(node.value))


def formatted(node: ast.JoinedStr, module: Module, field: Field) -> Text:
    """An f-string. A hole as a whole where its tokens are not what `ast` says of it."""
    document = module.document
    left = [part for part in node.values if isinstance(part, ast.FormattedValue)]
    known = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    parts: list[Text] = []
    read = ""
    for token in tokens(document, *module.span(node)):
        ink = Ink(token, (Doubled("{}"),) if token.is_formatted else ())
        at = token.body
        for begin, end in (*token.fields, (token.end, token.end)):
            parts.append(of_characters(list(characters(token, at, begin)), ink, empty=at))
            read += parts[-1].value
            if begin < end and left:
                parts.append(field(left.pop(0), document.text[begin + 1 : end - 1]))
            at = end
    if read != known or left:  # `{x=}`, or a version of Python that we do not know
        return Text.hole(ast.unparse(node))
    return joined(parts)
