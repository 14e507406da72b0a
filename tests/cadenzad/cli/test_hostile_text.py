"""No name and no text from a file reaches a terminal, a log or a metric as it is: by every command.

The commands are those of the command trees: a new one is tried here, or this fails.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest
import runlogs
from consistent import faults_of

from cadenzad.cli.base import output
from cadenzad.cli.programs import cadenza, cadenzactl
from cadenzad.cli.reference.trees import callable_in, parser_of
from cadenzad.cli.terminal import bars
from cadenzad.logs import JournalLineFormatter, JsonFormatter, TextFormatter, fields_of
from cadenzad.metrics.collect import collect
from cadenzad.metrics.prometheus import render
from cadenzad.service_manager import notify
from store.events.adapter import AdapterScored
from store.events.process import JobFailed, JobQueued
from store.events.prompt import ClaimCounts, GateFact, PromptRewritten, RuleFact, RunsJudged
from store.schema import connect_reader
from store.text import json_text, one_line, printable_lines

EVIL = "x\x1b[31m\x9b5n\u202e\u2066\u200b\u2028\u2029\r\x07\ufeff\U000e0041\nFORGED"
"""A name: escape sequences, bidi, zero width, line ends of all sorts, a bell, a tag."""
KEY = "gsk_abcdefghijklmnopqrstuvwx"

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
ROBOT = {"goal": f"{EVIL} sit", "actions": [{"action": "sit"}]}


def raw(text: str) -> set[str]:
    """What of a text may not come to a terminal; a line feed may."""
    return {char for char in text if char != "\n" and unicodedata.category(char) in HIDDEN}


def check(text: str, where: object) -> None:
    assert not raw(text), (where, raw(text), text)
    assert not [line for line in text.splitlines() if line.startswith("FORGED")], (where, text)


@pytest.fixture
def hostile(home, append, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which everything that has a name or a text of its own is hostile."""
    monkeypatch.setenv("USER", EVIL)
    project = home.project(EVIL)
    spec = json.loads((project / "env.json").read_text())
    spec["name"] = f"{EVIL} {KEY}"
    spec["scene"] = {
        "zones": [{"name": EVIL, "aabb": [[-2, -1, 0], [-1, 1, 1]]}],
        "objects": [{"type": "box", "tag": EVIL, "position": [-3, 0, 0.1], "size": [0.1] * 3}],
    }
    spec["phases"] = [
        {"name": EVIL, "goal_prompt": EVIL, "success_when": {"enter_zone": EVIL}},
        {"name": "see", "goal_prompt": "sit", "success_when": {"see_object": {"tag": EVIL}}},
    ]
    spec["control_panel"] = {"actions": {EVIL: EVIL}, EVIL: 1}
    (project / "env.json").write_text(json.dumps(spec))
    (project / "cadenzad.toml").write_text(f"{json.dumps(EVIL)} = 1\n")
    (project / "lora/patterns.jsonl").write_text(
        json.dumps(ROBOT) + "\n" + json.dumps({"goal": EVIL, "actions": [{"action": EVIL}]}) + "\n"
    )
    (project / "lora/eval.jsonl").write_text(json.dumps({**ROBOT, "goal": "sit"}) + "\n")
    folder = project / ".cadenza-env"
    changes = {"phase": EVIL, "goal_prompt": EVIL, "action": EVIL, "motion": {"label": EVIL}}
    failed = runlogs.run(3, success=False, **changes, phase_failed=True, end_reason=EVIL)
    home.log(project, EVIL, phase=EVIL, motion={"label": EVIL})
    home.log(project, KEY)
    (folder / f"failed {EVIL}.log.jsonl").write_bytes(failed + b"[1]\n")
    (folder / f"bad {EVIL}.log.jsonl").write_text(json.dumps(EVIL) + "\n")
    (folder / f"{EVIL}.examples.jsonl").write_text(json.dumps({"goal": EVIL, "actions": EVIL}))
    events = [{"ts": 1.0, "event": "session_start"}, {"ts": 2.0, "event": "error", "error": EVIL}]
    (folder / f"{EVIL}.orchestrator.jsonl").write_text("\n".join(map(json.dumps, events)))
    os.mkdir(home.workspace / f"broken {EVIL}")
    (home.workspace / f"broken {EVIL}" / "env.json").write_text(json.dumps({"name": [EVIL]}))
    home.once()
    job = JobQueued(kind="selftest", project=str(project), reason=EVIL)
    number = append(project, job)[0].position
    rule = RuleFact(line=f"- {EVIL}", mode_id=EVIL, citations=(f"{EVIL}:1-2",))
    append(
        project,
        JobFailed(job=number, attempt=1, error=EVIL),
        RunsJudged(
            runs=1,
            ticks=3,
            findings=(),
            remarks=(EVIL,),
            dropped=(EVIL,),
            evidence_sha256="e",
            claims=ClaimCounts(kept=0, dropped=1),
            model=EVIL,
        ),
        PromptRewritten(
            version=1,
            parent=None,
            file=f"{EVIL}.py",
            before_sha256="a",
            after_sha256="b",
            rules=(rule,),
            gates=(GateFact(name=EVIL, result="pass", detail=EVIL),),
            diff="-old\n+" + EVIL.replace("\n", ""),
            by=EVIL,
        ),
    )
    home.record_adapters(project, 1)
    append(
        project,
        AdapterScored(
            version=1,
            verdict="NEEDS_DATA",
            held_out=True,
            checks=(),
            reasons=(EVIL,),
            next_steps=(EVIL,),
            scorecard="x.json",
            scorecard_sha256="s",
        ),
    )
    return project


