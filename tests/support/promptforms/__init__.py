"""Ways in which projects hold their prompt, each a small project, with what is to become of it.

What is to become of each is stated here. Where a prompt has no rules of its author
the block belongs at its end; `RULES` are some of an author's, between which it belongs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RULES = "- when fallen: stand_up\n- when always: stand\n"


@dataclass(frozen=True)
class Form:
    """A project by its files. `get`: an expression for the prompt once `entry` has run.

    `at`: the file that is edited. `named`: the setting judge.prompt. `says`: what a refusal says;
    none for a form that is edited.
    """

    files: Mapping[str, str | bytes]
    at: str = "main.py"
    get: str = "SYSTEM_PROMPT"
    entry: str = "main.py"
    named: str = ""
    says: str = ""


def main(text: str | bytes, get: str = "SYSTEM_PROMPT") -> Form:
    """A form of one file, main.py."""
    return Form({"main.py": text}, get=get)


def refused(text: str | bytes, says: str) -> Form:
    """A main.py that is not edited."""
    return Form({"main.py": text}, says=says)
