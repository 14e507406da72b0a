"""The edit of SYSTEM_PROMPT: every way to write the constant is edited exactly or refused."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from handlers.judge.prompt.block import block_text, find_block
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.source import (
    BlockConflict,
    NoPrompt,
    RefusedSource,
    code_sha256,
    edited,
    find_prompt,
    parse_prompt,
)

STUCK = read("- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3")
NEAR = read("- when near victim: signal_found")
FILE = Path("/robots/rescue/main.py")

EDITED = {
    "triple": b'SYSTEM_PROMPT = """\\\nBe good.\nGo on.\n"""\nx = 1\n',
    "triple single quotes": b"SYSTEM_PROMPT = '''Be good.\nGo on.'''\n",
    "no last newline": b'SYSTEM_PROMPT = """Be good."""',
    "one line": b'SYSTEM_PROMPT = "Be good."\n',
    "one line single quotes": b"SYSTEM_PROMPT = 'Be good.'\n",
    "escapes": b'SYSTEM_PROMPT = "Be\\tgood.\\n\\x41\\u00e9\\N{EN DASH}\\101\\q\\\\n"\n',
    "continued lines": b'SYSTEM_PROMPT = "Be \\\n good\\\n."\n',
    "raw triple": b'SYSTEM_PROMPT = r"""Be \\d good.\n"""\n',
    "raw one line": b"SYSTEM_PROMPT = r'Be \\d good.'\n",
    "raw upper": b"SYSTEM_PROMPT = R'''Be \\d good.'''\n",
    "unicode prefix": b'SYSTEM_PROMPT = u"Be good."\n',
    "annotated": b'SYSTEM_PROMPT: str = """Be good.\n"""\n',
    "annotated final": b'from typing import Final\nSYSTEM_PROMPT: Final[str] = "Be good."\n',
    "parenthesised": b'SYSTEM_PROMPT = (\n    "Be good. "\n    "Go on.\\n"\n)\n',
    "comments between": b'SYSTEM_PROMPT = (\n  "Be good. "  # it\'s "why"\n  # more\n  "Go."\n)\n',
    "mixed parts": b"SYSTEM_PROMPT = ('Be ' r'\\d ' \"\"\"good\n\"\"\" u'now')\n",
    "implicit on a line": b'SYSTEM_PROMPT = "Be " "good."\n',
    "implicit continued": b'SYSTEM_PROMPT = "Be " \\\n  "good."\n',
    "trailing comment": b'SYSTEM_PROMPT = "Be good."  # the prompt\n',
    "semicolon": b'x = 1; SYSTEM_PROMPT = "Be good."; y = 2\n',
    "crlf": b'import os\r\nSYSTEM_PROMPT = """Be good.\r\nGo on.\r\n"""\r\nx = 1\r\n',
    "old mac": b'SYSTEM_PROMPT = """Be good.\rGo on.\r"""\rx = 1\r',
    "form feed": b'x = 1\n\x0c\nSYSTEM_PROMPT = """Be\x0cgood.\n"""\n',
    "file separator": b'y = "\x1c"; SYSTEM_PROMPT = """Be\x1cgood.\n"""\n',
    "line separator": 'y = "\u2028"\nSYSTEM_PROMPT = """Be\u2028good.\n"""\n'.encode(),
    "latin-1": '# coding: latin-1\ny = "é"; SYSTEM_PROMPT = "Sei gütig."\n'.encode("latin-1"),
    "cp1252 cookie": '# coding: cp1252\nSYSTEM_PROMPT = """Sei „gut“.\n"""\n'.encode("cp1252"),
    "bom": b'\xef\xbb\xbfSYSTEM_PROMPT = """Be good.\n"""\n',
    "bom and cookie": b'\xef\xbb\xbf# coding: utf-8\nSYSTEM_PROMPT = "Be good."\n',
    "wide characters before": 'é = "😀"; SYSTEM_PROMPT = "Sei 😀 gut."\n'.encode(),
    "quotes inside": b'SYSTEM_PROMPT = """Say "hi" and ""it\'s"".\n"""\n',
    "escaped quote at the end": b'SYSTEM_PROMPT = """Say \\"""" + ""\n'.replace(b' + ""', b""),
    "empty": b'SYSTEM_PROMPT = ""\n',
    "empty triple": b'SYSTEM_PROMPT = """"""\n',
    "tabs": b'SYSTEM_PROMPT = """\tBe good.\n\t- when stuck: sit\n"""\n',
    "with rules": b'SYSTEM_PROMPT = """Rules:\n- when always: stand\nEnd.\n"""\n',
    "rules in one line": b'SYSTEM_PROMPT = "Rules:\\n- when always: stand\\nEnd.\\n"\n',
    "rules in parts": b'SYSTEM_PROMPT = (\n "Rules:\\n"\n "- when always: stand\\n"\n "End.\\n")\n',
    "also read elsewhere": b'SYSTEM_PROMPT = "Be good."\nprint(SYSTEM_PROMPT)\n',
    "local of the same name": b'SYSTEM_PROMPT = "Be good."\ndef f():\n    SYSTEM_PROMPT = 1\n',
    "an earlier star": b'from os import *\nSYSTEM_PROMPT = "Be good."\n',
    "other globals": b'SYSTEM_PROMPT = "Be good."\nglobals()["OTHER"] = 1\n',
    "an object's own": b'SYSTEM_PROMPT = "Be good."\nx = A()\nx.SYSTEM_PROMPT = 1\n',
    "an item of that name": b'SYSTEM_PROMPT = "Be good."\nx = {}\nx["SYSTEM_PROMPT"] = 1\n',
    "prose about us": b'SYSTEM_PROMPT = "Obey the cadenzad rules\\nof cadenzad rules fame."\n',
    "attribute of the same name": b'SYSTEM_PROMPT = "Be good."\nclass A:\n    SYSTEM_PROMPT = 1\n',
}  # fmt: skip

