"""What an author opened to free text, and that nothing else is ever rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.judge.prompt.block import place_for
from handlers.judge.prompt.check import check_static
from handlers.judge.prompt.opened import (
    Rewrite,
    opened,
    rewrites_between,
    with_rewrites,
)
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.source import (
    BlockConflict,
    PromptSource,
    edited,
    open_paragraphs,
    parse_prompt,
    rewritten,
)
from handlers.judge.prompt.wording import Wording, line_of, paragraphs_in

PATH = Path("/nowhere/main.py")
TEXT = "You drive a robot.\n[cadenzad open]\nTake short steps.\n[end of cadenzad open]\nBe kind.\n"
WANTED = Rewrite("Take short steps.", "Take long steps.\nLook before each one.")


def source_of(text: str, code: str = "SYSTEM_PROMPT = {text!r}\n") -> PromptSource:
    return parse_prompt(code.format(text=text).encode(), PATH)


def test_what_lies_between_two_marks_is_open() -> None:
    (paragraph,) = opened(TEXT).paragraphs
    assert paragraph.text == "Take short steps."
    assert TEXT[paragraph.start : paragraph.end] == "Take short steps."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[cadenzad open]\nSteps.\n", "[cadenzad open] on line 1 of the prompt has no [end"),
        ("Steps.\n[end of cadenzad open]\n", "[end of cadenzad open] on line 2 has no other"),
        (f"{TEXT}[cadenzad open]\n{TEXT}", "[cadenzad open] on line 8 has no other mark"),
        (TEXT.replace("Take short steps.", "  "), "line 3 of the prompt is empty"),
        (TEXT.replace("Take", "- when stuck: sit\nTake"), "line 3 of the prompt holds a rule"),
        (TEXT.replace("Take", "- when tired: rest\nTake"), "line 3 of the prompt holds a rule"),
    ],
)
def test_what_cannot_be_opened_is_said_and_stays_shut(text: str, problem: str) -> None:
    found = opened(text)
    assert found.paragraphs == ()
    assert problem in found.problems[0]


def test_prose_that_only_speaks_of_the_marks_opens_nothing() -> None:
    assert opened("Between [cadenzad open] and its end anything may stand.") == ((), ())


@pytest.mark.parametrize(
    "code",
    [
        "SYSTEM_PROMPT = {text!r}\n",
        'SYSTEM_PROMPT = """{text}"""\n',
        'SYSTEM_PROMPT = f"""{text}{{1}}"""\n',
    ],
)
def test_a_paragraph_is_rewritten_and_every_other_byte_stays(code: str) -> None:
    source = source_of(TEXT, code)
    assert [one.text for one in open_paragraphs(source)] == ["Take short steps."]
    made = source.again(rewritten(source, [WANTED]))
    assert made.value == source.value.replace(WANTED.before, WANTED.after)
    assert made.code_sha256 == source.code_sha256
    # and the way back gives the same bytes
    assert rewritten(made, [WANTED.back]) == source.data
    assert rewrites_between(source.value, made.value) == (WANTED,)


def test_a_paragraph_that_was_edited_meanwhile_is_a_conflict() -> None:
    with pytest.raises(BlockConflict, match="an open paragraph was edited by hand, or is gone"):
        rewritten(source_of(TEXT.replace("short", "tiny")), [WANTED])
    twice = source_of(TEXT + TEXT)
    with pytest.raises(BlockConflict):
        rewritten(twice, [WANTED])  # which of the two?
    assert open_paragraphs(twice) == []


def test_the_gate_lets_through_what_was_checked_and_nothing_else() -> None:
    source = source_of(TEXT)
    after = edited(source, [read("- when stuck: sit")], ["Look twice."])
    after = rewritten(source.again(after), [WANTED])
    wording = Wording(("Look twice.",), (WANTED,))
    gate = check_static(source, after, wording)
    assert (gate.result, gate.detail) == (
        "pass",
        "the file parses, and only the managed block and 1 open paragraphs is different",
    )
    for other, problem in (
        (Wording(), "the author's part of the prompt would change"),
        (Wording(("Look twice.",)), "the author's part of the prompt would change"),
        (Wording((), (WANTED,)), "the managed block holds a line that is no rule"),
        (
            Wording(("Look twice.",), (Rewrite(WANTED.before, "Else."),)),
            "the author's part of the prompt would change",
        ),
    ):
        assert check_static(source, after, other).detail == problem


def test_a_sentence_in_force_stays_when_rules_alone_are_written() -> None:
    source = source_of(TEXT)
    source = source.again(edited(source, [], ["Look twice."]))
    assert source.block is not None
    assert source.block.sentences == ("Look twice.",)
    after = edited(source, [read("- when stuck: sit")], source.block.sentences)
    assert check_static(source, after).result == "pass"


@pytest.mark.parametrize("rule", ["- when fallen: stand_up", "- when stuck: sit"])
def test_the_block_never_goes_into_an_open_paragraph(rule: str) -> None:
    text = TEXT.replace("Take short steps.", rule)
    place, _ = place_for(text)
    begin, end = text.index("[cadenzad open]"), text.index("\nBe kind.")
    assert place == (end + 1 if "fallen" in rule else begin)


def test_a_paragraph_is_a_line_of_a_version_and_comes_back_from_it() -> None:
    assert paragraphs_in(["- when stuck: sit", "* Hm.", line_of('a "b"\nc')]) == ['a "b"\nc']
    assert with_rewrites(TEXT, [WANTED, WANTED.back]) == TEXT
    assert with_rewrites(TEXT, [WANTED.back]) is None
