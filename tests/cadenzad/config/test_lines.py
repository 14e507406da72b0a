"""On which line a key is set: of whole files, however their statements are broken."""

from __future__ import annotations

import tomllib

import pytest

from cadenzad.config.lines import MOST_TRIES, lines_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# only\n\n# words\n", {}),
        ("a = 1\n\nb = 2", {"a": 1, "b": 2 + 1}),
        ("\r\n[t]\r\n  k = 1\r\n", {"t": 2, "t.k": 3}),
        ("t.k = 1\nt.l = 2", {"t": 1, "t.k": 1, "t.l": 2}),
        ("t = {k = 1, u = {l = 2}}", {"t": 1, "t.k": 1, "t.u": 1, "t.u.l": 1}),
        ("[t.u]\nk = 1\n[t]\nl = 1", {"t": 1, "t.u": 1, "t.u.k": 2, "t.l": 4}),
        ("a = [\n  1, # ]\n  2,\n]\nb = 3", {"a": 1, "b": 5}),
        ('a = """\n[t]\nb = 1\n"""\nc = 1', {"a": 1, "c": 5}),
        ("a = '''\n]\n}\n'''\nc = 1", {"a": 1, "c": 5}),
        ('"a.b" = 1 # = 2\n', {"a.b": 1}),
        ("[[t]]\nk = 1\n[[t]]\nl = 2", {"t": 1, "t.k": 2, "t.l": 4}),
    ],
)
def test_each_key_has_the_line_that_it_begins_on(text: str, expected: dict[str, int]) -> None:
    tomllib.loads(text)  # it is TOML
    assert {".".join(keys): line for keys, line in lines_of(text).items()} == expected


def test_a_file_made_to_take_long_is_given_up_on() -> None:
    text = "a = [\n" + "[1],\n" * (2 * MOST_TRIES) + "]\nb = 1\n"
    tomllib.loads(text)
    assert lines_of("z = 1\n" + text) == {("z",): 1}