REFUSED = {
    "none": (b"x = 1\n", "no module-level"),
    "two": (b'SYSTEM_PROMPT = "a"\nSYSTEM_PROMPT = "b"\n', ":2: .* 2 times: 1, 2"),
    "conditional": (b'if x:\n    SYSTEM_PROMPT = "a"\n', ":2: .* condition"),
    "branches": (b'if x:\n  SYSTEM_PROMPT = "a"\nelse:\n  SYSTEM_PROMPT = "b"\n', "2 times"),
    "try": (b'try:\n    SYSTEM_PROMPT = "a"\nexcept E:\n    pass\n', "condition or in a block"),
    "loop": (b"for SYSTEM_PROMPT in x:\n    pass\n", "plain assignment"),
    "call": (b'SYSTEM_PROMPT = load("a")\n', "result of a call"),
    "bytes": (b'SYSTEM_PROMPT = b"a"\n', "bytes"),
    "number": (b"SYSTEM_PROMPT = 3\n", "is 3, not text"),
    "name": (b"SYSTEM_PROMPT = OTHER\n", "another name"),
    "list": (b'SYSTEM_PROMPT = ["a"]\n', "a List"),
    "augmented": (b'SYSTEM_PROMPT += "a"\n', "plain assignment"),
    "declared": (b"SYSTEM_PROMPT: str\n", "without a value"),
    "imported": (b"from x import SYSTEM_PROMPT\n", "plain assignment"),
    "global": (b'SYSTEM_PROMPT = "a"\ndef f():\n    global SYSTEM_PROMPT\n', "2 times"),
    "global in a method": (
        b'SYSTEM_PROMPT = "a"\nclass A:\n  def f(self):\n    global SYSTEM_PROMPT\n',
        "2 times: 1, 2",
    ),
    "global in a nested function": (
        b'SYSTEM_PROMPT = "a"\ndef f():\n  def g():\n    global SYSTEM_PROMPT\n',
        "2 times",
    ),
    "except": (b'SYSTEM_PROMPT = "a"\ntry: f()\nexcept E as SYSTEM_PROMPT: pass\n', "2 times"),
    "case": (b'SYSTEM_PROMPT = "a"\nmatch x:\n  case SYSTEM_PROMPT: pass\n', "2 times"),
    "case as": (b'SYSTEM_PROMPT = "a"\nmatch x:\n  case 1 as SYSTEM_PROMPT: pass\n', "2 times"),
    "case star": (b'SYSTEM_PROMPT = "a"\nmatch x:\n  case [*SYSTEM_PROMPT]: pass\n', "2 times"),
    "case rest": (b'SYSTEM_PROMPT = "a"\nmatch x:\n  case {**SYSTEM_PROMPT}: pass\n', "2 times"),
    "a later star": (b'SYSTEM_PROMPT = "a"\nfrom os import *\n', ":2: .* import \\*"),
    "a later star in a block": (
        b'SYSTEM_PROMPT = "a"\nif x:\n  from os import *\n',
        ":3: .* import \\*",
    ),
    "globals": (b'SYSTEM_PROMPT = "a"\nglobals()["SYSTEM_PROMPT"] = "b"\n', "2 times: 1, 2"),
    "globals of any name": (b'SYSTEM_PROMPT = "a"\nfor k in x: globals()[k] = 1\n', "2 times"),
    "globals in a function": (
        b'SYSTEM_PROMPT = "a"\ndef f():\n  globals()["SYSTEM_PROMPT"] = "b"\n',
        "2 times",
    ),
    "globals deleted": (b'SYSTEM_PROMPT = "a"\ndel globals()["SYSTEM_PROMPT"]\n', "2 times"),
    "globals updated": (b'SYSTEM_PROMPT = "a"\nglobals().update(x)\n', "2 times"),
    "vars": (b'SYSTEM_PROMPT = "a"\nvars()["SYSTEM_PROMPT"] = "b"\n', "2 times"),
    "setattr": (
        b'import sys\nSYSTEM_PROMPT = "a"\n'
        b'setattr(sys.modules[__name__], "SYSTEM_PROMPT", "b")\n',
        "2 times: 2, 3",
    ),
    "sys.modules": (
        b'import sys\nSYSTEM_PROMPT = "a"\nsys.modules[__name__].SYSTEM_PROMPT = "b"\n',
        "2 times: 2, 3",
    ),
    "a default": (b'SYSTEM_PROMPT = "a"\ndef f(x=(SYSTEM_PROMPT := "b")): pass\n', "2 times"),
    "a base": (b'SYSTEM_PROMPT = "a"\nclass A(SYSTEM_PROMPT := B): pass\n', "2 times"),
    "walrus": (b'print(SYSTEM_PROMPT := "a")\n', "plain assignment"),
    "deleted": (b'SYSTEM_PROMPT = "a"\ndel SYSTEM_PROMPT\n', "2 times"),
    "a choice": (b'SYSTEM_PROMPT = "a" if x else "b"\n', "condition"),
    "no python": (b"SYSTEM_PROMPT = \n", "is not Python"),
    "half a character": (b'SYSTEM_PROMPT = "\xff"\n', "is not Python|cannot be parsed"),
    "a nul": (b'SYSTEM_PROMPT = "a"\x00\n', "is not Python|cannot be parsed"),
    "unknown cookie": (b'# coding: klingon\nSYSTEM_PROMPT = "a"\n', "is not Python"),
    "deeply nested": (b"SYSTEM_PROMPT = " + b"(" * 5000 + b'""' + b")" * 5000, "Python|parsed"),
}  # fmt: skip


