"""Expressions made at random, of all that prompts are made with: read as Python reads them.

What is known to be exact is what Python comes to; an edit of it is the old prompt with the block.
"""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import pytest

from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.source import RefusedSource, edited, parse_prompt

STUCK = read("- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3")
HEAD = """from inspect import cleandoc
from string import Template
from textwrap import dedent
X = "go1"
"""
SHARED = ["Be good.", "{x}", "{0}", "{{", "}}", "%s", "%%", "%(x)s", "${x}", "$$", "é"]
ESCAPED = [
    "Go on.\\n", "\\n", "  ", "\\t", "\\\\", "\\x41", "\\q", "\\'", '\\"', "- when always: sit\\n",
]  # fmt: skip
LINES = [
    "Go on.\n", "\n", "\n    ", "\t", "'", '"', "\\d", "- when fallen: stand_up\n",
    "- when always: sit\n",
]  # fmt: skip
WAYS = [
    "({}).strip()", "({}).rstrip()", "dedent({})", "cleandoc({})", "({}).format(X, x=X)",
    "({}) % {{'x': X}}", "({}) % (X,)", "{} + {}", "'\\n'.join([{}, {}])",
    "({}).replace('Be', 'Go')", "Template({}).safe_substitute(x=X)", "({}).upper()",
    "({}).removeprefix('Be')",
]  # fmt: skip


def literal(rng: random.Random) -> str:
    quote = rng.choice(["'", '"', "'''", '"""'])
    words = SHARED + (LINES if len(quote) == 3 else ESCAPED)
    body = "".join(rng.choice(words) for _ in range(rng.randrange(6)))
    prefix = rng.choice(["", "r", "f", "rf", "u"])
    if "f" in prefix:
        body = body.replace("{x}", rng.choice(["{X}", "{len(X)}"]))
    return f"{prefix}{quote}{body}{quote}"


def expression(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.25:
        return " ".join(literal(rng) for _ in range(rng.choice([1, 1, 2])))
    way = rng.choice(WAYS)
    return way.format(*(expression(rng, depth - 1) for _ in range(2)))


def python_says(source: str) -> str | None:
    names: dict[str, object] = {}
    try:
        exec(compile(source, "main.py", "exec"), names)
    except Exception:  # noqa: BLE001 - half of what is made at random is no Python
        return None
    return str(names["SYSTEM_PROMPT"])


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.long)])
@pytest.mark.timeout(1200)
def test_what_is_read_is_what_python_comes_to(count: int) -> None:
    rng = random.Random(count)
    edits = tried = 0
    warnings.simplefilter("ignore")  # of odd escapes
    for _ in range(count):
        source = f"{HEAD}SYSTEM_PROMPT = ({expression(rng, rng.randrange(4))})\n"
        old = python_says(source)
        if old is None:
            continue
        tried += 1
        try:
            found = parse_prompt(source.encode(), Path("/robots/rescue/main.py"))
            assert not found.is_exact or found.value == old, source
            after = edited(found, [STUCK])
        except RefusedSource:
            continue
        edits += 1
        new = python_says(after.decode())
        assert new is not None
        block = block_text([STUCK], prose=found.is_prose)
        assert block in new
        assert old in (new.replace(f"{block}\n", "", 1), new.replace(f"\n{block}", "", 1)), source
        assert edited(found.again(after), []) == source.encode()
    assert edits > 0.9 * tried > 0
