"""What a rewrite is worth, in real simulation: improved, unverified, or not written at all.

The robot's own `decide` drives under both prompts, pair by pair. Groq is scripted: what is shown is
that the chain from a run's log to the verdict works, not that a model would choose well.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from judging import ask_stub

pytest.importorskip("groq")
pytest.importorskip("mujoco")

SETTINGS = (
    "[judge]\nsearch = {search}\nseeds = {seeds}\nunverified = '{unverified}'\n"
    "[lora]\nretrain = false\n"
)
BLOCKED = {"is": "blocked", "name": "none", "n": 0, "for_ticks": 1}
SEEING = {"is": "seeing {name}", "name": "wall", "n": 0, "for_ticks": 1}
STEP = [{"name": "distance_m", "value": 0.3}]
BESIDE = {
    "phase": "pass",
    "conditions": [BLOCKED],
    "action": "side_step_left",
    "parameters": STEP,
}
WAIT = {"phase": "pass", "conditions": [BLOCKED], "action": "stand", "parameters": []}
SIT = {"phase": "any", "conditions": [SEEING], "action": "sit", "parameters": []}

WALL = {
    "name": "wall",
    "robot": "go1",
    "spawn": [0, 0, 0],
    "scene": {
        "objects": [
            {"type": "box", "tag": "wall", "position": [-1.2, 0.1, 0.15], "size": [0.1, 0.35, 0.15]}
        ],
        "zones": [
            {"name": "near_side", "aabb": [[-0.8, -1.5, 0], [-0.25, 1.5, 1]]},
            {"name": "far_side", "aabb": [[-4, -2, 0], [-1.6, 2, 1]]},
        ],
    },
    "phases": [
        {
            "name": "approach",
            "goal_prompt": "walk up to the wall",
            "success_when": {"enter_zone": "near_side"},
            "fail_when": {"flipped": True},
            "max_ticks": 4,
        },
        {
            "name": "pass",
            "goal_prompt": "get past the wall",
            "success_when": {"enter_zone": "far_side"},
            "fail_when": {"flipped": True},
            "max_ticks": 12,
        },
    ],
}
"""A wall that stands in the way of a robot that only ever walks on."""


@pytest.fixture
def train(house, stubs) -> Iterator[Callable[..., Any]]:
    """Judge a project by hand, with a Groq that answers with this rule for being stuck there."""
    with ExitStack() as stack:

        def run(project: Path, rule: dict[str, Any], seeds: int = 60, **more: str) -> Any:
            given = {"search": 0, "unverified": "apply", **more}  # the model's own is tried
            house.configure(improve=SETTINGS.format(seeds=seeds, **given))
            house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
            mined = house.run("cadenza", "env", "train", project, "--dry-run", "--json")
            findings = {item["id"]: item for item in json.loads(mined.stdout)["findings"]}
            finding = findings["stuck@pass"]
            candidate = {
                "mode_id": finding["id"],
                "cites": finding["citations"][:1],
                "rules": [rule],
                "why": "",
                "touches": [],
                "contradicts": [],
            }
            answer = stubs.completion({"candidates": [candidate], "remark": ""})
            stub = stack.enter_context(stubs.GroqStub([answer]))
            ask_stub(house, stub)
            return house.run("cadenza", "env", "train", project, check=False)

        yield run


def gate(event: dict[str, Any]) -> dict[str, Any]:
    (found,) = [item for item in event["data"]["gates"] if item["name"].startswith("G3")]
    return found


def simulate(project: Path, seed: int) -> None:
    """Let the project's own brain run its mission, and leave the log as a robot would."""
    from handlers.judge.policy import Choice, open_policy
    from handlers.judge.prompt.source import find_prompt
    from handlers.mission.episode.environment import Mission
    from handlers.mission.episode.episode import run_episode
    from handlers.mission.policies.prompted import Prompted
    from handlers.mission.world.model import compile_scene
    from handlers.project.library import library_for
    from handlers.project.spec import load_spec

    spec = load_spec(project / "env.json")
    library = library_for(spec.robot, project, spec.signals)
    source = find_prompt(project)
    policy = open_policy(Choice("decide"), source, source.value)
    prompted = Prompted(policy.decide)
    scene = compile_scene(spec.scene.objects, None)
    with (project / ".cadenza-env" / "r1.log.jsonl").open("w") as log:

        def sink(record: dict[str, Any]) -> None:
            prompted.note(record)
            log.write(json.dumps(record) + "\n")

        run_episode(Mission(spec, library, scene, seed=seed, policy=prompted.name), prompted, sink)
    policy.close()


