"""Every form in which a project can hold its prompt: edited as is stated, and proven by running it.

What the projects' code comes to is asked of a Python of its own, once before and once after.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from promptforms import Form
from promptforms.code import CODE
from promptforms.files import FILES
from promptforms.refusals import REFUSED

from handlers.judge.prompt import block, source
from handlers.judge.prompt.block import block_text
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.source import (
    RefusedSource,
    edited,
    find_prompt,
    read_prompt,
)

STUCK = read("- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3")
NEAR = read("- when near victim: signal_found")
EDITED = CODE | FILES
NASTY = """- a {brace} {{two}} 100% %s %(x)s $dollar ${x} \\ "quotes" 'more' \"\"\" ''' <r> # é"""

RUN = r"""
import contextlib, io, json, os, re, runpy, sys

def values(entry):
    if not entry.endswith(".ipynb"):
        return runpy.run_path(entry, run_name="brain")
    cells = json.load(open(entry, encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    code = [re.sub(r"(?m)^[%!].*", "", text) for text in code if not text.startswith("%%")]
    names = {"__name__": "brain"}
    exec("\n".join(code), names)
    return names

made = []
known, path = set(sys.modules), list(sys.path)
for folder, entry, get in json.load(sys.stdin):
    os.chdir(folder)
    sys.path[:] = [os.path.dirname(os.path.abspath(entry)), folder, *path]
    with contextlib.redirect_stdout(io.StringIO()):
        made.append(eval(get, values(entry)))
    for name in set(sys.modules) - known:
        if getattr(sys.modules[name], "__file__", None) and folder in sys.modules[name].__file__:
            del sys.modules[name]
print(json.dumps(made))
"""


def write(folder: Path, form: Form) -> Path:
    for name, text in form.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def run(wanted: list[tuple[Path, Form]]) -> list[str]:
    """What the prompts of projects come to when they run."""
    asked = [(str(folder), form.entry, form.get) for folder, form in wanted]
    done = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", RUN],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made: list[str] = json.loads(done.stdout)
    return made


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, str, str]]:
    """For each form that runs: its prompt, the prompt with a block, and with another one."""
    root = tmp_path_factory.mktemp("forms")
    wanted: list[tuple[Path, Form]] = []
    names = [name for name, form in EDITED.items() if form.get]
    for number, name in enumerate(names):
        form = EDITED[name]
        for step, rules in enumerate(([], [STUCK], [NEAR, STUCK])):
            folder = write(root / f"{number}-{step}", form)
            # The second block takes the place of the first.
            for some in ([STUCK], rules) if step == 2 else (rules,):
                try:
                    found = find_prompt(folder, form.named)
                    found.path.write_bytes(edited(found, some))
                except RefusedSource:
                    pass  # said by the form's own test
            wanted.append((folder, form))
    made = run(wanted)
    return {name: tuple(made[3 * at : 3 * at + 3]) for at, name in enumerate(names)}  # type: ignore[misc]


@pytest.mark.parametrize("name", EDITED)
def test_a_form_is_edited_and_nothing_else_changes(name: str, tmp_path: Path) -> None:
    # given
    form = EDITED[name]
    project = write(tmp_path.resolve(), form)
    found = find_prompt(project, form.named)
    assert found.path == project / form.at
    assert found.block is None

    # when / then: put in, replaced, and taken out again to the byte
    once = found.again(edited(found, [STUCK]))
    assert once.block is not None
    assert once.block.rules == [STUCK]
    assert once.code_sha256 == found.code_sha256
    other = once.again(edited(once, [NEAR, STUCK]))
    assert other.block is not None
    assert other.block.rules == [NEAR, STUCK]
    assert edited(other, [STUCK]) == once.data
    assert edited(other, []) == found.data
    assert edited(once, []) == found.data

    # and every other byte is as it was: one range was put in
    assert _is_one_insertion(found.data, once.data)
    assert read_prompt(project, found.path, form.named, once.data).block == once.block


def _is_one_insertion(before: bytes, after: bytes) -> bool:
    same = next(
        (at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before)
    )
    return after.endswith(before[same:])


@pytest.mark.parametrize("name", [name for name, form in EDITED.items() if form.get])
def test_the_prompt_that_runs_is_the_old_one_with_the_block(
    name: str, ran: Mapping[str, tuple[str, str, str]]
) -> None:
    old, once, twice = ran[name]
    for new, rules in ((once, [STUCK]), (twice, [NEAR, STUCK])):
        texts = [block_text(rules, prose=prose) for prose in (False, True)]
        text = next(text for text in texts if text in new)
        assert ("- If you are" in text) == ("- when" not in old)
        lines = [f"{text}\n", f"\n{text}"]
        assert old in [new.replace(line, "", 1) for line in lines]
        if "when fallen" in old:
            assert new.index("when fallen") < new.index(text) < new.index("- when always")
        else:
            assert new in (f"{old}{text}\n", f"{old}\n{text}")


@pytest.mark.parametrize("name", EDITED)
def test_whatever_is_in_the_block_comes_out_as_it_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Braces, percent signs, quotes and backslashes of names, in all that is done to a prompt."""
    if "replaced in" in name or "strip and replace" in name:
        nasty = NASTY.replace("<r>", "")
    else:
        nasty = NASTY
    lines = [*block.ABOUT, nasty]
    text = "\n".join([f"[cadenzad rules {block._hash(lines)}]", *lines, block.END])
    monkeypatch.setattr(source, "block_text", lambda rules, *_, **__: text if rules else "")
    form = EDITED[name]
    found = find_prompt(write(tmp_path, form), form.named)
    once = found.again(edited(found, [STUCK]))
    assert once.block is not None
    assert once.block.intact
    assert once.block.lines[-1] == nasty
    assert edited(once, []) == found.data


@pytest.mark.parametrize("name", REFUSED)
def test_a_form_that_is_refused_says_where_why_and_what_to_do(name: str, tmp_path: Path) -> None:
    form = REFUSED[name]
    project = write(tmp_path / "project", form)
    with pytest.raises(RefusedSource) as caught:
        edited(find_prompt(project, form.named), [STUCK])
    error = caught.value
    assert re.search(form.says, error.with_hint)
    assert "\n" not in error.with_hint
    assert project.name in error.message or "judge.prompt" in error.message


def test_docs_judge_counts_them() -> None:
    assert (len(EDITED), len(REFUSED)) == (163, 51)
