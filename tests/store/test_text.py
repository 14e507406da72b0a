"""Text that is shown, and words of commands that are pasted."""

from __future__ import annotations

import shlex

import pytest

from store.text import shell_word


@pytest.mark.parametrize(
    "name", ["rescue-dog", "a.b_c", "my robot", "$(date)", "it's", "Büro 東京 🚪", "", "a;b", "-x"]
)
def test_a_word_of_a_command_is_read_as_it_was_meant(name: str) -> None:
    assert shlex.split(f"cadenza env check {shell_word(name)}")[3:] == [name]


def test_a_plain_name_stands_as_it_is() -> None:
    assert shell_word("rescue-dog_2.1") == "rescue-dog_2.1"
