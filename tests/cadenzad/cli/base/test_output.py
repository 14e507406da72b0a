"""Errors as one line, exit codes, arguments that must make sense, tables."""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from io import StringIO

import pytest

from cadenzad.cli.base.output import say, say_table
from cadenzad.cli.base.parser import (
    Parser,
    Terminated,
    exit_code_of,
    filled,
    finite,
    one_line,
    run,
    seconds,
    stoppable,
    whole,
)
from cadenzad.cli.programs import CADENZA_ENV
from cadenzad.cli.terminal.tables import broken, table
from cadenzad.requests.byhand import Interrupted
from store.errors import ConfigError, ProjectNotFound


def parser_of(command: Callable[[], object]) -> Parser:
    parser = Parser(prog="tool")
    parser.set_defaults(command=lambda arguments: command())
    return parser


def fail(error: BaseException) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("bad"), 2, "tool: error: bad"),
        (ProjectNotFound("no such\nproject"), 4, "tool: error: no such\\nproject"),
        (OSError(28, "No space left on device"), 1, "tool: error: No space left on device"),
        (PermissionError(13, "Permission denied", "/a\nb"), 1, "/a\\nb: Permission denied"),
        (sqlite3.DatabaseError("malformed"), 1, "tool: error: the event log: malformed"),
    ],
)
def test_an_error_is_one_line_and_a_code(capsys, error, code, line) -> None:
    assert run(parser_of(fail(error)), []) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0].endswith(line)
    assert [text for text in err.splitlines()[1:] if not text.startswith("  ")] == []


def test_a_hint_follows_on_a_line_of_its_own(capsys) -> None:
    run(parser_of(fail(ConfigError("bad", hint="do\tbetter"))), [])
    assert capsys.readouterr().err == "tool: error: bad\n  do\\tbetter\n"


def test_an_interrupt_and_a_reader_that_left_are_no_errors(capsys) -> None:
    assert run(parser_of(fail(KeyboardInterrupt())), []) == 130
    assert run(fail(KeyboardInterrupt()), []) == 130  # type: ignore[arg-type]  # while it imports
    assert run(parser_of(fail(Terminated())), []) == 143
    assert run(parser_of(fail(BrokenPipeError())), []) == 0
    assert capsys.readouterr().err == ""


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(parser_of(fail(ZeroDivisionError())), [])


def test_a_usage_error_is_one_line_and_two(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        run(parser_of(lambda: 0), ["--what\nis"])
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        "tool: error: unrecognized arguments: --what\\nis\n  try `tool --help`\n"
    )


PRINTER = """
import sys
from cadenzad.cli.base.parser import Parser, run
parser = Parser(prog="tool")
parser.set_defaults(command=lambda arguments: print({text}) or 0)
sys.exit(run(parser, []))
"""


def child(text: str, stdout: object, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", PRINTER.format(text=text)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=os.environ | environ,
        timeout=30,
        check=False,
    )


def test_a_full_disk_behind_stdout_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        done = child("'x' * 100", full)
    assert (done.returncode, done.stderr) == (1, b"tool: error: No space left on device\n")


def test_a_reader_that_left_is_silent() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = child("'x' * 100_000", writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_name_that_stdout_cannot_show_is_escaped() -> None:
    done = child(r"'a\u4e2d\udcff'", subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (0, b"a\\u4e2d\\udcff\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä ✓", "plain ä ✓"),
        ("a\nb\r\tc\x1b[31m", "a\\nb\\r\\tc\\x1b[31m"),
        ("\u2028\u202e", "\\u2028\\u202e"),
        ("\udcff", "\\udcff"),
        ("", ""),
    ],
)
def test_one_line_is_one_line(text, shown) -> None:
    assert one_line(text) == shown


def test_arguments_that_make_no_sense_are_refused() -> None:
    assert (filled("a"), finite("-1e3"), seconds("0.5")) == ("a", -1000.0, 0.5)
    for convert, text in (
        (filled, ""),
        (finite, "nan"),
        (finite, "inf"),
        (finite, "-Infinity"),
        (finite, "1e999"),
        (finite, "x"),
        (seconds, "0"),
        (seconds, "-1"),
        (seconds, "nan"),
    ):
        with pytest.raises(argparse.ArgumentTypeError):
            convert(text)


def test_a_table_is_as_wide_as_its_cells() -> None:
    assert table(("NAME", "N"), [("a", 1), ("long name", 100), ("x\ny", None)]).splitlines() == [
        "NAME         N",
        "a            1",
        "long name  100",
        "x\\ny",
    ]
    assert table(("NAME", "N"), []) == "NAME  N"
    assert table(("", ""), [("a", "b")]) == "a  b"


def test_a_table_with_little_room_breaks_its_cells_and_loses_nothing() -> None:
    # given
    rows = [("rescue-dog", 12, "wrong way at the entrance of the hall"), ("x", 3, "-")]
    headings = ("PROJECT", "RUNS", "CAUSE")

    # when
    shown = table(headings, rows, 40)

    # then
    assert shown.splitlines() == [
        "PROJECT     RUNS  CAUSE",
        "rescue-dog    12  wrong way at the",
        "                  entrance of the hall",
        "x              3  -",
    ]
    assert table(headings, rows, 200) == table(headings, rows)


