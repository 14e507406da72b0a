"""Whatever is in a file, a flag or a request: an answer or one line of ours, and nothing good lost.

Each way in gets inputs that are valid but for some damage, and inputs that a grammar of bad habits
makes. A few hundred each here, a hundred thousand each in `make prove`. A failure names the number
that its input follows from: `_input(subject, number)` makes it again.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import runlogs
from fuzzing import changed, damaged, json_text, numbers

from cadenzad.config.files import Config, load_config
from cadenzad.config.project import load_project_config
from cadenzad.requests import commands, inbox
from cadenzad.requests.handle import carry_out
from handlers.export.records import Recipe, RecordMaker
from handlers.export.template import OBS_DEFAULTS, RENDER_ERRORS, compile_template
from handlers.goals.reading import read_goal
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.source import edited, parse_prompt
from handlers.lora.data.authoring import parse_steps
from handlers.lora.data.phasesteps import phase_steps
from handlers.lora.model import text
from handlers.project.formats.examples import iter_examples, read_examples
from handlers.project.formats.orchestrator import read_orchestrator_log
from handlers.project.formats.runlog import read_run_log
from handlers.project.library import library_for
from handlers.project.scaffold import init_project
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE, parse_spec
from store.errors import CadenzaError
from store.opening import open_writer

ORDINARY = 250
PROVEN = 100_000


@dataclass(frozen=True)
class Subject:
    """A way in: `make` an input of chance, and `take` it as our code does."""

    make: Callable[[random.Random], Any]
    take: Callable[[Any], object]


# -- files of lines --------------------------------------------------------------------------------

ORCHESTRATED = (
    b'{"event": "mission_start", "ts": 1.0, "mission": "m"}',
    b'{"event": "tick", "ts": 2.0, "tick": 1, "reward": 0.5}',
    b'{"event": "mission_end", "ts": 3.0, "success": true}',
)
TICKS = tuple(line.rstrip() for line in runlogs.run(6).splitlines())
EXAMPLE = {"goal": "go", "actions": [{"action": "walk_forward", "distance_m": 1.0}]}
RECIPE = Recipe("m", 3, DEFAULT_PROMPT_TEMPLATE)
GO1 = library_for("go1", None)


@dataclass(frozen=True)
class Lines:
    """A file of lines, and how many of them nothing was done to."""

    data: bytes
    good: int


def _lines(rng: random.Random, valid: tuple[bytes, ...]) -> Lines:
    lines, good = [], 0
    for _ in range(rng.randrange(1, 8)):
        line = rng.choice(valid)
        what = rng.randrange(4)
        if what == 0:
            line = damaged(rng, line)
        elif what == 1:
            line = json_text(rng)
        elif what == 2:
            value = changed(rng, json.loads(line))
            line = json.dumps(value).encode("utf-8", "surrogatepass")
        else:
            good += 1
        lines.append(line)
    torn = rng.choice((b"", b"", b'{"tick": 1, "act', b"\0" * 500))
    return Lines(b"\n".join([*lines, torn]), good)


def _run_log(lines: Lines) -> None:
    found = read_run_log(io.BytesIO(lines.data))
    assert found.counts.valid >= lines.good, "a good line is lost"
    assert found.size <= len(lines.data)
    _encoded(found.episodes)
    maker = RecordMaker(RECIPE)
    whole, _, tail = lines.data.rpartition(b"\n")
    exported = maker.block(whole + b"\n") + (maker.last_line(tail) if tail else b"")
    for record in exported.splitlines():
        assert "action" in json.loads(record)
    assert exported.count(b"\n") >= lines.good, "a good tick is not exported"


def _orchestrator_log(lines: Lines) -> None:
    found = read_orchestrator_log(io.BytesIO(lines.data))
    assert found.counts.valid >= lines.good, "a good line is lost"
    _encoded(found.episodes)


def _examples(lines: Lines) -> None:
    found = read_examples(io.BytesIO(lines.data), GO1)
    assert found.rows >= lines.good, "a good row is lost"
    assert len(list(iter_examples(io.BytesIO(lines.data), GO1))) == found.rows


def _encoded(facts: tuple[Any, ...]) -> None:
    """What goes into an event can be written and read again."""
    for fact in facts:
        assert type(fact).of_json(fact.as_json()) == fact


# -- one object a file -----------------------------------------------------------------------------


def _object(rng: random.Random, valid: bytes) -> bytes:
    what = rng.randrange(8)
    if what == 0:
        return json_text(rng, 6)
    if what < 4:
        return damaged(rng, valid)
    value = json.loads(valid)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        value = changed(rng, value)
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _env_json(data: bytes) -> None:
    spec = parse_spec(data, "env.json")
    phase_steps(spec, GO1)
    _rendered(spec.vla_finetune.template)


def _template(rng: random.Random) -> str:
    fields = ["{mission_name}", "{pos_x:+.2f}", "{phase_idx!r:>5}", "{{", "}}", "{", "}", "%", "a"]
    fields += ["{pos_x:999999999}", "{pos_x:.999999999f}", "{pos_x:c}", "{0}", "{}", "{x.y}"]
    fields += [
        "{pos_x:{roll_deg}}",
        "{goal_prompt:s}",
        "{goal_prompt:,}",
        "\ud800",
        "\0",
        "{pos_x!z}",
    ]
    made = "".join(rng.choices(fields, k=rng.randrange(6)))
    if rng.random() < 0.5:
        made = damaged(rng, DEFAULT_PROMPT_TEMPLATE.encode()).decode("utf-8", "surrogateescape")
    return made


def _rendered(template: str) -> None:
    renderer = compile_template(template)
    scene = {"mission_name": "m", "n_phases": 3, "phase_idx": 1, "phase_name": "p"}
    with suppress(*RENDER_ERRORS):  # what becomes of such a record is its maker's business
        assert len(renderer.render({**scene, "goal_prompt": "g", **OBS_DEFAULTS})) < 1_000_000
    maker = RecordMaker(Recipe("m", 3, template))
    maker.block(TICKS[0] + b"\n" + TICKS[1] + b"\n")
    assert maker.tally.written == 2, "a tick is not exported"


# -- words -----------------------------------------------------------------------------------------


def _words(rng: random.Random, *valid: str) -> str:
    words = rng.choice(valid).encode()
    return damaged(rng, words).decode("utf-8", rng.choice(("replace", "surrogateescape")))


def _goal(goal: str) -> None:
    read_goal(goal)
    text.read(goal)


# -- code, settings, requests ----------------------------------------------------------------------

SOURCES = (
    b'SYSTEM_PROMPT = """\\\nBe good.\nGo on.\n"""\nx = 1\n',
    b"SYSTEM_PROMPT = ('Be ' r'\\d ' \"\"\"good\n\"\"\" u'now')\n",
    '# coding: latin-1\ny = "é"; SYSTEM_PROMPT = "Sei gütig."\n'.encode("latin-1"),
    b'def f(x: int) -> str:\n    return f"{x}"\n\nSYSTEM_PROMPT: str = """Be.\n"""\nprint(f(1))\n',
)
RULE = read("- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3")


def _source(data: bytes) -> None:
    after = edited(parse_prompt(data, Path("/robots/main.py")), [RULE])
    again = parse_prompt(after, Path("/robots/main.py"))
    assert again.block is not None
    assert again.block.intact
    assert edited(again, [RULE]) == after


SETTINGS = b"""workspaces = ["/robots"]
[watch]
settle = 0.05
settle_open = 2.0
max_wait = 30
[reconcile]
every = 300
[judge]
mode = "off"
[lora]
retrain = true
[metrics]
port = 9000
"""

REQUESTS = (
    ("ping", {}),
    ("rebuild", {"requested_by": "me"}),
    ("pause", {"project": "/robots/a", "by": "me"}),
    ("resume", {"project": "/robots/a", "by": "me"}),
    ("cancel_job", {"job": 1, "by": "me"}),
    ("retry_job", {"job": 1, "by": "me"}),
    ("trust", {"project": "/robots/a", "path": "x.py", "sha256": "0", "by": "me"}),
    ("queue_job", {"kind": "selftest", "project": "", "spec": {}, "reason": "asked"}),
    (
        "record_export",
        {
            "project": "/robots/a",
            "requested": {"run_path": "a", "reason": "b"},
            "outcome": {"type": "ExportFailed", "data": {"run_id": "a"}},
        },
    ),
)


def _request(rng: random.Random) -> bytes:
    kind, body = rng.choice(REQUESTS)
    kind = rng.choice([kind, kind, *commands.KINDS])
    return _object(rng, json.dumps({"id": "abc-1", "kind": kind, "body": body}).encode())


# -- all of them -----------------------------------------------------------------------------------


@pytest.fixture
def subjects(tmp_path: Path) -> Iterator[Mapping[str, Subject]]:
    project = tmp_path / "rescue"
    init_project(project)
    env = (project / "env.json").read_bytes()
    example = json.dumps(EXAMPLE).encode()
    settings, asked = tmp_path / "cadenzad.toml", tmp_path / "request.json"
    (tmp_path / "state").mkdir(0o700)
    writer = open_writer(tmp_path / "state")

    def settle(data: bytes) -> None:
        settings.write_bytes(data)
        load_config(settings)
        (project / ".cadenza-env").mkdir(exist_ok=True)
        (project / ".cadenza-env" / "cadenzad.toml").write_bytes(data)
        load_project_config(project, Config())

    def ask(data: bytes) -> None:
        asked.write_bytes(data)
        request = inbox.read(asked)
        if request.kind != "prune":  # it deletes files
            carry_out(request, writer)

    yield {
        "a run log": Subject(lambda rng: _lines(rng, TICKS), _run_log),
        "an orchestrator log": Subject(lambda rng: _lines(rng, ORCHESTRATED), _orchestrator_log),
        "examples": Subject(lambda rng: _lines(rng, (example,)), _examples),
        "env.json": Subject(lambda rng: _object(rng, env), _env_json),
        "a template": Subject(_template, _rendered),
        "--steps": Subject(
            lambda rng: _words(rng, "walk_forward 1.0, turn_left 1.57", "sit, wait duration_s=2"),
            lambda words: parse_steps(words, GO1),
        ),
        "a goal": Subject(
            lambda rng: _words(rng, "walk two and a half meters, then turn left 90 degrees twice"),
            _goal,
        ),
        "SYSTEM_PROMPT": Subject(lambda rng: damaged(rng, rng.choice(SOURCES)), _source),
        "cadenzad.toml": Subject(lambda rng: damaged(rng, SETTINGS), settle),
        "a request": Subject(_request, ask),
    }
    writer.close()


NAMES = (
    "a run log",
    "an orchestrator log",
    "examples",
    "env.json",
    "a template",
    "--steps",
    "a goal",
    "SYSTEM_PROMPT",
    "cadenzad.toml",
    "a request",
)


def _input(subject: Subject, number: int) -> Any:
    return subject.make(random.Random(number))


def _try(subject: Subject, count: int) -> None:
    for number, rng in numbers(count):
        data = subject.make(rng)
        try:
            subject.take(data)
        except CadenzaError:
            continue  # its message is one line by construction
        except Exception as error:
            raise AssertionError(f"number {number}: {error!r} of {data!r:.2000}") from error


@pytest.mark.filterwarnings("ignore")  # of Python, about the code in a damaged source
@pytest.mark.parametrize("name", NAMES)
def test_no_input_ends_in_a_traceback_or_loses_what_is_good(subjects, name) -> None:
    _try(subjects[name], ORDINARY)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_a_hundred_thousand_inputs(subjects, name) -> None:
    _try(subjects[name], PROVEN)
