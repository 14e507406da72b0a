"""Reading a dropped file: what it is, how far it was read, why it is of no use."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from runlogs import tick

from handlers.intake.observe import Observation, Stat, observe, unnameable
from handlers.project.formats.runs import run_logs
from handlers.project.scaffold import init_project
from store import identity
from store.identity import NOTHING
from store.reads.state import FileRow

LOG = ".cadenza-env/one.log.jsonl"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    init_project(tmp_path / "rescue")
    return tmp_path / "rescue"


def put(project: Path, path: str, content: bytes) -> Path:
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def known(path: str, content: bytes, like: str = "") -> FileRow:
    """A file as the view knows it after `content` was read, by the hash of `like`."""
    bytes_ = identity.of(content, like)
    return FileRow("p", path, "run", "one", 1, 1, 1, len(content), 1, bytes_, True, True, "")


def test_a_run_log_is_read_up_to_its_last_newline(project: Path) -> None:
    whole = tick(1) + tick(2, terminated=True, mission_success=True)
    put(project, LOG, whole + b'{"tick": 3, "act')
    seen = observe(project, LOG, None)
    assert seen is not None
    assert (seen.kind, seen.rejection) == ("run", None)
    assert (seen.size, seen.digest) == (len(whole), identity.of(whole))
    assert seen.log is not None
    assert [episode.outcome for episode in seen.log.episodes] == ["succeeded"]
    assert seen.stat.size == len(whole) + 16


def test_what_was_known_before_is_hashed_apart(project: Path) -> None:
    old, more = tick(1), tick(2)
    put(project, LOG, old + more)
    seen = observe(project, LOG, known(LOG, old))
    assert seen is not None
    assert seen.prior_digest == identity.of(old)
    of_before = observe(project, LOG, known(LOG, old, like="0" * 64))
    assert of_before is not None
    assert of_before.prior_digest == hashlib.sha256(old).hexdigest()
    assert of_before.digest == seen.digest == identity.of(old + more)
    shorter = observe(project, LOG, known(LOG, old + more + more))
    assert shorter is not None
    assert shorter.prior_digest is None


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        (LOG, tick(1), "run"),
        (".cadenza-env/x.jsonl", tick(1), "run"),
        (".cadenza-env/x.jsonl", b'{"ts": 1, "event": "session_start"}\n', "orchestrator"),
        (LOG, b'{"ts": 1, "event": "session_start"}\n', "orchestrator"),
        ("session.jsonl", b'{"ts": 1, "event": "session_start"}\n', "orchestrator"),
        ("lora/patterns.jsonl", b'{"goal": "g", "actions": [{"action": "stand"}]}\n', "examples"),
        ("lora/eval.jsonl", b'{"goal": "g", "actions": [{"action": "stand"}]}\n', "exam"),
        (
            ".cadenza-env/examples/x.jsonl",
            b'{"goal": "g", "actions": [{"action": "stand"}]}\n',
            "examples",
        ),
    ],
)
def test_a_file_is_what_its_name_or_else_its_first_lines_say(
    project: Path, path: str, content: bytes, kind: str
) -> None:
    put(project, path, content)
    seen = observe(project, path, None)
    assert seen is not None
    assert (seen.kind, seen.rejection) == (kind, None)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("notes.jsonl", b'{"my": "own"}\n'),
        ("notes.jsonl", tick(1)),
        (LOG, b""),
        (LOG, b'{"tick": 1, "act'),
        (LOG, b"\xef"),
        (LOG, b'{"tick": 1, "text": "a\r'),
        (".cadenza-env/x.jsonl", b""),
        (".cadenza-env/x.jsonl", b'{"tick": 1, "act'),
        ("lora/eval.jsonl", b""),
    ],
)
def test_what_says_nothing_yet_need_not_be_read_again_as_it_is(
    project: Path, path: str, content: bytes
) -> None:
    file = put(project, path, content)
    assert observe(project, path, None) == Stat.of(file.stat())


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("notes.txt", b"x"),
        (".cadenza-env/.one.log.jsonl", tick(1)),
        (".cadenza-env/one.log.jsonl.tmp", tick(1)),
        (".cadenza-env/one.finetune.jsonl", b'{"prompt": "x"}\n'),
        (".cadenza-env/exports/one.log.jsonl", tick(1)),
    ],
)
def test_what_is_not_for_us_is_passed_over(project: Path, path: str, content: bytes) -> None:
    put(project, path, content)
    assert observe(project, path, None) is None


@pytest.mark.parametrize(
    ("path", "content", "reason", "line"),
    [
        (LOG, b"\n\n", "only blank lines", None),
        (LOG, b"[1]\n", "line 1: ", 1),
        (LOG, b"\n\xff\xfe\n" + b"[1]\n" * 30, "no run record in 31 lines; line 2: ", 2),
        (LOG, b"\0" * 100 + b"\n", "zero bytes", 1),
        ("lora/eval.jsonl", b'{"goal": "g", "actions": [{"action": "fly"}]}\n', "fly", 1),
        (".cadenza-env/x.jsonl", b'{"my": "own"}\n', "not recognised", None),
        (".cadenza-env/x.jsonl", b'{"prompt": "p", "tick": 1}\n', "*.finetune.jsonl", None),
        (".cadenza-env/x.jsonl", "{}\n".encode("utf-16"), "line 1: UTF-16", 1),
        (".cadenza-env/x.jsonl", tick(1).decode().strip().encode("utf-16"), "UTF-16", 1),
        (LOG, tick(1).decode().strip().encode("utf-16"), "UTF-16", 1),
        (".cadenza-env/x.jsonl", b'[\n {\n  "tick": 1\n }\n]', "line 1: not JSON", 1),
        (".cadenza-env/x.jsonl", b'[{"tick": 1}, {"tick": 2}]', "an object { ... }, not a list", 1),
        (".cadenza-env/x.jsonl", b"tick,action\n1,stand\n", "line 1: not JSON", 1),
        (".cadenza-env/x.jsonl", b"\0" * 10, "zero bytes", 1),
        (LOG, tick(1).replace(b"\n", b"\r") + tick(2).replace(b"\n", b"\r"), "CR alone", 1),
        (LOG, b"\x1f\x8b\x08\x00 packed, under a plain name", "not UTF-8", 1),
        (".cadenza-env/x.log.jsonl.gz", b"\x1f\x8b", "gunzip", None),
        ("lora/eval.jsonl", b'[{"goal": "g"}]', "not a list", 1),
        ("env.json", b"", "empty", None),
        ("env.json", b'{"name": "x", "phases": []}', "phases", None),
        ("env.json", b"[" * 100_000, "nested", None),
        ("env.json", b" " * (17 << 20), "larger than 16 MiB", None),
        ("env.json", b'{"name": "\\ud800", "phases": []}', "half a character", None),
    ],
)
def test_a_file_without_anything_usable_is_rejected_with_a_reason(
    project: Path, path: str, content: bytes, reason: str, line: int | None
) -> None:
    put(project, path, content)
    seen = observe(project, path, None)
    assert seen is not None
    assert seen.rejection is not None
    assert reason in seen.rejection
    assert len(seen.rejection.splitlines()) == 1
    assert seen.rejected_line == line
    assert seen.spec is seen.log is seen.examples is None


def test_a_first_line_may_be_longer_than_what_is_sniffed_at(project: Path) -> None:
    content = tick(1, image="x" * 1_200_000) + tick(2)
    for path in (".cadenza-env/cam.jsonl", ".cadenza-env/cam.ndjson"):
        put(project, path, content)
        seen = observe(project, path, None)
        assert isinstance(seen, Observation)
        assert seen.log is not None
        assert seen.log.counts.valid == 2
    assert [log.run_id for log in run_logs(project)] == ["cam", "cam"]


def test_a_line_without_end_that_nobody_can_hold_is_rejected(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.project.formats.lines.MAX_LINE", 1000)
    put(project, ".cadenza-env/x.jsonl", b'{"a": "' + b"x" * 600_000)
    seen = observe(project, ".cadenza-env/x.jsonl", None)
    assert isinstance(seen, Observation)
    assert seen.rejection is not None
    assert "line 1: longer than" in seen.rejection


def test_a_log_is_known_by_any_of_its_lines(project: Path) -> None:
    # given a log whose beginning is no JSON at all
    put(project, ".cadenza-env/x.jsonl", b"starting up ...\n" * 70_000 + tick(1))
    seen = observe(project, ".cadenza-env/x.jsonl", None)
    assert isinstance(seen, Observation)
    assert seen.kind == "run"
    assert seen.log is not None
    assert (seen.log.counts.valid, seen.log.counts.rejected) == (1, 70_000)


@pytest.mark.parametrize("name", ["eval.jsonl", "x.exam (1).jsonl", "rescue eval copy.jsonl"])
def test_a_copy_of_an_exam_is_an_exam(project: Path, name: str) -> None:
    row = b'{"goal": "g", "actions": [{"action": "stand"}]}\n'
    for folder in (".cadenza-env", ".cadenza-env/examples"):
        put(project, f"{folder}/{name}", row)
        seen = observe(project, f"{folder}/{name}", None)
        assert isinstance(seen, Observation)
        assert (seen.kind, seen.rejection) == ("exam", None)


def test_one_usable_line_is_enough(project: Path) -> None:
    put(project, LOG, b"[1]\n" + tick(1) + b"null\n")
    seen = observe(project, LOG, None)
    assert seen is not None
    assert seen.log is not None
    assert (seen.log.counts.valid, seen.log.counts.rejected) == (1, 2)


def test_examples_are_checked_with_the_projects_own_actions(project: Path) -> None:
    # given a mission with a signal
    spec = json.loads((project / "env.json").read_text())
    spec["control_panel"]["actions"]["wave_flag"] = "I see you"
    (project / "env.json").write_text(json.dumps(spec))
    row = b'{"goal": "g", "actions": [{"action": "wave_flag"}]}\n'
    put(project, "lora/eval.jsonl", row)

    # when / then
    seen = observe(project, "lora/eval.jsonl", None)
    assert seen is not None
    assert seen.examples is not None
    assert seen.examples.rows == 1


def test_a_broken_env_json_leaves_examples_to_the_standard_actions(project: Path) -> None:
    (project / "env.json").write_text("{")
    put(project, "lora/eval.jsonl", b'{"goal": "g", "actions": [{"action": "stand"}]}\n')
    seen = observe(project, "lora/eval.jsonl", None)
    assert seen is not None
    assert seen.rejection is None


# -- links, folders, pipes -------------------------------------------------------------------------


def test_a_link_within_the_project_is_followed_and_one_that_leaves_it_is_refused(
    project: Path,
) -> None:
    put(project, "data/real.bin", tick(1))
    (project / LOG).symlink_to(project / "data" / "real.bin")
    seen = observe(project, LOG, None)
    assert seen is not None
    assert seen.log is not None

    (project.parent / "outside").write_bytes(tick(1))
    for target in (project.parent / "outside", "../../outside", "/etc/passwd"):
        (project / LOG).unlink()
        (project / LOG).symlink_to(target)
        seen = observe(project, LOG, None)
        assert seen is not None
        assert seen.rejection is not None
        assert "leads out of the project" in seen.rejection
        assert (seen.size, seen.digest) == (0, NOTHING)


def test_a_link_to_itself_is_rejected_and_one_to_nothing_is_nothing(project: Path) -> None:
    (project / LOG).symlink_to("nowhere")
    assert observe(project, LOG, None) is None
    (project / LOG).unlink()
    (project / LOG).symlink_to("one.log.jsonl")
    seen = observe(project, LOG, None)
    assert seen is not None
    assert seen.rejection is not None


def test_what_is_no_file_is_passed_over(project: Path) -> None:
    (project / LOG).mkdir()
    assert observe(project, LOG, None) is None
    (project / LOG).rmdir()
    os.mkfifo(project / LOG)
    assert observe(project, LOG, None) is None
    (project / LOG).unlink()
    (project / LOG).symlink_to("pipe")
    os.mkfifo(project / ".cadenza-env" / "pipe")
    assert observe(project, LOG, None) is None


def test_a_folder_that_is_a_file_holds_nothing(project: Path) -> None:
    (project / ".cadenza-env").rmdir()
    (project / ".cadenza-env").touch()
    assert observe(project, LOG, None) is None
    assert observe(project.parent / "nowhere", LOG, None) is None


def test_a_name_that_is_not_utf8_is_rejected_as_printed(project: Path) -> None:
    file = put(project, os.fsdecode(b".cadenza-env/one\xff.log.jsonl"), tick(1))
    seen = unnameable(project, ".cadenza-env/one\\xff.log.jsonl", str(file))
    assert seen is not None
    assert (seen.path, seen.kind) == (".cadenza-env/one\\xff.log.jsonl", "run")
    assert seen.rejection == "its name is not UTF-8: rename it"
    file.unlink()
    assert unnameable(project, "x", str(file)) is None