LINES = ("cadenzactl events", "cadenzactl logs")
"""Their --json is an object a line."""


def calls(project: Path, folder: Path) -> dict[str, list[list[str]]]:
    """Each command, and what it is asked; those that start a child process ask for what is not."""
    here, nobody = str(project), f"nobody {EVIL}"
    log, evil_file = f"{EVIL}.log.jsonl", str(folder / EVIL)
    both = [[here], [here, "--json"], [nobody]]
    return {
        "cadenzactl status": [[], ["--json"], *both, ["--at", "3"], ["--at", EVIL]],
        "cadenzactl events": [[], ["--json"], ["--project", nobody], ["--type", EVIL]],
        "cadenzactl setup": [["--workspace", evil_file, "--service", "none"], ["--key-file", EVIL]],
        "cadenzactl ping": [["--timeout", "0.01"], ["--timeout", EVIL]],
        "cadenzactl prompt": [
            *both,
            *([here, action, *js] for action in ("log", "diff") for js in ([], ["--json"])),
            [here, EVIL],
        ],
        "cadenzactl why": both,
        "cadenzactl dashboard": [["--port", EVIL], ["--host", EVIL], ["--token-file", evil_file]],
        "cadenzactl report": [
            [here, "-o", f"{evil_file}.html"],
            [here, "-o", "-"],
            [here, "-o", f"{evil_file}.html", "--at", EVIL],
            [nobody, "-o", f"{evil_file}.html"],
            [here, "-o", f"{evil_file}/{EVIL}/x", "--json"],
        ],
        "cadenzactl rollback": [[here], [here, "--to", EVIL], [nobody]],
        "cadenzactl trust": both,
        "cadenzactl jobs": [[], ["--json"], [here], ["--failed"], [nobody], ["1"], ["1", "--log"]],
        "cadenzactl logs": [[], ["--json"], ["--last", EVIL], ["--level", EVIL]],
        "cadenzactl jobs retry": [["1"], [EVIL], ["9" * 30]],
        "cadenzactl jobs cancel": [["1"], [EVIL], ["9" * 30]],
        "cadenzactl pause": both,
        "cadenzactl resume": both,
        "cadenzactl selftest": [[nobody], ["--timeout", EVIL]],
        "cadenzactl verify": [[], ["--json"]],
        "cadenzactl db rebuild": [[], ["--json"]],
        "cadenzactl service": [
            ["status", "--user"],
            ["install", "--user", "--dry-run", "--workspace", here],
            ["install", "--user", "--dry-run", "--workspace", nobody],
            [EVIL],
        ],
        "cadenzactl doctor": [[], ["--json"], ["--fix"]],
        "cadenzactl db backup": [[evil_file], [evil_file, "--json"], [f"{evil_file}/{EVIL}/x"]],
        "cadenzactl db restore": [[evil_file, "--check"], [f"{evil_file}.none", "--check"], [here]],
        "cadenzactl db prune": [[here, "--keep-last", "0", "--dry-run"], [here, "--what", EVIL],
                             [here, "--keep-last", "0"], [here, "--keep-last", "0", "--json"],
                             [nobody, "--keep-last", "1"]],
        "cadenzactl metrics": [[], ["--json"], ["--textfile", f"{evil_file}/none"]],
        "cadenzactl config show": [[], [here], [nobody], ["--config", nobody]],
        "cadenzactl config check": [[], [f"{here}/cadenzad.toml"], [nobody]],
        "cadenzactl completion": [["--projects"], [EVIL]],
        "cadenza env init": [[f"{evil_file} made"], [f"{evil_file} more", "--json"], [here]],
        "cadenza env run": [
            [here, "--headless", "--max-ticks", "1"],
            [here, "--headless", "--max-ticks", "1", "--json"],
            [here, "--policy", EVIL],
            [nobody],
        ],
        "cadenza env show": [
            *both, [here, "--run", EVIL], [here, "--run", nobody],
            [here, "-o", f"{evil_file}.svg"], [here, "-o", EVIL],
        ],
        "cadenza env check": both,
        "cadenza env gym": [[here], [nobody]],
        "cadenza env stats": both,
        "cadenza env dataset": [
            *([here, what] for what in ("show", "curate", "card")), [here, "push", EVIL],
            [here, "show", EVIL], [here, EVIL], [nobody, "update"],
        ],
        "cadenza env runs": [*both, [here, "--last", EVIL], [here, "--at", EVIL]],
        "cadenza env compare": [
            *([here, EVIL, f"failed {EVIL}", *js] for js in ([], ["--json"])),
            [here, EVIL, nobody],
            [nobody, EVIL, EVIL],
        ],
        "cadenza env finetune": [
            [here, log, "-o", f"{evil_file}.out"],
            [here, f"failed {EVIL}", "-o", f"{evil_file}.out", "--json"],
            [here, f"bad {EVIL}", "-o", evil_file],
            [here, nobody, "-o", evil_file],
            [here, log, "-o", f"{evil_file}.npz", "--format", "npz"],
        ],
        "cadenza env takein": [[here, EVIL], [here, log], [nobody, log]],
        "cadenza env train": [[here, "--dry-run"], [here, "--dry-run", "--json"], [nobody]],
        "cadenza env lora add": [
            [here, f"{EVIL} walk", "--steps", "sit"],
            [here, EVIL, "--steps", EVIL],
            [here, "a", "--steps", EVIL, "--json"],
        ],
        "cadenza env lora data": both,
        "cadenza env lora log": both,
        "cadenza env lora export": [[here, "--merged", EVIL], [nobody, "--merged", EVIL]],
        "cadenza env lora push": [[here, EVIL], [nobody, EVIL]],
        "cadenza env lora finetune": [[nobody], [here, "--no-such", EVIL]],
        "cadenza env lora eval": [[nobody], [here, "--no-such", EVIL]],
        "cadenza env lora decode": [[here, EVIL], [here, "--file", EVIL], [nobody, "x"]],
    }  # fmt: skip