@pytest.mark.parametrize("data", EDITED.values(), ids=EDITED)
def test_the_block_goes_in_changes_and_comes_out(data: bytes) -> None:
    # given
    source = parse_prompt(data, FILE)
    assert source.block is None

    # when rules go in
    once = parse_prompt(edited(source, [STUCK]), FILE)

    # then they are there, before any rule of the author's, whose text is all still there
    assert once.block is not None
    assert once.block.intact
    assert once.block.rules == [STUCK]
    assert once.value[: once.block.start] + once.value[once.block.end :] == source.value
    assert "- when" not in once.value[: once.block.start]

    # and other rules take their place, and nothing at all gives back the bytes there were
    other = parse_prompt(edited(once, [NEAR, STUCK]), FILE)
    assert other.block is not None
    assert other.block.rules == [NEAR, STUCK]
    assert edited(other, []) == data


@pytest.mark.parametrize(("data", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_edited_is_refused_with_line_and_reason(data: bytes, says: str) -> None:
    with pytest.raises(RefusedSource, match=says) as caught:
        parse_prompt(data, FILE)
    assert caught.value.message.startswith(f"{FILE}:")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("distance_m=0.3", "distance_m=0.4"),
        lambda text: text.replace("[end of cadenzad rules]\n", ""),
        lambda text: text.replace("[cadenzad rules", "[my rules"),
        lambda text: text.replace("- If you are in", "Be careful.\n- If you are in"),
        lambda text: text + text[text.index("[cadenzad") :],
    ],
)
def test_a_block_that_somebody_edited_is_theirs(change) -> None:
    source = parse_prompt(EDITED["triple"], FILE)
    after = edited(source, [STUCK]).decode()
    begin, end = after.index("[cadenzad"), after.index('"""\nx')
    touched = after[:begin] + change(after[begin:end]) + after[end:]
    with pytest.raises(BlockConflict, match=f"{FILE}:1: .*block"):
        edited(parse_prompt(touched.encode(), FILE), [NEAR])


