"""Is a prompt read as prose? Then our rules are sentences in it, instead of lines in a grammar.

It is where its author wrote no rule in our grammar, and no code that goes with it speaks of such
lines: a `decide` of ours, the sample's or an earlier one of it, does so in its reading of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from handlers.judge.prompt.block import without_block
from handlers.judge.prompt.rules.grammar import parse_all
from handlers.project.paths import SPEC_FILE

MOST_FILES = 200
"""Files of code that are looked into at most."""

_READS_RULES = re.compile(rb"-\s?(?:\[ \]|\[ )?\s*when\b")


def is_prose(value: str, code: Iterable[bytes]) -> bool:
    """Whether a prompt is. `code`: the files that it is read from and with, our block left out."""
    if parse_all(without_block(value).split("\n")):
        return False
    return not any(_READS_RULES.search(text) for text in code)


def code_near(paths: Iterable[Path]) -> set[Path]:
    """The Python files beside these files and in the folders above, up to the project's own."""
    folders = dict.fromkeys(folder for path in paths for folder in _up_to_project(path))
    files = (file for folder in folders for file in sorted(folder.glob("*.py")) if file.is_file())
    return set(islice(files, MOST_FILES))


def _up_to_project(path: Path) -> list[Path]:
    """The folders from a file's up to that with env.json; its own alone where there is none."""
    folders = list(path.parents)
    ends = (at for at, folder in enumerate(folders, 1) if (folder / SPEC_FILE).is_file())
    return folders[: next(ends, 1)]
