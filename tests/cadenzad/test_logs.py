"""One structured line for everything that happened, in three forms, and never a secret in it."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cadenzad.logs import HANDLER, REDACTED, redactor, secrets, set_up_logging
from cadenzad.service_manager import journal

KEY = "gsk_" + "Ab3" * 17 + "x"
SECRET = 'pass phrase: "quoted" \\ back'
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"

log = logging.getLogger("cadenzad.test_logs")


@contextmanager
def ours_alone() -> Iterator[None]:
    """pytest's handlers raise on a message that cannot be formatted; ours must not."""
    root = logging.getLogger()
    handlers = root.handlers
    root.handlers = [item for item in handlers if item.get_name() == HANDLER]
    yield
    root.handlers = handlers


@pytest.fixture
def text() -> io.StringIO:
    out = io.StringIO()
    set_up_logging("info", stream=out, environ={})
    return out


@pytest.fixture
def objects() -> Callable[[], list[dict[str, Any]]]:
    """Log as JSON lines; call it for the objects written so far."""
    out = io.StringIO()
    set_up_logging("debug", json_lines=True, stream=out, environ={})
    return lambda: [json.loads(line) for line in out.getvalue().splitlines()]


def fail() -> None:
    try:
        raise ValueError(f"with {KEY}\nand a second line")
    except ValueError:
        log.exception("it failed")


# -- for people ------------------------------------------------------------------------------------


def test_a_line_is_time_level_message_fields(text: io.StringIO) -> None:
    log.info("exported %d records", 3, extra={"project": "rescue", "took": 0.5, "why": "a b"})
    assert re.fullmatch(
        STAMP + ' INFO exported 3 records project=rescue took=0.5 why="a b"\n', text.getvalue()
    )


def test_an_adapters_fields_are_fields(text: io.StringIO) -> None:
    logging.LoggerAdapter(log, {"project": "rescue"}).warning("slow")
    assert text.getvalue().endswith(" WARNING slow project=rescue\n")


def test_the_level_is_the_least_that_is_written(text: io.StringIO) -> None:
    log.debug("not this")
    log.info("this")
    assert text.getvalue().count("\n") == 1


def test_setting_up_again_replaces_what_was_set_up(text: io.StringIO) -> None:
    # given handlers of others beside ours
    before = logging.getLogger().handlers[:]

    # when
    again = io.StringIO()
    set_up_logging("warning", stream=again, environ={})
    log.info("too little")
    log.warning("enough")

    # then
    assert text.getvalue() == ""
    assert again.getvalue().count("\n") == 1
    after = logging.getLogger().handlers
    assert [item.get_name() for item in after].count(HANDLER) == 1
    assert {item for item in before if item.get_name() != HANDLER} < set(after)


def test_what_does_not_print_cannot_pass_for_a_line(text: io.StringIO) -> None:
    log.info("%s: rejected", "a\n2026-01-31 ERROR \x1b[31mforged\r", extra={"file": "b\nc"})
    assert text.getvalue().count("\n") == 1
    assert r"a\n2026-01-31 ERROR \x1b[31mforged\r: rejected file=" in text.getvalue()
    assert "\x1b" not in text.getvalue()


def test_a_traceback_is_indented_below_its_line(text: io.StringIO) -> None:
    fail()
    first, *rest = text.getvalue().splitlines()
    assert first.endswith(" ERROR it failed")
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)
    assert rest[-1] == "    and a second line"


def test_arguments_that_do_not_fit_lose_nothing_and_raise_nothing(text: io.StringIO) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError("no")

    with ours_alone():
        log.info("%d of %d", *[1])
        log.info("%s", Unprintable(), extra={"field": Unprintable()})
    lines = text.getvalue().splitlines()
    assert lines[0].endswith("INFO %d of %d (arguments that do not fit: 1)")
    assert lines[1].endswith("(arguments that do not fit: 1) field=<Unprintable>")


# -- for programs ----------------------------------------------------------------------------------


def test_a_json_line_has_its_fields_and_extras(objects: Callable[[], list[Any]]) -> None:
    log.warning("a %s", "b", extra={"project": "rescue", "n": 3, "ok": True, "none": None})
    (line,) = objects()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("ts"))
    assert line == {
        "level": "warning",
        "logger": "cadenzad.test_logs",
        "message": "a b",
        "project": "rescue",
        "n": 3,
        "ok": True,
        "none": None,
    }


def test_what_a_library_keeps_on_a_record_for_itself_is_not_written(objects) -> None:
    log.info("a", extra={"_ray_timestamp_ns": 1, "project": "rescue"})  # as in any process with Ray
    (line,) = objects()
    assert line["project"] == "rescue"
    assert "_ray_timestamp_ns" not in line


