"""Whether whoever follows a prompt reads prose: our rules are sentences then, and else lines."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from handlers.judge.prompt.prose import is_prose
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.source import edited, find_prompt, parse_prompt

STUCK = read("- when stuck for 2 ticks: sit")
SAMPLE = (files("handlers.project") / "sample" / "mission" / "main.py").read_bytes()
EARLIER = rb'RULE = re.compile(r"- when (?:in (\w+))?")' + b"\ndef decide(o, p): ...\n"
VERBOSE = rb'RULE = re.compile(r"""- [ ] when [ ]""", re.VERBOSE)' + b"\n"
CHAT = b'SYSTEM_PROMPT = "Help people."\n\ndef decide(observation, system_prompt):\n    ask()\n'


@pytest.mark.parametrize(
    ("value", "code", "prose"),
    [
        ("Help people.", CHAT, True),
        ("Help people.\n- when stuck: sit\n", CHAT, False),
        ("Help people.\n- If you are stuck, do sit.\n", CHAT, False),
        ("Help people.", SAMPLE, False),
        ("Help people.", EARLIER, False),
        ("Help people.", VERBOSE, False),
        ("Say when you are done - when asked.", b"", True),
    ],
)
def test_a_prompt_is_prose_where_nothing_reads_rules(value: str, code: bytes, prose: bool) -> None:
    assert is_prose(value, [code]) is prose


def test_a_chat_models_prompt_gets_sentences_and_keeps_them() -> None:
    source = parse_prompt(CHAT, Path("/robots/main.py"))
    once = source.again(edited(source, [STUCK]))
    assert "- If you are stuck for 2 ticks, do sit." in once.value
    assert once.block is not None
    assert once.block.rules == [STUCK]
    again = once.again(edited(once, [read("- when fallen: stand_up")]))
    assert "- If you have fallen, do stand_up." in again.value
    assert edited(again, []) == CHAT


def test_the_samples_own_brain_reads_lines_whatever_is_left_of_its_prompt(tmp_path: Path) -> None:
    start, end = SAMPLE.index(b'"""\\\nYou guide'), SAMPLE.index(b"close.\n") + 7
    (tmp_path / "main.py").write_bytes(SAMPLE[:start] + b'"""Help people.\n' + SAMPLE[end:])
    (tmp_path / "words.py").write_bytes(b'SYSTEM_PROMPT = "Help people."\n')
    (tmp_path / "env.json").write_text("{}")
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "prompt.md").write_text("Help people.\n")
    assert not find_prompt(tmp_path, "words/prompt.md").is_prose
    for source in (find_prompt(tmp_path), find_prompt(tmp_path, "words.py:SYSTEM_PROMPT")):
        after = source.again(edited(source, [STUCK]))
        assert "- when stuck for 2 ticks: sit" in after.value