def test_no_command_shows_anything_as_it_is(home, hostile, run_cli, monkeypatch, tmp_path) -> None:
    # given what every command of the trees is asked
    known = {
        parser.prog for name in ("cadenzactl", "cadenza") for parser in callable_in(parser_of(name))
    }
    known = {name for name in known if not name.startswith("cadenzactl hub")}  # ask a PostgreSQL
    folder = tmp_path / "out"
    folder.mkdir()
    asked = calls(hostile, folder)
    assert set(asked) == known
    monkeypatch.chdir(folder)

    # when each is run, then it says no more than can be shown, and JSON is exact
    for command, words in asked.items():
        program, *name = command.split()
        main = cadenzactl if program == "cadenzactl" else cadenza
        for more in words:
            _, out, err = run_cli(main, *name, *more)
            check(out, (command, more))
            check(err, (command, more))
            assert "Traceback" not in err, (command, more, err)
            if "--json" in more and out and command not in LINES:
                assert list(faults_of(json.loads(out))) == [], (command, more)
    _, out, _ = run_cli(cadenzactl, "status", "--json")
    assert json.loads(out)["projects"][0]["project"] in (EVIL, f"broken {EVIL}")


def test_what_is_said_on_a_terminal_is_escaped_too(monkeypatch) -> None:
    # given a terminal
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)
    shown = io.StringIO()
    shown.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", shown)

    # when a job tells how it goes, then its bar holds nothing but what tqdm draws it with
    with bars.job_bar() as progress:
        progress({"step": EVIL, "done": 1, "total": 3, EVIL: EVIL})
    output.say_again(EVIL)
    check(shown.getvalue().replace("\r", "").replace("\x1b[A", ""), "bar")