def test_whatever_is_given_is_json(objects: Callable[[], list[Any]]) -> None:
    strange = {
        "nan": float("nan"),
        "path": Path("/x"),
        "error": OSError("gone"),
        "items": (1, {2}),
        "table": {Path("/k"): b"v"},
        "name_": "\udcff",
    }
    log.info("line one\nline two \udcff", extra=strange)
    (line,) = objects()
    assert line["message"] == "line one\nline two \\udcff"
    assert (line["nan"], line["path"], line["error"]) == ("nan", "/x", "gone")
    assert (line["items"], line["table"]) == ([1, [2]], {"/k": "b'v'"})
    assert line["name_"] == "\\udcff"


def test_a_field_cannot_stand_in_for_one_of_ours(objects: Callable[[], list[Any]]) -> None:
    log.info("real", extra={"level": "forged", "ts": 0, "exception": "none"})
    (line,) = objects()
    assert line["level"] == "info"
    assert (line["level_"], line["ts_"], line["exception_"]) == ("forged", 0, "none")


def test_a_traceback_is_part_of_its_object(objects: Callable[[], list[Any]]) -> None:
    fail()
    (line,) = objects()
    assert line["message"] == "it failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("\nand a second line")


# -- secrets ---------------------------------------------------------------------------------------


def leak(secret: str) -> None:
    """Log a secret in every way there is."""
    log.info("message " + secret)
    log.info("argument %s, repr %r", secret, secret)
    log.info("mapping %(key)s", {"key": secret})
    log.info("field", extra={"field": secret, "nested": {"a": [secret, {secret: 1}]}})
    log.info("an object", extra={"error": ValueError(secret)})
    with ours_alone():
        log.info("does not fit %s %s", *[secret])
        log.info(f"does not fit {secret} %d", "x")
    logging.LoggerAdapter(log, {"field": secret}).info("adapter")
    log.handle(log.makeRecord(log.name, 20, "file", 1, "stack", (), None, sinfo=f"Stack {secret}"))
    logging.getLogger("somebody.elses").warning(json.dumps({"Authorization": f"Bearer {secret}"}))
    try:
        try:
            raise ValueError(secret)
        except ValueError as error:
            raise RuntimeError(f"because {secret}") from error
    except RuntimeError:
        log.exception("failed")


@pytest.mark.parametrize("json_lines", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    "environ",
    [{}, {"GROQ_API_KEY": KEY}, {"GROQ_API_KEY": f" {SECRET}\n"}],
    ids=["looks like a key", "a key", "any secret"],
)
def test_no_secret_is_ever_written(environ: dict[str, str], json_lines: bool) -> None:
    # given
    secret = environ.get("GROQ_API_KEY", KEY).strip()
    out = io.StringIO()
    set_up_logging("debug", json_lines=json_lines, stream=out, environ=environ)

    # when
    leak(secret)

    # then
    written = out.getvalue()
    assert len(re.findall("^[^ ]", written, re.MULTILINE)) == 11
    assert written.count(REDACTED) >= 14
    for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]):
        assert form not in written


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("key sk-proj-0123456789abcdefgh.", True),
        ("the desk-0123456789abcdefgh-lamp", False),
        ("sk-short", False),
    ],
)
def test_what_looks_like_a_key_of_openai_is_hidden(text: str, hidden: bool) -> None:
    assert (REDACTED in redactor([])(text)) is hidden


def test_without_a_filter_the_same_would_be_written() -> None:
    out = io.StringIO()
    set_up_logging("debug", stream=out, environ={})
    leak("hunter2hunter2")
    assert out.getvalue().count("hunter2hunter2") >= 14


def test_every_credential_of_the_unit_is_a_secret(tmp_path: Path) -> None:
    # given
    (tmp_path / "groq").write_text("from-a-credential\n")
    (tmp_path / "short").write_text("a")
    (tmp_path / "binary").write_bytes(b"\xff\xfe-not-text")
    (tmp_path / "folder").mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "GROQ_API_KEY": "in-the-environment"}

    # when
    found = secrets(environ)

    # then
    assert {"from-a-credential", "in-the-environment"} < set(found)
    assert "a" not in found
    assert redactor(found)("x from-a-credential y") == f"x {REDACTED} y"
    assert secrets({"CREDENTIALS_DIRECTORY": str(tmp_path / "gone")}) == []


def test_a_short_value_makes_no_holes() -> None:
    assert secrets({"GROQ_API_KEY": "info"}) == []


# -- the journal -----------------------------------------------------------------------------------


@pytest.fixture
def pipe() -> Iterator[tuple[Any, dict[str, str], Callable[[], str]]]:
    """A stream that JOURNAL_STREAM says leads to the journal, and what came out of it."""
    read_end, write_end = os.pipe()
    found = os.fstat(write_end)
    os.set_blocking(read_end, False)
    with open(write_end, "w", buffering=1) as stream, open(read_end, "rb") as reader:
        environ = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        yield stream, environ, lambda: (reader.read() or b"").decode()