@pytest.fixture(scope="module")
def walled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of somebody's own: a wall, a brain that imports, a prompt that walks into it."""
    from importlib.resources import files

    project = tmp_path_factory.mktemp("walled") / "rescue"
    (project / ".cadenza-env").mkdir(parents=True)
    (project / "env.json").write_text(json.dumps(WALL))
    brain = (files("handlers.project") / "sample" / "mission" / "main.py").read_text()
    start, end = brain.index("- when fallen"), brain.index("\nNever step")
    rules = "- when fallen: stand_up\n- when always: walk_forward distance_m=0.3\n"
    brain = brain[:start] + rules + brain[end:]
    brain = brain.replace('{"action": "stand"}', "moves.OTHERWISE")
    (project / "main.py").write_text(brain.replace("import re\n", "import re\n\nimport moves\n"))
    (project / "moves.py").write_text('OTHERWISE = {"action": "stand"}\n')
    simulate(project, 100)
    return project


@pytest.fixture
def project(house, walled: Path) -> Path:
    copied = house.workspace / "rescue"
    shutil.copytree(walled, copied, ignore=shutil.ignore_patterns("__pycache__"))
    house.once()
    return copied


def test_a_rule_that_frees_the_robot_is_called_improved(house, project: Path, train) -> None:
    # given a brain that somebody trusts, with all that it imports
    trusted = house.run("cadenzactl", "trust", "rescue").stdout
    assert "main.py, with moves.py, is trusted as it is now" in trusted
    (event,) = house.events("CodeTrusted")
    assert event["data"]["files"] == ["main.py", "moves.py"]

    # when a rule is chosen that leads around the wall
    done = train(project, BESIDE)

    # then eight of eight pairs are won, which is enough at the level of a first trial
    assert done.returncode == 0, done.stderr
    assert "version 1: 1 rules (improved)" in done.stdout
    (written,) = house.events("PromptRewritten")
    assert written["data"]["improved"] is True
    g3 = gate(written)
    assert g3["result"] == "pass"
    assert g3["detail"].startswith(
        "improved: 8 pairs won, 0 lost, 0 tied; phases done 8 -> 16, falls per phase reached"
    )
    (tried,) = house.events("PromptTried")
    assert (tried["data"]["decision"], tried["data"]["verdict"]) == (1, "improved")
    assert tried["data"]["first_seed"] == g3["numbers"]["first_seed"]
    assert house.project_status()["prompt"]["trials"] == 1
    assert "- when in pass and blocked: side_step_left" in (project / "main.py").read_text()


@pytest.mark.long
def test_without_a_key_code_finds_a_rule_that_is_shown_to_help(house, project: Path) -> None:
    # given no key, and a daemon's settings that write what is shown to help
    settings = SETTINGS.format(search=48, seeds=60, unverified="propose")
    house.configure(improve=settings.replace("[judge]", "[judge]\nwithout_key = 'apply'"))
    house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
    house.run("cadenzactl", "trust", "rescue")
    done = house.run("cadenza", "env", "train", project)

    # then a rule of code's own is chosen among many, proven on other seeds, and written
    assert "rules (improved)" in done.stdout
    (weighed,) = house.events("CandidatesWeighed")
    assert weighed["data"]["missions"] > len(weighed["data"]["candidates"])
    (written,) = house.events("PromptRewritten")
    assert written["data"]["improved"] is True
    assert {rule["by"] for rule in written["data"]["rules"]} == {"code"}
    assert "chosen from" in gate(written)["detail"]


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_samples_prompt_is_improved_until_its_mission_succeeds(house) -> None:
    """The story of docs/judge.md, by its commands."""
    house.configure(improve="[judge]\nwithout_key = 'apply'\n[lora]\nretrain = false\n")
    house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
    project = house.workspace / "sample"
    house.run("cadenza", "env", "init", project)
    drive = ("cadenza", "env", "run", project, "--headless", "--policy", "prompt")
    before = house.run(*drive, "--episodes", "3", check=False).stdout
    assert "0 of 3 succeeded" in before
    # about 70 s of a processor, which may have others to serve
    trained = house.run("cadenza", "env", "train", project, timeout=900).stdout
    assert "rules (improved)" in trained
    after = house.run(*drive, "--seed", "20", "--episodes", "3", check=False).stdout
    assert "0 of 3 succeeded" not in after
    why = house.run("cadenzactl", "why", "sample").stdout
    assert "found by enumeration" in why
    assert "G3 simulation: pass: improved" in why