def test_text_around_the_block_may_change() -> None:
    source = parse_prompt(EDITED["with rules"], FILE)
    touched = edited(source, [STUCK]).replace(b"End.", b"The end.").replace(b"Rules:", b"Mine:")
    after = parse_prompt(edited(parse_prompt(touched, FILE), [NEAR]), FILE)
    assert after.block is not None
    assert after.block.rules == [NEAR]
    assert "Mine:" in after.value
    assert "The end." in after.value


@pytest.mark.parametrize("count", [10, pytest.param(60, marks=pytest.mark.long)])
def test_modules_of_the_standard_library_survive_a_prompt_of_their_own(count: int) -> None:
    # given real files, with a prompt put at their end
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:count]
    assert len(files) == count
    edits = 0
    for path in files:
        data = path.read_bytes()
        ending = b'\nSYSTEM_PROMPT = """\\\nBe good.\n"""\n'
        try:
            source = parse_prompt(data + ending, path)
        except RefusedSource:
            continue
        # when
        after = edited(source, [STUCK])
        # then
        edits += 1
        assert after.startswith(data)
        assert edited(parse_prompt(after, path), []) == data + ending
    assert edits > 0.8 * count


# -- which file ------------------------------------------------------------------------------------


def test_main_comes_first_and_another_file_will_do(tmp_path: Path) -> None:
    (tmp_path / "brain.py").write_text('SYSTEM_PROMPT = "brain"\n')
    (tmp_path / "lora_encoder.py").write_text('SYSTEM_PROMPT = "no"\n')
    (tmp_path / "tool.py").write_text("x = 1\n")
    assert find_prompt(tmp_path).value == "brain"
    (tmp_path / "main.py").write_text('SYSTEM_PROMPT = "main"\n')
    assert find_prompt(tmp_path).value == "main"


def test_two_files_are_refused_and_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoPrompt, match=r"no \.py file"):
        find_prompt(tmp_path)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text('SYSTEM_PROMPT = "x"\n')
    with pytest.raises(RefusedSource, match=r"a\.py and b\.py"):
        find_prompt(tmp_path)


OWN = 'SYSTEM_PROMPT = "own"\n'


