"""What a file of a project is, and what is outside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handlers.project.paths import WATCHED_DIRS, classify, inside, run_id_of, sniff
from store.errors import UnsafePathError

ROLES = {
    "env.json": "config",
    "sub/env.json": "ignore",
    ".cadenza-env/env.json": "ignore",
    ".cadenza-env/a.log.jsonl": "run",
    "a.log.jsonl": "maybe",
    "a.orchestrator.jsonl": "orchestrator",
    ".cadenza-env/a.orchestrator.jsonl": "orchestrator",
    ".cadenza-env/a.examples.jsonl": "examples",
    ".cadenza-env/examples/a.examples.jsonl": "examples",
    ".cadenza-env/examples/whatever.jsonl": "examples",
    "lora/patterns.jsonl": "examples",
    ".cadenza-env/a.exam.jsonl": "exam",
    ".cadenza-env/examples/a.exam.jsonl": "exam",
    "lora/eval.jsonl": "exam",
    "lora/other.jsonl": "ignore",
    "session.jsonl": "maybe",
    ".cadenza-env/session.jsonl": "maybe",
    "a.finetune.jsonl": "ignore",
    ".cadenza-env/a.finetune.jsonl": "ignore",
    ".cadenza-env/examples/a.finetune.jsonl": "ignore",
    ".cadenza-env/exports/a.jsonl": "ignore",
    ".cadenza-env/exports/a.log.jsonl": "ignore",
    ".cadenza-env/prompts/a.jsonl": "ignore",
    ".cadenza-env/adapters/1/a.jsonl": "ignore",
    # copies, rotations and other spellings
    ".cadenza-env/a.exam (1).jsonl": "exam",
    ".cadenza-env/a.exam copy.jsonl": "exam",
    ".cadenza-env/a.exam - Copy (2).jsonl": "exam",
    ".cadenza-env/a.exam-copy.jsonl": "exam",
    ".cadenza-env/a.exam_2.jsonl": "exam",
    ".cadenza-env/a.exam.sync-conflict-20260101-1.jsonl": "exam",
    ".cadenza-env/a (conflicted copy).exam.jsonl": "exam",
    ".cadenza-env/a.exam.jsonl.1": "exam",
    ".cadenza-env/A.EXAM.JSONL": "exam",
    ".cadenza-env/a.exam.ndjson": "exam",
    ".cadenza-env/eval.jsonl": "maybe",
    ".cadenza-env/examples/eval.jsonl": "exam",
    ".cadenza-env/examples/Eval (1).jsonl": "exam",
    ".cadenza-env/examples/rescue-eval.jsonl": "exam",
    ".cadenza-env/examples/a.eval.jsonl": "exam",
    ".cadenza-env/examples/a.exam (1).jsonl": "exam",
    ".cadenza-env/examples/evaluate.jsonl": "examples",
    ".cadenza-env/examples/eval.examples.jsonl": "examples",
    "lora/eval (1).jsonl": "exam",
    "lora/eval copy.jsonl": "exam",
    "lora/Copy of eval.jsonl": "exam",
    "lora/eval.sync-conflict-20260101-1.jsonl": "exam",
    "lora/eval (conflicted copy 2026-01-01).jsonl": "exam",
    "lora/patterns (1).jsonl": "examples",
    "lora/eval-notes.jsonl": "ignore",
    ".cadenza-env/a.examples (1).jsonl": "examples",
    ".cadenza-env/a.log (1).jsonl": "run",
    ".cadenza-env/a.log-2.jsonl": "run",
    ".cadenza-env/a.log.jsonl.1": "run",
    ".cadenza-env/a.log.1.jsonl": "run",
    ".cadenza-env/A.LOG.JSONL": "run",
    ".cadenza-env/a.log.ndjson": "run",
    ".cadenza-env/a.login.jsonl": "maybe",
    ".cadenza-env/a.jsonl.2": "maybe",
    ".cadenza-env/a.NDJSON": "maybe",
    ".cadenza-env/a.log.jsonl.gz": "packed",
    ".cadenza-env/a.log.jsonl.1.gz": "packed",
    ".cadenza-env/a.exam.jsonl.gz": "packed",
    ".cadenza-env/a.ndjson.zst": "packed",
    ".cadenza-env/examples/a.jsonl.GZ": "packed",
    ".cadenza-env/a.finetune (1).jsonl": "ignore",
    ".cadenza-env/a.finetune.jsonl.gz": "ignore",
    "a.orchestrator (1).jsonl": "orchestrator",
    "a.jsonl.gz": "ignore",
    ".cadenza-env/.a.log.jsonl": "ignore",
    ".cadenza-env/.a.log.jsonl.x1.tmp": "ignore",
    ".cadenza-env/a.log.jsonl~": "ignore",
    ".cadenza-env/a.log.jsonl.swp": "ignore",
    ".cadenza-env/a.log.jsonl.tmp": "ignore",
    ".cadenza-env/a.log.jsonl.part": "ignore",
    ".cadenza-env/a.log.json": "ignore",
    ".hidden.jsonl": "ignore",
    "main.py": "ignore",
    "../a.log.jsonl": "ignore",
    "/env.json": "ignore",
    "": "ignore",
}


@pytest.mark.parametrize(("path", "role"), ROLES.items())
def test_a_path_says_what_a_file_is(path: str, role: str) -> None:
    assert classify(path) == role


def test_every_file_that_counts_lies_in_a_watched_folder() -> None:
    # given every path that is something, when its folder is taken, then that folder is watched
    folders = {path.rpartition("/")[0] or "." for path, role in ROLES.items() if role != "ignore"}
    assert folders == set(WATCHED_DIRS)


@pytest.mark.parametrize(
    ("objects", "anywhere", "in_root"),
    [
        ([{"ts": 1.0, "event": "session_start"}], "orchestrator", "orchestrator"),
        ([{"ts": 1.0, "event": "execute_start", "tick": 0, "action": "x"}], *["orchestrator"] * 2),
        ([{"tick": 1, "action": "sit"}], "run", "ignore"),
        ([{"goal": "sit", "actions": []}], "examples", "ignore"),
        ([{"prompt": "p", "tick": 1, "action": "sit"}], "ignore", "ignore"),
        ([{"note": 1}, {"tick": 1, "action": "sit"}], "run", "ignore"),
        ([{"level": "info", "event": "x"}], "ignore", "ignore"),
        ([], "ignore", "ignore"),
    ],
)
def test_content_decides_where_a_name_does_not(
    objects: list[dict[str, Any]], anywhere: str, in_root: str
) -> None:
    assert sniff(objects) == anywhere
    assert sniff(objects, in_root=True) == in_root


@pytest.mark.parametrize(
    ("path", "run_id"),
    [
        (".cadenza-env/2026-01-02T03.log.jsonl", "2026-01-02T03"),
        ("a.b.orchestrator.jsonl", "a.b"),
        ("session.jsonl", "session"),
        ("session.ndjson", "session"),
        ("A.LOG.JSONL", "A"),
        ("a.log (1).jsonl", "a.log (1)"),
        ("a.log.jsonl.1", "a.log.jsonl.1"),
        (".log.jsonl", ".log"),
        (Path("/x/y.log.jsonl"), "y"),
        (".jsonl", ".jsonl"),
        ("odd.txt", "odd.txt"),
    ],
)
def test_a_run_is_named_after_its_file(path: str | Path, run_id: str) -> None:
    assert run_id_of(path) == run_id


def test_paths_inside_the_project_resolve(tmp_path: Path) -> None:
    # given a project reached through a symlink, with a link inside it
    real = tmp_path / "real"
    (real / "logs").mkdir(parents=True)
    project = tmp_path / "project"
    project.symlink_to(real)
    (real / "here").symlink_to("logs")

    # when paths are checked, then the real one comes back, whether it exists or not
    assert inside(project, Path("here/new.jsonl")) == real / "logs" / "new.jsonl"
    assert inside(project, project / "logs") == real / "logs"
    assert inside(project, Path()) == real


@pytest.mark.parametrize(
    "candidate", ["..", "../project2/x", "/etc/passwd", "out", "out/x", "loop", "a\0b"]
)
def test_paths_that_leave_the_project_are_refused(tmp_path: Path, candidate: str) -> None:
    # given a project with a link out of it and one that leads nowhere
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "project2").mkdir()
    (project / "out").symlink_to(tmp_path / "project2")
    (project / "loop").symlink_to("loop")

    # when the path is checked, then it is refused in one line
    with pytest.raises(UnsafePathError) as caught:
        inside(project, Path(candidate))
    assert "\n" not in str(caught.value)


def test_a_path_that_meets_no_link_is_real_as_it_is_and_one_that_does_is_followed(
    tmp_path: Path,
) -> None:
    # given a project with a folder, a link inside it, and links that lead out, at either end
    root = (tmp_path / "rescue").resolve()
    (root / "logs").mkdir(parents=True)
    (root / "here").symlink_to("logs")
    (root / "out").symlink_to(tmp_path)
    (root / "logs" / "out.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    # then what is inside is the path that `resolve` finds, there or not
    for name in ("logs/a.jsonl", "logs", "here/a.jsonl", "none/of/it.jsonl", "logs/../logs/b", ""):
        assert inside(root, Path(name)) == (root / name).resolve()
    # and what leads out is refused, also where the link is the last step or the name goes up
    for name in ("out/a.jsonl", "logs/out.jsonl", "logs/../../x", "none/../../x", "../rescue2/x"):
        with pytest.raises(UnsafePathError, match="leads out"):
            inside(root, Path(name))
    # as a file on the way is
    (root / "file").write_text("")
    assert inside(root, Path("file/x")) == root / "file" / "x"