@pytest.fixture
def journald(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], dict[str, str]]]:
    """The journal's socket, played by the test; call it for the next entry's fields."""
    path = str(tmp_path / "socket")
    monkeypatch.setattr(journal.JournalHandler.__init__, "__defaults__", (path,))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.settimeout(10)

        def receive() -> dict[str, str]:
            data, files, *_ = socket.recv_fds(server, 1 << 20, 1)
            for file in files:
                assert fcntl.fcntl(file, fcntl.F_GET_SEALS) == 0b1111, "the journal wants it sealed"
                data = os.pread(file, 1 << 24, 0)
                os.close(file)
            return parse_entry(data)

        yield receive


def parse_entry(data: bytes) -> dict[str, str]:
    """The native protocol, read as its description says."""
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if equals:
            data = rest
        else:
            (size,) = struct.unpack_from("<Q", rest)
            value, data = rest[8 : 8 + size], rest[8 + size :]
            assert data[:1] == b"\n"
            data = data[1:]
        fields[name.decode()] = value.decode()
    return fields


def test_an_entry_has_its_priority_and_fields(pipe: Any, journald: Any) -> None:
    stream, environ, written = pipe
    set_up_logging("info", stream=stream, environ=environ)
    log.warning("slow", extra={"project": "rescue", "took-s": 3})
    entry = journald()
    assert entry["MESSAGE"] == "slow project=rescue took-s=3"
    assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) == ("4", "cadenzad")
    assert (entry["CADENZAD_PROJECT"], entry["CADENZAD_TOOK_S"]) == ("rescue", "3")
    assert entry["LOGGER"] == "cadenzad.test_logs"
    assert entry["CODE_FUNC"] == "test_an_entry_has_its_priority_and_fields"
    assert written() == ""


def test_setting_up_again_leaves_nothing_open(pipe: Any, journald: Any) -> None:
    stream, environ, _ = pipe
    set_up_logging("info", stream=stream, environ=environ)
    before = len(os.listdir("/proc/self/fd"))
    set_up_logging("info", stream=stream, environ=environ)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_traceback_is_one_entry_without_the_secret(pipe: Any, journald: Any) -> None:
    stream, environ, _ = pipe
    set_up_logging("info", stream=stream, environ=environ)
    fail()
    log.info("next")
    message = journald()["MESSAGE"]
    assert message.startswith("it failed\nTraceback (most recent call last):\n")
    assert message.endswith(f"ValueError: with {REDACTED}\nand a second line")
    assert journald()["MESSAGE"] == "next"


def test_a_field_cannot_forge_another(pipe: Any, journald: Any) -> None:
    stream, environ, _ = pipe
    set_up_logging("info", stream=stream, environ=environ)
    log.info("x", extra={"file": "a\nPRIORITY=0\n"})
    entry = journald()
    assert entry["PRIORITY"] == "6"
    assert entry["CADENZAD_FILE"] == "a\\nPRIORITY=0\\n"


def test_an_entry_larger_than_a_datagram_arrives_whole(pipe: Any, journald: Any) -> None:
    stream, environ, written = pipe
    set_up_logging("info", stream=stream, environ=environ)
    log.info("x" * (1 << 20))
    assert journald()["MESSAGE"] == "x" * (1 << 20)
    assert written() == ""


def test_where_the_journal_does_not_listen_lines_go_to_stderr(
    pipe: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given
    gone = (str(tmp_path / "nobody"),)
    monkeypatch.setattr(journal.JournalHandler.__init__, "__defaults__", gone)
    stream, environ, written = pipe
    set_up_logging("info", stream=stream, environ=environ)

    # when
    log.error("one\ntwo")
    fail()

    # then each record is one line with its priority in front
    first, second = written().splitlines()
    assert first == r"<3>one\ntwo"
    assert second.startswith(r"<3>it failed Traceback (most recent call last):\n")
    assert KEY not in second


def test_json_in_the_journal_is_a_line_with_its_priority(pipe: Any, journald: Any) -> None:
    stream, environ, written = pipe
    set_up_logging("info", json_lines=True, stream=stream, environ=environ)
    log.error("x")
    line = written()
    assert line.startswith("<3>{")
    assert json.loads(line.removeprefix("<3>"))["message"] == "x"


def test_a_redirected_stream_is_not_the_journal(tmp_path: Path) -> None:
    # given JOURNAL_STREAM inherited from a service, and stderr in a file
    with (tmp_path / "log").open("w+") as stream:
        set_up_logging("info", stream=stream, environ={"JOURNAL_STREAM": "8:12345"})
        log.info("x")
        stream.seek(0)
        assert re.fullmatch(STAMP + " INFO x\n", stream.read())
