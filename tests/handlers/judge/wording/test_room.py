"""Free text is asked for where a language model, or code for prose, reads it, and allowed to."""

from __future__ import annotations

from pathlib import Path

from modelbrain import BRAIN, PROMPT

from handlers.judge.prompt.source import PromptSource, find_prompt
from handlers.judge.wording.room import BY_CODE, room_in


def source_of(folder: Path, code: str, prompt: str = PROMPT) -> PromptSource:
    (folder / "main.py").write_text(code.format(prompt=prompt))
    return find_prompt(folder)


def test_a_model_that_reads_the_prompt_gets_free_text_and_its_open_paragraphs(
    tmp_path: Path,
) -> None:
    source = source_of(tmp_path, BRAIN)
    room = room_in(source, "prompt")
    assert room.why == ""
    assert {n: one.text for n, one in room.paragraphs.items()} == {1: "Take short steps."}
    assert room.lines(source.value) == {1: (3, 3)}
    # what it is not shown it does not rewrite
    assert room_in(source, "numbers").paragraphs == {}
    assert room_in(source, "numbers").why == ""


def test_rules_beside_prose_are_free_text_for_a_model_and_none_for_code(tmp_path: Path) -> None:
    ruled = f"{PROMPT}- when stuck: sit\n"
    assert room_in(source_of(tmp_path, BRAIN, ruled), "prompt").why == ""
    code = 'SYSTEM_PROMPT = """{prompt}"""\n\n\ndef decide(observation, system_prompt):\n    ...\n'
    assert room_in(source_of(tmp_path, code, ruled), "prompt").why == BY_CODE
    assert room_in(source_of(tmp_path, code), "prompt").why == ""  # prose is for who reads prose


def test_a_paragraph_with_a_secret_in_several_pieces_or_in_no_file_stays_shut(
    tmp_path: Path,
) -> None:
    secret = PROMPT.replace("Take short steps.", "The key is sk-live-4eC39HqLyjWDarjtT1zdp7dc")
    assert room_in(source_of(tmp_path, BRAIN, secret), "prompt").paragraphs == {}
    pieces = BRAIN.replace('"""{prompt}"""', '("{prompt}" "short steps.\\n[end of cadenzad open]")')
    source = source_of(tmp_path, pieces, "[cadenzad open]\\nTake ")
    assert "Take short steps." in source.value
    assert room_in(source, "prompt").paragraphs == {}
    assert room_in(None, "prompt").why == "rules alone: the prompt cannot be edited"
