"""Who drives in `cadenza env run`, what it says of that, and what a run's log says of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from groq_stub import GroqStub, completion
from missions import Cli, logs_of

from cadenzad import __version__
from cadenzad.cli.programs import cadenzactl
from handlers.judge.prompt.code import project_code
from handlers.judge.prompt.source import code_sha256, find_prompt
from handlers.mission.show.history import project_stats, read_runs
from store.errors import CadenzaError, InputError
from store.events.envelope import NewEvent, project_stream
from store.events.files import FileFact, ProjectDiscovered
from store.opening import open_writer

SAMPLE = files("handlers.project") / "sample" / "mission" / "main.py"
Err = Callable[[], str]
Record = dict[str, Any]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state directory of the commands."""
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("CADENZAD_STATE", str(folder))
    return folder


@pytest.fixture
def brain(project: Path, state: Path) -> Callable[[str], None]:
    """`brain(body)`: the project gets a `decide` of this body, and somebody trusts it."""

    def put(body: str) -> None:
        code = f"def decide(observation, system_prompt):\n    {body}\n"
        (project / "main.py").write_text(f'SYSTEM_PROMPT = "Be good."\n\n\n{code}')
        trust(project, state)

    return put


def trust(project: Path, state: Path) -> None:
    env = FileFact(path="env.json", dev=1, ino=1, size=1, mtime_ns=1, sha256="0" * 64)
    found = ProjectDiscovered(
        name=project.name, path=str(project), mission="m", robot="go1", phases=("go",), file=env
    )
    writer = open_writer(state)
    writer.append(NewEvent(project_stream(str(project)), found))
    writer.close()
    assert cadenzactl(["trust", str(project)]) == 0


def records_of(project: Path) -> list[list[Record]]:
    return [[*map(json.loads, log.read_text().splitlines())] for log in logs_of(project)]


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# -- which -----------------------------------------------------------------------------------------