@pytest.mark.long
def test_a_rule_that_changes_nothing_is_not_written(house, project: Path, train) -> None:
    house.run("cadenzactl", "trust", "rescue")
    before = (project / "main.py").read_bytes()
    train(project, WAIT, seeds=8)
    assert (project / "main.py").read_bytes() == before
    assert house.events("PromptRewritten", "PromptProposed") == []
    (kept,) = house.events("PromptKept")
    assert kept["data"]["code"] == "gate"
    assert (
        "not improved (judge.seeds = 8 pairs are driven): 0 pairs won, 0 lost, 8 tied"
        in kept["data"]["reason"]
    )
    (tried,) = house.events("PromptTried")
    assert (tried["data"]["decision"], tried["data"]["verdict"]) == (1, "not_improved")


def test_a_rule_that_does_harm_is_not_written(house, project: Path, train) -> None:
    house.run("cadenzactl", "trust", "rescue")
    before = (project / "main.py").read_bytes()
    train(project, SIT)
    assert (project / "main.py").read_bytes() == before
    assert house.events("PromptRewritten", "PromptProposed") == []
    (kept,) = house.events("PromptKept")
    assert kept["data"]["code"] == "gate"
    assert "0 pairs won, 6 lost" in kept["data"]["reason"]


def test_what_cannot_be_tried_is_a_proposal_unless_it_is_said_otherwise(
    house, project: Path, train
) -> None:
    before = (project / "main.py").read_bytes()
    done = train(project, BESIDE, unverified="propose")
    assert done.returncode == 0, done.stderr
    assert (project / "main.py").read_bytes() == before
    (proposed,) = house.events("PromptProposed")
    assert proposed["data"]["improved"] is False
    assert 'judge.unverified is "propose"' in proposed["data"]["reason"]
    assert house.events("PromptTried") == []


@pytest.mark.parametrize(
    ("beside", "says"),
    [
        (None, "main.py is not trusted (`cadenzactl trust rescue`)"),
        ("OTHERWISE = {'action': 'sit'}\n", "main.py or code beside it changed since"),
    ],
)
def test_code_that_is_not_trusted_as_it_is_is_not_run(
    beside: str | None, says: str, house, project: Path, train
) -> None:
    if beside is not None:
        house.run("cadenzactl", "trust", "rescue")
        (project / "moves.py").write_text(f"open({str(project / 'ran')!r}, 'w')\n{beside}")
    train(project, BESIDE)
    (written,) = house.events("PromptRewritten")
    assert written["data"]["improved"] is False
    assert gate(written)["result"] == "skipped"
    assert says in gate(written)["detail"]
    assert not (project / "ran").exists()


def test_a_brain_that_cannot_be_run_is_said_in_one_line(house, project: Path, train) -> None:
    (project / "moves.py").write_text("import no_such_module\n")
    house.run("cadenzactl", "trust", "rescue")
    train(project, BESIDE)
    (written,) = house.events("PromptRewritten")
    g3 = gate(written)
    assert g3["result"] == "skipped"
    assert g3["detail"] == (
        f"unverified: not runnable: {project / 'main.py'}: decide cannot be run:"
        " ModuleNotFoundError: No module named 'no_such_module' (moves.py:1);"
        " run it by hand: python main.py"
    )