def test_no_log_line_metric_or_status_holds_anything_as_it_is(
    home, hostile, caplog: pytest.LogCaptureFixture, monkeypatch
) -> None:
    # given what the daemon logs of such a project
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("cadenzad.test").warning("%s", EVIL, extra={"project": EVIL, "n": [EVIL]})
        home.once()
        (home.workspace / EVIL / ".cadenza-env" / f"2 {EVIL}.log.jsonl").write_bytes(b"{}\n")
        home.once()
    assert any(EVIL in record.getMessage() for record in caplog.records)
    try:
        raise ValueError(EVIL)
    except ValueError:
        caplog.handler.records.append(
            logging.LogRecord("x", 40, "f", 1, "failed", None, sys.exc_info())
        )
    for record in caplog.records:
        record.exc_text = (
            logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        )
        for form in (TextFormatter(), JsonFormatter(), JournalLineFormatter()):
            check(form.format(record), form)
        for name, value in fields_of(record).items():
            # A traceback is part of its entry, on lines of its own.
            check(value.partition("\n")[0] if name == "MESSAGE" else value, name)
            assert not raw(value), name
        assert json.loads(JsonFormatter().format(record))["message"] == record.getMessage()

    # and metrics, and what systemd is told
    reader = connect_reader(home.state)
    check(render(collect(home.state, reader)), "metrics")
    reader.close()
    sent: list[bytes] = []
    fake = SimpleNamespace(sendto=lambda data, _address: sent.append(data))
    fake.__enter__ = fake.__exit__ = None
    monkeypatch.setenv("NOTIFY_SOCKET", "@x")

    class Socket:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self):
            return fake

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(notify.socket, "socket", Socket)
    assert notify.notify("READY=1", f"STATUS={EVIL}")
    (told,) = sent
    check(told.decode(), "STATUS")
    assert told.count(b"\n") == 1


def test_whatever_does_not_print_is_escaped() -> None:
    # Every character of the first planes, and some of those with nothing but unassigned ones.
    numbers = [*range(0x2000), *range(0x2000, 0x20000, 7), *range(0x20000, sys.maxunicode, 997)]
    numbers += [0x2028, 0x2029, 0x202E, 0x2066, 0x200B, 0xFEFF, 0xD800, 0xE0041, 0x10FFFF]
    hidden = "".join(char for char in map(chr, numbers) if unicodedata.category(char) in HIDDEN)
    shown = one_line(hidden)
    assert not raw(shown)
    assert "\n" not in shown
    for number in range(0, len(hidden), 1000):
        piece = hidden[number : number + 1000]
        assert not raw(json_text(piece))
        assert "".join(map(json.loads, map(json_text, piece[:20]))) == piece[:20]


def test_text_that_prints_stays_as_it_is() -> None:
    assert one_line("Größe 大小 🤖 c:\\x") == "Größe 大小 🤖 c:\\x"
    assert json_text({"größe": [1, "\\"]}) == '{"größe": [1, "\\\\"]}'
    assert printable_lines("a\n\x1bb\r\n") == "a\n\\x1bb\\r\n"
    value = {EVIL: [EVIL, {"a": EVIL}]}
    assert json.loads(json_text(value, indent=2)) == value
    check(json_text(value, indent=2), "json")