def test_without_a_brain_the_scripted_policy_drives_and_it_is_said_why(
    cli: Cli, project: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli("run", project, "--headless", "--seed", 7, "--max-ticks", 9) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("policy: scripted (")
    assert "no .py file has a module-level SYSTEM_PROMPT" in line
    ((reset, tick),) = records_of(project)
    assert reset["stamp"] == {
        "policy": "scripted",
        "seed": 7,
        "max_ticks": 9,
        "env_sha256": sha256_of(project / "env.json"),
        "xml_sha256": None,
        "prompt_sha256": None,
        "brain_sha256": None,
        "adapter": None,
        "version": __version__,
    }
    assert "stamp" not in tick


def test_the_samples_own_brain_drives_under_its_prompt_without_trust(
    cli: Cli, project: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given the sample's brain, under a prompt of somebody's own
    text = SAMPLE.read_text().replace("walk_forward distance_m=0.3", "walk_forward distance_m=0.25")
    (project / "main.py").write_text(text)
    for _ in range(2):
        assert cli("run", project, "--headless", "--seed", 3) == 0
    err = capsys.readouterr().err.splitlines()
    assert err == ["policy: prompt (decide in main.py, under its SYSTEM_PROMPT)"] * 2

    # then that prompt's rule was followed, the same way twice, and the log says under what
    first, second = records_of(project)
    assert first == second
    assert [record["action_params"]["distance_m"] for record in first[1:]] == [0.25] * 2
    stamp = first[0]["stamp"]
    assert (stamp["policy"], first[1]["policy"]) == ("prompt", "prompt")
    assert stamp["prompt_sha256"] == find_prompt(project).sha256 == sha256_of(project / "main.py")
    assert stamp["brain_sha256"] == code_sha256(SAMPLE.read_bytes())


def test_a_brain_of_ones_own_drives_once_it_is_trusted(
    cli: Cli, project: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given one that nobody trusts
    code = "def decide(observation, system_prompt):\n    return {'action': system_prompt}\n"
    (project / "main.py").write_text(f'SYSTEM_PROMPT = "trot_forward"\n\n\n{code}')
    cli("run", project, "--headless", "--max-ticks", 1)
    assert "policy: scripted (main.py is not trusted (`cadenzactl trust short`))" in (
        capsys.readouterr().err
    )
    with pytest.raises(InputError, match="nothing can drive under a prompt") as no:
        cli("run", project, "--headless", "--policy", "prompt")
    assert "main.py is not trusted" in no.value.message
    assert "--policy scripted" in no.value.hint

    # when somebody does
    trust(project, state)
    cli("run", project, "--headless", "--max-ticks", 1)

    # then it drives, and trust and stamp name the same code
    ((reset, tick),) = (run for run in records_of(project) if run[0]["policy"] == "prompt")
    assert tick["action"] == "trot_forward"
    digest = project_code(project, project / "main.py").sha256
    assert reset["stamp"]["brain_sha256"] == digest
    assert digest[:12] in capsys.readouterr().out


def test_each_episode_has_a_brain_of_its_own(
    cli: Cli, project: Path, brain: Callable[[str], None]
) -> None:
    brain("decide.calls = getattr(decide, 'calls', 0) + 1; return ['sit', 'stand'][decide.calls-1]")
    assert cli("run", project, "--headless", "--max-ticks", 2, "--episodes", 2) == 1
    acted = [[record["action"] for record in run[1:]] for run in records_of(project)]
    assert acted == [["sit", "stand"]] * 2


# -- a brain that breaks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return {}['x']", "raised KeyError: 'x' (main.py:6)"),
        ("print('sit'); return 3", "gave no action"),
        ("return 'fly'", "go1 has no action 'fly'"),
        ("return {'action': 'walk_forward', 'distance_m': 99}", "distance_m"),
        ("import os; os._exit(3)", "ended with exit code 3"),
        ("import time; time.sleep(60)", "gave no answer in 0.5 s"),
    ],
)
def test_a_brain_that_breaks_is_one_line_and_an_error_in_the_log(
    cli: Cli,
    project: Path,
    brain: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    says: str,
) -> None:
    # given a brain that does well once
    monkeypatch.setattr("handlers.judge.brain.CALL_S", 0.5)
    brain(f"if observation['tick'] == 0: return 'stand'\n    {body}")
    capsys.readouterr()

    # when it drives two episodes
    with pytest.raises(CadenzaError) as broken:
        cli("run", project, "--headless", "--episodes", 2, "--json")

    # then the first one ends with one line that says where and what
    assert says in broken.value.message
    assert "main.py" in broken.value.message
    ((_, tick, last),) = records_of(project)
    assert (tick["action"], tick["end_reason"]) == ("stand", None)
    assert last["end_reason"] == f"error: {broken.value.message}"
    assert (last["action"], last["outcome"], last["reward"]) == (None, "error", None)
    assert (last["terminated"], last["truncated"], last["phase_failed"]) == (True, True, False)
    # and it is told as well
    (episode,) = json.loads(capsys.readouterr().out)["episodes"]
    assert (episode["outcome"], episode["ticks"]) == ("failed", 1)
    assert episode["end_reason"] == last["end_reason"]
    assert episode["phases"][0]["outcome"] == "error"


# -- which runs are comparable ---------------------------------------------------------------------


def test_stats_tell_runs_apart_that_are_not_comparable(
    cli: Cli, project: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given runs of two policies under several seeds, and one from before there were stamps
    cli("run", project, "--headless", "--episodes", 2)
    stats = project_stats(read_runs(project).runs)
    assert len(stats.conditions) == 1
    capsys.readouterr()
    assert cli("stats", project) == 0
    assert "scripted" not in capsys.readouterr().out
    old = logs_of(project)[0].read_text().replace('"stamp"', '"stomp"')
    cli("run", project, "--headless", "--policy", "random", "--max-ticks", 1)
    (project / ".cadenza-env" / "old.log.jsonl").write_text(old)
    capsys.readouterr()

    # when
    assert cli("stats", project) == 0
    out = capsys.readouterr().out
    assert cli("stats", project, "--json") == 0
    told = json.loads(capsys.readouterr().out)["conditions"]

    # then each kind is counted by itself
    env = sha256_of(project / "env.json")[:8]
    assert f"  policy scripted, env {env}, version {__version__}: 2 of 2\n" in out
    assert f"  policy random, max_ticks 1, env {env}, version {__version__}: " in out
    assert "  no stamp: 1 of 1\n" in out
    assert [count["runs"] for count in told] == [2, 1, 1]
    assert told[0]["stamp"]["policy"] == "scripted"
    assert "seed" not in told[0]["stamp"]


# -- a brain that is a language model --------------------------------------------------------------

ASKS = (
    "import groq; answer = groq.Groq().chat.completions.create(model='m', temperature=0,"
    " messages=[{'role': 'user', 'content': str(observation['tick'])}]);"
    " return {'action': answer.choices[0].message.content}"
)


def test_a_brain_that_asks_groq_does_so_through_us_and_never_sees_the_key(
    cli: Cli,
    project: Path,
    brain: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("groq")
    brain(ASKS)
    with GroqStub([completion("sit")]) as stub:
        monkeypatch.setenv("GROQ_BASE_URL", stub.url)
        monkeypatch.setenv("GROQ_API_KEY", "gsk_the-real-one")
        (project / "cadenzad.toml").write_text("[judge]\ntrial_calls = 2\n")

        # when it asks once more than it may
        with pytest.raises(InputError) as no:
            cli("run", project, "--headless", "--policy", "prompt", "--max-ticks", 9)

    # then what was announced was kept, and the run is one that was broken off
    said = capsys.readouterr().err
    assert said.startswith("its calls go to Groq with our key, 2 at most (judge.trial_calls)\n")
    assert "2 calls of a language model, 2000 tokens\n" in said
    assert "its 2 calls of a language model are used up" in no.value.message
    ((_, *ticks),) = records_of(project)
    assert [tick["action"] for tick in ticks[:-1]] == ["sit", "sit"]
    assert ticks[-1]["end_reason"].startswith("error: ")
    assert {seen["headers"]["authorization"] for seen in stub.requests} == {
        "Bearer gsk_the-real-one"
    }
    files = [path.read_text() for path in project.rglob("*") if path.is_file()]
    assert "gsk_the-real-one" not in "".join([said, no.value.message, *files])