def test_where_main_imports_it_from(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("from prompts import SYSTEM_PROMPT\n")
    (tmp_path / "prompts.py").write_text(OWN)
    assert find_prompt(tmp_path).path.name == "prompts.py"
    (tmp_path / "older.py").write_text('SYSTEM_PROMPT = "older"\n')
    for text in ("from .prompts import SYSTEM_PROMPT\n", "from prompts import *\n# SYSTEM_PROMPT"):
        (tmp_path / "main.py").write_text(text)
        assert find_prompt(tmp_path).value == "own"
    (tmp_path / "main.py").write_text('from prompts import SYSTEM_PROMPT\nSYSTEM_PROMPT += "b"\n')
    assert find_prompt(tmp_path).value == "ownb"
    (tmp_path / "main.py").write_text('from prompts import SYSTEM_PROMPT\nSYSTEM_PROMPT = "b"\n')
    with pytest.raises(RefusedSource, match=r"main\.py:2: .* 2 times"):
        find_prompt(tmp_path)


@pytest.mark.parametrize("text", ["# SYSTEM_PROMPT is in brain.py\n", '"""SYSTEM_PROMPT"""\n'])
def test_a_file_that_only_mentions_the_name_is_passed_over(text, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(text)
    (tmp_path / "brain.py").write_text(OWN)
    assert find_prompt(tmp_path).path.name == "brain.py"


def test_what_lies_about_in_a_project_is_no_hindrance(tmp_path: Path) -> None:
    # given a prompt, and beside it all that people and their editors leave
    project = tmp_path / "project"
    project.mkdir()
    (project / "brain.py").write_text(OWN)
    (project / "test_brain.py").write_text('from brain import SYSTEM_PROMPT\nSYSTEM_PROMPT = "t"\n')
    (project / "brain_test.py").write_text('SYSTEM_PROMPT = "t"\n')
    (project / "conftest.py").write_text('SYSTEM_PROMPT = "t"\n')
    (project / "tool.py").write_text("import brain\nprint(brain.SYSTEM_PROMPT)\n")
    (project / ".#brain.py").symlink_to("somebody@host.4711:1795378827")
    (project / ".brain.py").write_text('SYSTEM_PROMPT = "hidden"\n')
    (project / "a.py").mkdir()
    os.mkfifo(project / "b.py")
    (project / "c.py").write_bytes(b'SYSTEM_PROMPT = "big"\n#' + b"x" * (5 << 20))
    (tmp_path / "elsewhere.py").write_text('SYSTEM_PROMPT = "x"\n')
    (project / "d.py").symlink_to(tmp_path / "elsewhere.py")
    (project / "e.py").symlink_to("e.py")
    (project / "f.py").symlink_to("nowhere.py")
    (project / "g.py").write_text("SYSTEM_PROMPT = (\n")
    os.mkfifo(project / "pipe")
    (project / "h.py").symlink_to("pipe")

    # when / then
    assert find_prompt(project).path.name == "brain.py"

    # and without the prompt it is told why a file that may hold it was not taken
    (project / "brain.py").unlink()
    with pytest.raises(RefusedSource, match="larger than 4 MiB"):
        find_prompt(project)


def test_a_pipe_for_a_main_file_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "main.py")
    with pytest.raises(NoPrompt):
        find_prompt(tmp_path)


def test_a_link_that_leaves_the_project_is_refused(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "elsewhere.py").write_text('SYSTEM_PROMPT = "x"\n')
    (project / "main.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(RefusedSource, match="leads out of the project"):
        find_prompt(project)


def test_the_codes_hash_is_the_same_under_our_rewrites_alone() -> None:
    data = EDITED["triple"]
    after = edited(parse_prompt(data, FILE), [STUCK])
    assert code_sha256(after) == code_sha256(data)
    assert code_sha256(data.replace(b"x = 1", b"x = 2")) != code_sha256(data)


def test_a_block_is_found_where_it_is() -> None:
    assert find_block("no block here") is None
    text = block_text([STUCK])
    block = find_block(f"a\n{text}\nb")
    assert block is not None
    assert block.intact
    assert f"a\n{text}\nb"[block.start : block.end] == f"{text}\n"
