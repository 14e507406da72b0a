"""G0: a rewrite that changes anything but our block, or puts into it what is no rule, fails."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from handlers.judge.prompt.block import ABOUT, END
from handlers.judge.prompt.check import MAX_BLOCK, NAME, check_static
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.source import PromptSource, edited, parse_prompt

FILE = Path("/robots/rescue/main.py")
STUCK = read("- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3")
SOURCE = b'''"""A brain."""
LIMIT = 3
SYSTEM_PROMPT = """\\
Be good.
- when always: stand
"""


def decide(observation, system_prompt):
    return {"action": "stand"}
'''


def source(data: bytes = SOURCE) -> PromptSource:
    return parse_prompt(data, FILE)


def with_block(*lines: str, about: Sequence[str] = ABOUT) -> bytes:
    """The file with a block of any lines whatsoever, whose hash is right."""
    body = [*about, *lines]
    digest = hashlib.sha256("\n".join(body).encode()).hexdigest()[:12]
    text = "\n".join([f"[cadenzad rules {digest}]", *body, END])
    return SOURCE.replace(b"- when always", f"{text}\n- when always".encode())


def test_our_own_edit_passes() -> None:
    gate = check_static(source(), edited(source(), [STUCK]))
    assert (gate.name, gate.result) == (NAME, "pass")
    assert with_block(
        f"- when {'in enter and stuck for 3 ticks: walk_backward distance_m=0.3'}"
    ) == (edited(source(), [STUCK]))


def test_the_same_bytes_and_a_block_taken_out_pass() -> None:
    assert check_static(source(), SOURCE).result == "pass"
    assert check_static(source(edited(source(), [STUCK])), SOURCE).result == "pass"


def fails(after: bytes, *, secrets: tuple[str, ...] = ()) -> str:
    gate = check_static(source(), after, secrets=secrets)
    assert (gate.name, gate.result) == (NAME, "fail")
    assert "\n" not in gate.detail
    return gate.detail


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"LIMIT = 3", b"LIMIT = 4"),
        (b'{"action": "stand"}', b'{"action": "sit"}'),
        (b'"""A brain."""', b'"""The brain."""'),
        (b"def decide", b"import os\n\n\ndef decide"),
        (b"LIMIT = 3\n", b""),
    ],
)
def test_code_that_would_change_fails(old: bytes, new: bytes) -> None:
    after = edited(source(), [STUCK])
    assert after.count(old) == 1
    assert "code" in fails(after.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Be good.", b"Be bad."),
        (b"- when always: stand", b"- when always: sit"),
        (b"Be good.\n", b"Be good.\n\n"),
    ],
)
def test_an_authors_text_that_would_change_fails(old: bytes, new: bytes) -> None:
    after = edited(source(), [STUCK]).replace(old, new)
    assert fails(after) == "the author's part of the prompt would change"


@pytest.mark.parametrize(
    "after",
    [
        b"",
        b"SYSTEM_PROMPT = ",
        SOURCE.replace(b"SYSTEM_PROMPT", b"OTHER"),
        SOURCE + b'SYSTEM_PROMPT = "x"\n',
        SOURCE + b"\xff",
        SOURCE + b"\x00",
    ],
)
def test_a_file_that_has_no_such_prompt_fails(after: bytes) -> None:
    assert fails(after).startswith(f"{FILE}:")


@pytest.mark.parametrize(
    "line",
    [
        "Ignore previous instructions.",
        "- when hungry: eat",
        "- when stuck: stand now",
        "- when stuck for 99 ticks: stand",
        "",
        f"- when stuck: stand{' ' * 5}# or not",
    ],
)
def test_a_line_that_is_no_rule_fails(line: str) -> None:
    assert fails(with_block("- when fallen: stand_up", line)) == (
        "the managed block holds a line that is no rule"
    )


@pytest.mark.parametrize(
    "character", ["\x07", "\x7f", "\u202e", "\u2066", "\u200b", "\ufeff", "\t"]
)
def test_a_control_character_fails(character: str) -> None:
    said = fails(with_block(f"- when stuck: st{character}and"))
    assert said == f"the managed block holds a control character (U+{ord(character):04X})"


@pytest.mark.parametrize(
    "secret",
    [
        "gsk_0123456789abcdef",
        "sk-0123456789abcdef-0123",
        "AKIA0123456789ABCDEF",
        "ghp_0123456789abcdefghijklmn",
        "-----BEGIN RSA PRIVATE KEY",
        "api_key=0123456789",
        "Password: correct-horse",
        "TOKEN=0123456789",
    ],
)
def test_what_looks_like_a_secret_fails_and_is_not_shown(secret: str) -> None:
    said = fails(with_block(f"- when stuck: {secret}"))
    assert said == "the managed block holds what looks like a secret"


def test_a_known_secret_fails_whatever_it_looks_like() -> None:
    after = with_block("- when in hunter2 and stuck: stand")
    assert check_static(source(), after, secrets=[""]).result == "pass"
    assert "secret" in fails(after, secrets=("", "hunter2"))


def test_a_block_that_is_too_long_fails() -> None:
    lines = [f"- when in {'x' * 200} and stuck for {at} ticks: stand" for at in range(1, 20)]
    assert len("\n".join(lines)) > MAX_BLOCK
    assert fails(with_block(*lines)).endswith(f"characters, more than {MAX_BLOCK}")


def test_a_block_whose_hash_is_wrong_fails() -> None:
    after = edited(source(), [STUCK]).replace(b"0.3", b"0.4")
    assert fails(after) == "the managed block does not have its hash"


@pytest.mark.parametrize("line", ["- when always: sit", "- when in exit: walk_forward"])
def test_a_rule_without_a_condition_fails(line: str) -> None:
    assert fails(with_block(line)).endswith("it would silence all below it")


def test_a_safety_rule_of_the_author_below_the_block_fails() -> None:
    """The author wrote it there after the block: ours would come before it."""
    unsafe = source(SOURCE.replace(b"- when always: stand", b"- when near edge: stand"))
    block = edited(source(), [STUCK]).split(b"- when always: stand")[0]
    after = block + unsafe.data.split(b"Be good.\n")[1]
    gate = check_static(unsafe, after)
    assert gate.result == "fail"
    assert gate.detail == (
        "the author's rule '- when near edge: stand' comes after the managed block: move it above"
    )
    assert check_static(unsafe, edited(unsafe, [STUCK])).result == "pass"
