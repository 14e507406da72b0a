"""What trust in a brain covers: its code, and the files of the prompt without the prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.judge.prompt.code import brain_of, project_code
from handlers.judge.prompt.rules.grammar import read
from handlers.judge.prompt.source import edited, find_prompt

STUCK = read("- when in enter and stuck for 3 ticks: walk_backward distance_m=0.3")
DECIDE = "def decide(observation, system_prompt):\n    return {'action': 'stand'}\n"
TEXT = f"{DECIDE}SYSTEM_PROMPT = open('prompt.txt').read()\n"
YAML = f"import yaml\n{DECIDE}SYSTEM_PROMPT = yaml.safe_load(open('p.yaml'))['s']\n"

PROJECTS = {
    "in the brain": ({"main.py": f"{DECIDE}SYSTEM_PROMPT = f'Be good.'\n"}, "main.py"),
    "computed": ({"main.py": f"import os\n{DECIDE}SYSTEM_PROMPT = f'{{os.sep}}'\n"}, "main.py"),
    "imported": (
        {
            "main.py": f"from p import SYSTEM_PROMPT\n{DECIDE}",
            "p.py": "SYSTEM_PROMPT = 'Be.'\nX = 1\n",
        },
        "p.py",
    ),
    "read": ({"main.py": TEXT, "prompt.txt": "Be good.\n"}, "prompt.txt"),
    "read from yaml": ({"main.py": YAML, "p.yaml": "model: m\ns: |\n  Be.\n"}, "p.yaml"),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_a_rewrite_keeps_trust_and_an_edit_of_anything_else_ends_it(
    name: str, tmp_path: Path
) -> None:
    # given
    files, held = PROJECTS[name]
    for file, text in files.items():
        (tmp_path / file).write_text(text)

    def trusted() -> tuple[str, tuple[str, ...]]:
        source = find_prompt(tmp_path)
        brain = brain_of(tmp_path, source)
        assert brain == tmp_path / "main.py"
        code = project_code(tmp_path, brain, source)
        return code.sha256, code.files

    before = trusted()
    assert set(before[1]) == set(files)

    # when the block comes / then it is the same code
    source = find_prompt(tmp_path)
    assert source.path == tmp_path / held
    source.path.write_bytes(edited(source, [STUCK]))
    assert trusted() == before

    # and code, or a value beside the prompt, is other code
    for file, text in files.items():
        if file == "prompt.txt":
            continue
        changed = text.replace("model: m", "model: n") if file == "p.yaml" else f"{text}Y = 2\n"
        (tmp_path / file).write_text(changed)
        assert trusted() != before
        (tmp_path / file).write_text(text)


BRAINS = {
    "a method that has a name": "class B:\n    def decide(self, o, p): ...\ndecide = B().decide\n",
    "a lambda": "decide = lambda o, p: 'stand'\n",
    "annotated": "decide: object = lambda o, p: 'stand'\n",
    "in a branch": "try:\n    import x\nexcept ImportError:\n    def decide(o, p): ...\n",
    "async": "async def decide(o, p): ...\n",
    "imported": "from rex.brain import decide\n",
    "imported as": "from rex.brain import act as decide\n",
}


@pytest.mark.parametrize("name", BRAINS)
def test_a_decide_is_found_however_it_got_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(f"{BRAINS[name]}SYSTEM_PROMPT = 'x'\n")
    assert brain_of(tmp_path, find_prompt(tmp_path)) == tmp_path / "main.py"


def test_the_only_other_decide_of_a_package_is_the_brain(tmp_path: Path) -> None:
    # given a prompt in a module of its own
    package = tmp_path / "src" / "rex"
    package.mkdir(parents=True)
    (package / "prompts.py").write_text("SYSTEM_PROMPT = 'x'\n")
    (package / "brain.py").write_text(DECIDE)
    source = find_prompt(tmp_path)
    assert brain_of(tmp_path, source) == package / "brain.py"

    # when main.py hands it on / then that is run
    (tmp_path / "main.py").write_text("from rex.brain import decide\n")
    assert brain_of(tmp_path, source) == tmp_path / "main.py"

    # and of two others none is guessed
    (tmp_path / "main.py").unlink()
    (package / "other.py").write_text(DECIDE)
    assert brain_of(tmp_path, source) is None


@pytest.mark.parametrize("text", ["class B:\n    def decide(self, o, p): ...\n", "x = 'decide'\n"])
def test_a_method_and_a_mere_word_are_no_brain(text: str, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(f"{text}SYSTEM_PROMPT = 'x'\n")
    assert brain_of(tmp_path, find_prompt(tmp_path)) is None


def test_without_a_decide_there_is_no_brain(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("SYSTEM_PROMPT = 'x'\n")
    assert brain_of(tmp_path, find_prompt(tmp_path)) is None
