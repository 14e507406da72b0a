"""Documentation runs: every command README shows is executed, every link and target exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT
from chromium import chromium, errors, text_of, violations
from dashboards import dashboard
from waiting import eventually

from cadenzad.cli.programs import CADENZA_ENV, CADENZACTL
from cadenzad.cli.reference.page import page as commands_page
from handlers.project.scaffold import recorded_run

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_command_shown_runs(house):
    # given an empty folder with somebody's run log in it
    desk = house.root / "desk"
    desk.mkdir()
    shutil.copyfile(recorded_run(), desk / "my-run.log.jsonl")
    house.environ["CONFIGURATION_DIRECTORY"] = str(house.root)  # judging and training left out
    house.environ["PATH"] = f"{Path(sys.executable).parent}:{house.environ['PATH']}"

    # when / then
    commands = [line[2:] for block in blocks("console") for line in block.splitlines()]
    assert len(commands) >= 9
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=desk,
            env=house.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    assert len((desk / "records.jsonl").read_text().splitlines()) > len(
        (desk / "good.jsonl").read_text().splitlines()
    )


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_first_ten_minutes_run_as_written_and_end_in_a_better_prompt_and_a_deploy(house):
    # given an empty folder, and nothing configured
    for module in ("torch", "peft", "mujoco", "transformers", "starlette"):
        pytest.importorskip(module)
    desk = house.root / "desk"
    desk.mkdir()
    house.environ["PATH"] = f"{Path(sys.executable).parent}:{house.environ['PATH']}"

    # when / then
    for line in (line for block in blocks("shell") for line in block.splitlines()):
        done = subprocess.run(
            ["bash", "-c", line.removeprefix("$ ")],
            cwd=desk,
            env=house.environ,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        print(line, done.stdout, sep="\n")
    (rewritten,) = house.events("PromptRewritten")
    assert rewritten["data"]["improved"]
    assert house.events("AdapterPromoted")
    assert (desk / "report.html").stat().st_size > 10_000
    _look_at_the_page(house)


def _look_at_the_page(house) -> None:
    """In a real browser, with what a real loop left: all panels are full, and nothing is wrong."""
    with dashboard(house.environ) as shown, chromium() as browser:
        browser.get(f"{shown.url}/project/rescue-dog")
        eventually(lambda: "live" in text_of(browser, "#live-state"), "it is live")
        parts = {
            "#causes": "wrong_way",
            "#story": "Rules were made",
            "#prompts": "Decided by a trial",
            "#adapters": "DEPLOY",
            "#runs": "succeeded",
            "#decisions": "event",
        }
        for selector, text in parts.items():
            assert text in text_of(browser, selector), selector
        assert "author" in text_of(browser, "#outcomes")
        assert "version 1" in text_of(browser, "#outcomes")
        drawn = "return document.querySelectorAll('.uplot canvas').length"
        assert browser.execute_script(drawn) >= 4, "outcomes, success, reward, loss"
        assert browser.execute_script("return document.querySelectorAll('#mission svg').length")
        assert violations(browser) == []
        for path in ("/", "/project/rescue-dog/runs"):
            browser.get(shown.url + path)
            assert violations(browser) == []
        assert errors(browser) == []


def test_every_make_target_shown_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"no target {target}"


def test_every_linked_file_exists():
    for page in DOCS:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_the_table_shows_the_ten_that_matter_and_the_page_has_them_all():
    shown = re.findall(r"^\| `(cadenza env|cadenzactl) ([a-z]+)", README, re.MULTILINE)
    real = {
        (program.name, command)
        for program in (CADENZACTL, CADENZA_ENV)
        for command in program.commands
    }
    assert set(shown) <= real
    assert len(shown) == 10, "and the daemon"
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == commands_page(), "python -m cadenzad.cli.reference.page > docs/commands.md"


def test_ci_calls_the_test_command_of_the_readme():
    assert any(re.search(r"^make test\b", block, re.MULTILINE) for block in blocks("sh"))
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