def test_headings_and_sentences_give_way_before_an_id_or_a_path_is_broken() -> None:
    headings = ("RUN", "PERSONS TOUCHED", "RESULT", "LOG")
    rows = [("2026-11-27T03-37-01-2aa6", 0, "failed: too many ticks", "/robots/one.log.jsonl")]
    assert table(headings, rows, 72).splitlines() == [
        "RUN                          PERSONS  RESULT       LOG",
        "                             TOUCHED",
        "2026-11-27T03-37-01-2aa6           0  failed: too  /robots/one.log.jsonl",
        "                                      many ticks",
    ]
    broken_up = table(headings, rows, 60).splitlines()
    assert max(map(len, broken_up)) <= 60
    assert "2026-11-27T03-37-01-2aa6" not in "".join(broken_up), "there was no room for all words"


def test_a_table_with_no_room_for_its_columns_is_told_row_by_row() -> None:
    headings = [f"COLUMN {number}" for number in range(8)]
    rows = [["a long cell of text that goes on and on"] * 8, ["b"] * 8]
    shown = table(headings, rows, 40).splitlines()
    assert max(map(len, shown)) <= 40
    assert shown[:2] == ["COLUMN 0  a long cell of text that goes", "          on and on"]
    assert shown[-1] == "COLUMN 7  b"
    assert "" in shown, "a line between two rows"


@pytest.mark.parametrize("width", [1, 7, 8, 9, 20, 40, 80])
def test_a_cell_breaks_into_pieces_that_hold_all_of_it(width: int) -> None:
    text = "aaaa bbbbbbbbbbbbbbbb c " + "d" * 30
    pieces = broken(text, width)
    assert max(map(len, pieces)) <= width
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


class Terminal(StringIO):
    """What stdout is on a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "painted"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"TERM": "dumb"}, False),
        (StringIO, {}, False),
    ],
)
def test_what_to_look_at_is_red_on_a_terminal_that_wants_colour(
    monkeypatch, stream, environ, painted
) -> None:
    # given
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    out = stream()
    monkeypatch.setattr(sys, "stdout", out)

    # when
    say("adapter 2 BLOCK, 0 failed")
    say_table(("PROJECT", "LAST RUN", "FAILED"), [("rescue", "one: failed", 1)])

    # then
    red = "\033[31m{}\033[0m" if painted else "{}"
    said = f"adapter 2 {red.format('BLOCK')}, 0 failed\n"
    said += f"PROJECT  LAST RUN     FAILED\nrescue   one: {red.format('failed')}       1\n"
    assert out.getvalue() == said


def test_a_table_is_as_wide_as_somebody_says(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    say_table(("PATH",), [("a" * 50,)])
    assert capsys.readouterr().out.splitlines() == ["PATH", "a" * 30, "a" * 20]


@pytest.mark.parametrize(
    "words",
    ["P --json goal", "P --version 1 --json goal", "--json P goal", "P goal --json",
     "P --json -- goal", "--json -- P goal"],
)  # fmt: skip
def test_an_optional_argument_may_come_after_options(words: str) -> None:
    found = CADENZA_ENV.parser_of("lora").parse_args(["decode", *words.split()])
    assert (found.project, found.goal, found.json) == ("P", "goal", True)


@pytest.mark.parametrize("words", ["", "P a b", "P --nope", "P --version", "P --version x a"])
def test_in_any_order_too_what_is_not_known_is_refused(words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        CADENZA_ENV.parser_of("lora").parse_args(["decode", *words.split()])
    assert caught.value.code == 2


def test_sigterm_ends_a_command_as_an_interrupt_does_and_only_once() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def work() -> None:
        with stoppable():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except KeyboardInterrupt:
                os.kill(os.getpid(), signal.SIGTERM)  # while it tidies up
                raise Interrupted("with words") from None

    with pytest.raises(Interrupted) as caught:
        work()
    assert exit_code_of(caught.value) == 143
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("text", ["9" * 19, "-" + "9" * 19, "9" * 5000, "1.5", "x", ""])
def test_a_number_that_the_log_cannot_hold_is_a_usage_error(text: str) -> None:
    assert whole(str(2**63 - 1)) == 2**63 - 1
    with pytest.raises(argparse.ArgumentTypeError, match="too large"):
        whole(text)


def test_a_long_line_goes_on_below_itself_between_words(capsys, monkeypatch) -> None:
    text = "  a rule that says much of /a/path/that/is-not/to-be-broken/anywhere and more"
    say(text, head="prompt")
    monkeypatch.setenv("COLUMNS", "40")
    say(text, head="prompt")
    monkeypatch.setenv("COLUMNS", "8")
    say("  aa bb cc dd")
    whole, *lines = capsys.readouterr().out.splitlines()
    assert whole == "prompt" + text
    assert lines == [
        "prompt  a rule that says much of",
        "  /a/path/that/is-not/to-be-broken/anywhere",
        "  and more",
        "  aa bb",
        "    cc",
        "    dd",
    ]


def test_a_package_that_a_command_comes_to_need_is_named_with_its_extra(capsys) -> None:
    def needs(module: str) -> Callable[[], object]:
        def command() -> object:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)

        return command

    assert run(parser_of(needs("numpy.linalg")), []) == 1
    assert capsys.readouterr().err.splitlines() == [
        "tool: error: this needs numpy, which is not installed",
        "  pip install 'cadenzad[dataset]'",
    ]
    with pytest.raises(ModuleNotFoundError):  # our own fault, and no extra's
        run(parser_of(needs("handlers.nothing")), [])
