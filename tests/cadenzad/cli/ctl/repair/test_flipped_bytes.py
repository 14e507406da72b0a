"""Whatever bytes of an event log are flipped: a command ends with an answer or with one line."""

from __future__ import annotations

import random

import pytest

from cadenzad.cli.programs import cadenzactl
from store.database.view import TABLES
from store.schema import DATABASE

COMMANDS = (
    ("status",),
    ("status", "--json", "--at", "2"),
    ("events", "--json"),
    ("jobs",),
    ("metrics",),
    ("why", "rescue"),
    ("verify",),
    ("doctor",),
    ("db", "prune", "--keep-last", "1", "--dry-run"),
    ("db", "rebuild"),
)


@pytest.fixture
def whole(home) -> bytes:
    """The bytes of a log with a recorded and exported run."""
    home.log(home.project())
    home.once()
    return (home.state / DATABASE).read_bytes()


def put(home, data: bytes) -> None:
    for file in home.state.glob(f"{DATABASE}*"):
        file.unlink()
    (home.state / DATABASE).write_bytes(data)


def try_all(home, data: bytes, run_cli, one_error) -> None:
    for words in COMMANDS:
        put(home, data)
        code, _, err = run_cli(cadenzactl, *words)
        if err and code not in (0, 3):
            one_error(err)
        assert "Traceback" not in err


@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(n, marks=pytest.mark.long) for n in range(6, 120))]
)
def test_at_random(home, whole, run_cli, one_error, seed: int) -> None:
    rng, data = random.Random(seed), bytearray(whole)
    page = rng.randrange(len(data) // 4096) * 4096
    for _ in range(rng.choice([1, 20, 400])):
        data[page + rng.randrange(4096)] ^= 1 << rng.randrange(8)
    try_all(home, bytes(data), run_cli, one_error)


@pytest.mark.parametrize("word", [next(iter(TABLES)).encode(), b"rescue", b'{"', b"ready"])
def test_in_names_and_texts_which_are_no_utf8_then(home, whole, run_cli, one_error, word) -> None:
    data = whole.replace(word, b"\xff" + word[1:])
    try_all(home, data, run_cli, one_error)


@pytest.mark.parametrize("word", [b'{"run"', b'{"run_id"', b'{"pid"', b'{"name"'])
def test_in_json_which_is_none_then(home, whole, run_cli, one_error, word) -> None:
    assert word in whole or word == b'{"pid"'
    try_all(home, whole.replace(word, b"{x" + word[2:]), run_cli, one_error)


@pytest.mark.parametrize("left", [0, 100, 4096, 50_000])
def test_cut_short(home, whole, run_cli, one_error, left: int) -> None:
    try_all(home, whole[:left], run_cli, one_error)
