"""The place of the prompt that the setting `judge.prompt` names: a path, and a name in it.

A variable of a module, or another holder by its label; a whole file of text; a value under keys.
"""

from __future__ import annotations

from pathlib import Path

from handlers.judge.prompt.reading.evaluate import Evaluator
from handlers.judge.prompt.reading.holders import holders, is_system_prompt
from handlers.judge.prompt.reading.modules import NOTEBOOK, Module
from handlers.judge.prompt.reading.paths import FORMATS, SUFFIXES
from handlers.judge.prompt.reading.variable import Found, ambiguous, held, in_module
from handlers.judge.prompt.writing.documents import decoded
from handlers.judge.prompt.writing.errors import NAME, RefusedSource
from handlers.judge.prompt.writing.values import whole


def named_place(reader: Evaluator, named: str) -> Found:
    """The place that the setting names: a variable, a whole file of text, a value under keys."""
    files = reader.files
    name, _, inner = named.partition(":")
    path = files.resolve(Path(name))
    said = f'judge.prompt = "{named}"'
    if not files.has(path):
        raise RefusedSource(
            f"{said}: there is no file {name} in {files.root}",
            hint='a file of the project, and a name in it: "prompts.py:BASE", "prompt.txt"',
        )
    if path.suffix in (".py", NOTEBOOK):
        return _in_code(reader, reader.module(path), inner or NAME, said)
    document = decoded(path, files.read(path), "utf-8")
    if path.suffix.lower() in SUFFIXES:
        if not inner:
            raise RefusedSource(
                f"{said}: names no key of {name}", hint=f'for example "{name}:system_prompt"'
            )
        text = FORMATS[SUFFIXES[path.suffix.lower()]](document, tuple(inner.split(".")))
    elif inner:
        raise RefusedSource(
            f"{said}: {name} is text, which has no names in it", hint=f'write "{name}"'
        )
    else:
        text = whole(document)
    at = text.first[0] if text.value else 0
    return Found(document, document.line(at), named, text)


def _in_code(reader: Evaluator, module: Module, name: str, said: str) -> Found:
    if module.scope.bindings.of(name):
        return in_module(reader, module, name)
    last = name.rpartition(".")[2]
    labelled = holders(module, lambda found: found == last or is_system_prompt(found))
    fitting = [holder for holder in labelled if holder.label == name]
    found = held(reader, module, fitting)
    if len(found) == 1:
        return found[0]
    if found:
        raise ambiguous(reader.files, found)
    where = module.where(fitting[0].node) if fitting else f"{module.path}:1"
    what = "is not text that can be known by reading" if fitting else "is not there"
    raise RefusedSource(
        f"{where}: {said}: {name} {what}",
        hint='for example "prompts.py:BASE", "brain.py:Brain.prompt", "brain.py:PROMPTS.system"',
    )
