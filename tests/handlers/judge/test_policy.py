"""Which policy drives: the sample's own, one that somebody trusts in a process of its own, none."""

from __future__ import annotations

import os
import py_compile
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from handlers.judge import brain as brain_module
from handlers.judge.brain import BrokenPolicy, environ_of
from handlers.judge.policy import Choice, PromptPolicy, choose_policy, open_policy
from handlers.judge.prompt.code import project_code
from handlers.judge.prompt.rules.grammar import parse_all
from handlers.judge.prompt.source import PromptSource, edited, find_prompt, parse_prompt

SAMPLE = files("handlers.project") / "sample" / "mission" / "main.py"
RULES = parse_all(["- when stuck for 2 ticks: walk_backward distance_m=0.3", "- when fallen: sit"])
STUCK = {"motion": {"label": "stuck"}}

Opener = Callable[..., PromptPolicy]


def source_of(folder: Path, body: str, name: str = "main.py") -> PromptSource:
    path = folder / name
    path.write_text(f'SYSTEM_PROMPT = """Be good.\n"""\n\n\n{body}\n')
    return parse_prompt(path.read_bytes(), path)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Open a policy that is this body of code; it ends with the test."""
    policies: list[PromptPolicy] = []

    def open_it(body: str, prompt: str = "Be good.") -> PromptPolicy:
        policies.append(open_policy(Choice("decide"), source_of(tmp_path, body), prompt))
        return policies[-1]

    yield open_it
    for policy in policies:
        policy.close()


def trust(project: Path, source: PromptSource) -> str:
    """What `cadenzactl trust` would write down now."""
    return project_code(project, source.path, source).sha256


def decides(expression: str, before: str = "") -> str:
    return f"{before}\ndef decide(observation, system_prompt):\n    return {expression}"


# -- which -----------------------------------------------------------------------------------------


def test_the_samples_brain_is_built_in_whatever_its_prompt_says(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    source = parse_prompt(SAMPLE.read_bytes(), path)
    assert choose_policy(tmp_path, source, None) == Choice("built-in")
    rewritten = parse_prompt(edited(source, RULES), path)
    assert choose_policy(tmp_path, rewritten, None) == Choice("built-in")
    other = SAMPLE.read_bytes().replace(b'"action": "stand"', b'"action": "sit"')
    assert choose_policy(tmp_path, parse_prompt(other, path), None).kind == "none"


def test_without_a_decide_function_there_is_none(tmp_path: Path) -> None:
    choice = choose_policy(tmp_path, source_of(tmp_path, "x = 1"), None)
    assert choice == Choice("none", "main.py has no decide(observation, system_prompt)")


def test_a_method_is_told_what_it_lacks(tmp_path: Path) -> None:
    source = source_of(tmp_path, "class Brain:\n    def decide(self, observation): ...")
    choice = choose_policy(tmp_path, source, None)
    assert choice.reason.endswith("but a method; add to main.py: decide = YOURCLASS().decide")


def test_how_to_trust_can_be_typed_as_it_is_told(tmp_path: Path) -> None:
    project = tmp_path / "my dog"
    project.mkdir()
    choice = choose_policy(project, source_of(project, decides('"sit"')), None)
    assert "`cadenzactl trust 'my dog'`" in choice.reason


def test_numbers_of_numpys_are_numbers(opened: Opener) -> None:
    body = decides(
        '{"action": "walk_forward", "distance_m": np.float32(0.5), "repeat": np.int64(2)}',
        before="import numpy as np",
    )
    answer = {"action": "walk_forward", "distance_m": 0.5, "repeat": 2}
    assert opened(body).decide({}, []) == answer


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (f"async {decides('1').strip()}", "it is async: write def decide, not async def decide"),
    ],
)
def test_what_is_no_answer_is_told_with_one_that_is(opened: Opener, body: str, says: str) -> None:
    with pytest.raises(BrokenPolicy, match=says) as broken:
        opened(body).decide({}, [])
    assert 'return {"action": "walk_forward", "distance_m": 0.5}' in (broken.value.hint or "")


def test_code_that_nobody_trusts_is_not_run(tmp_path: Path) -> None:
    project = tmp_path / "rescue"
    project.mkdir()
    mark = tmp_path / "ran"
    body = decides('"sit"', before=f"open({str(mark)!r}, 'w')")
    choice = choose_policy(project, source_of(project, body), None)
    assert choice.kind == "none"
    assert choice.reason == "main.py is not trusted (`cadenzactl trust rescue`)"
    assert not mark.exists()


def test_trust_ends_when_the_code_changes_and_not_when_the_prompt_does(tmp_path: Path) -> None:
    source = source_of(tmp_path, decides('"sit"'))
    trusted = trust(tmp_path, source)
    assert choose_policy(tmp_path, source, trusted) == Choice("decide")
    source.path.write_bytes(edited(source, RULES))
    rewritten = parse_prompt(source.path.read_bytes(), source.path)
    assert choose_policy(tmp_path, rewritten, trusted) == Choice("decide")
    changed = source_of(tmp_path, decides('"stand"'))
    choice = choose_policy(tmp_path, changed, trusted)
    assert choice.kind == "none"
    assert "main.py changed since" in choice.reason


def test_a_prompt_in_a_file_of_its_own_drives_the_brain_that_reads_it(tmp_path: Path) -> None:
    # given a text that main.py reads
    (tmp_path / "prompt.txt").write_text("walk_forward")
    brain = "from pathlib import Path\n"
    brain += "SYSTEM_PROMPT = (Path(__file__).parent / 'prompt.txt').read_text()\n"
    (tmp_path / "main.py").write_text(brain + decides("{'action': system_prompt.strip()}"))
    source = find_prompt(tmp_path, "")
    assert source.path.name == "prompt.txt"

    # when it is trusted, and another prompt is tried
    digest = project_code(tmp_path, tmp_path / "main.py", source).sha256
    choice = choose_policy(tmp_path, source, digest)
    policy = open_policy(choice, source, "sit")
    try:
        decided = policy.decide({}, [])
    finally:
        policy.close()

    # then
    assert (choice.kind, decided) == ("decide", {"action": "sit"})


def test_odd_escapes_in_somebodys_code_are_no_warning_of_ours(tmp_path: Path) -> None:
    source = source_of(tmp_path, decides(r'"\d"'))
    assert choose_policy(tmp_path, source, trust(tmp_path, source)) == Choice("decide")


# -- the built-in one ------------------------------------------------------------------------------


def test_the_built_in_brain_follows_the_rules_of_the_prompt_and_nothing_else() -> None:
    source = parse_prompt(SAMPLE.read_bytes(), Path("main.py"))
    policy = open_policy(
        Choice("built-in"), source, parse_prompt(edited(source, RULES), source.path).value
    )
    ours = {"action": "walk_backward", "distance_m": 0.3}
    assert policy.decide(STUCK, [STUCK]) == ours
    assert policy.decide({"obs": {"nearest_m": 0.1}}, [])["action"] == "turn_left"
    assert policy.decide(STUCK | {"obs": {"roll_deg": 90}}, [STUCK])["action"] == "stand_up"
    near = STUCK | {"visible_tags": {"victim": 0.2}}
    assert policy.decide(near, [STUCK])["action"] == "signal_victim_found"
    assert open_policy(Choice("built-in"), source, "Be good.").decide(STUCK, [STUCK]) == {
        "action": "stand"
    }
    policy.close()


def test_the_built_in_brain_leaves_nothing_in_our_package() -> None:
    source = parse_prompt(SAMPLE.read_bytes(), Path("main.py"))
    open_policy(Choice("built-in"), source, source.value).decide({}, [])
    assert {item.name for item in SAMPLE.parent.iterdir()}.isdisjoint({"__pycache__"})


# -- trust covers what is imported -----------------------------------------------------------------


def imports_helper(project: Path) -> tuple[PromptSource, str]:
    (project / "helper.py").write_text("ACTION = 'sit'\n")
    (project / "tools" / "deep").mkdir(parents=True)
    (project / "tools" / "deep" / "more.py").write_text("")
    source = source_of(project, decides("helper.ACTION", before="import helper"))
    return source, trust(project, source)


def rewrite(project: Path) -> None:
    (project / "helper.py").write_text("ACTION = 'jump'\n")


def add(project: Path) -> None:
    (project / "json.py").write_text("")


def deepen(project: Path) -> None:
    (project / "tools" / "deep" / "more.py").write_text("1\n")


def compiled(project: Path) -> None:
    (project / "helper.pyc").write_bytes(b"")


def drop(project: Path) -> None:
    (project / "helper.py").unlink()


def rename(project: Path) -> None:
    (project / "tools").rename(project / "other")


def linked(project: Path) -> None:
    outside = project.parent / "outside"
    outside.mkdir()
    (outside / "new.py").write_text("")
    (project / "linked").symlink_to(outside)


@pytest.mark.parametrize("change", [rewrite, add, deepen, compiled, drop, rename, linked])
def test_trust_ends_when_code_that_could_be_imported_changes(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    # given a trusted policy that imports what lies beside it
    project = tmp_path / "rescue"
    project.mkdir()
    source, trusted = imports_helper(project)
    choice = choose_policy(project, source, trusted)
    assert choice == Choice("decide")
    assert project_code(project, source.path).files == (
        "main.py",
        "helper.py",
        "tools/deep/more.py",
    )
    policy = open_policy(choice, source, source.value)
    assert policy.decide({}, []) == {"action": "sit"}
    policy.close()

    # when that changes
    change(project)

    # then the old trust starts it no more, nor does what was found before the change
    with pytest.raises(BrokenPolicy, match="the project's code changed meanwhile"):
        open_policy(choice, source, source.value)
    choice = choose_policy(project, source, trusted)
    assert choice.kind == "none"
    assert "changed since: `cadenzactl trust rescue`" in choice.reason


def test_what_no_import_can_reach_does_not_end_trust(tmp_path: Path) -> None:
    source, trusted = imports_helper(tmp_path)
    for folder in (".venv/lib", "venv/lib/python3.11/site-packages", "__pycache__", "lora"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / ("x.py" if folder != "lora" else "x.jsonl")).write_text("")
    (tmp_path / "tools" / "back").symlink_to(tmp_path)
    assert choose_policy(tmp_path, source, trusted) == Choice("decide")


def test_too_much_code_is_not_trusted_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, trusted = imports_helper(tmp_path)
    monkeypatch.setattr("handlers.project.code.MAX_FILES", 2)
    choice = choose_policy(tmp_path, source, trusted)
    assert choice.kind == "none"
    assert "too much code to be trusted as a whole" in choice.reason


def test_byte_code_of_other_sources_is_not_run(tmp_path: Path) -> None:
    # given a cached file of another helper that says it is of this one
    source, _ = imports_helper(tmp_path)
    helper = tmp_path / "helper.py"
    now = helper.stat()
    helper.write_text("ACTION = 'eat'\n")
    os.utime(helper, ns=(now.st_atime_ns, now.st_mtime_ns))
    py_compile.compile(str(helper))
    helper.write_text("ACTION = 'sit'\n")
    os.utime(helper, ns=(now.st_atime_ns, now.st_mtime_ns))
    assert list((tmp_path / "__pycache__").iterdir())

    # then what was trusted runs
    policy = open_policy(Choice("decide"), source, source.value)
    assert policy.decide({}, []) == {"action": "sit"}
    policy.close()


# -- one in a process of its own -------------------------------------------------------------------


def test_it_gets_the_observation_what_came_before_and_the_prompt(opened: Opener) -> None:
    body = decides(
        '{"action": "sit", "seen": observation["motion"]["label"], "prompt": system_prompt,'
        ' "recent": len(observation["recent"])}'
    )
    policy = opened(body, 'Sei „gütig“.\n"""\\ \u2028')
    for count in (0, 3):
        assert policy.decide(STUCK, [STUCK] * count) == {
            "action": "sit",
            "seen": "stuck",
            "prompt": 'Sei „gütig“.\n"""\\ \u2028',
            "recent": count,
        }


def test_a_name_alone_is_an_action(opened: Opener) -> None:
    assert opened(decides('"sit"')).decide({}, []) == {"action": "sit"}


def test_it_remembers_and_may_print_and_import_what_lies_beside_it(
    tmp_path: Path, opened: Opener
) -> None:
    (tmp_path / "helper.py").write_text("names = ['sit', 'stand']\n")
    body = decides("helper.names.pop(0)", before='import helper\nprint(\'{"action": "jump"}\')')
    policy = opened(body)
    assert policy.decide({}, []) == {"action": "sit"}
    assert policy.decide({}, []) == {"action": "stand"}
    assert not (tmp_path / "__pycache__").exists()


def test_our_keys_are_not_in_its_environment(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/cadenzad")
    monkeypatch.setenv("ROBOT_NAME", "rex")
    answer = opened(decides('{"action": "sit", **os.environ}', before="import os")).decide({}, [])
    assert answer is not None
    assert answer["ROBOT_NAME"] == "rex"
    assert "GROQ_API_KEY" not in answer
    assert "OPENAI_API_KEY" not in answer
    assert "CREDENTIALS_DIRECTORY" not in answer
    assert os.environ["GROQ_API_KEY"] == "gsk_secret"


def test_in_a_trial_no_other_services_keys_are_there_either() -> None:
    ours = {"GROQ_API_KEY": "a", "ANTHROPIC_API_KEY": "b", "ROBOT": "rex", "PATH": "/bin"}
    added = {"GROQ_API_KEY": "token"}
    assert environ_of(None, is_trial=False, given=ours) == {
        "ANTHROPIC_API_KEY": "b", "ROBOT": "rex", "PATH": "/bin",
    }  # fmt: skip
    assert environ_of(added, is_trial=True, given=ours) == {
        "GROQ_API_KEY": "token", "ROBOT": "rex", "PATH": "/bin",
    }  # fmt: skip


READS = """
import os

def reads(path):
    try:
        with open(path, "rb") as stream:
            return bool(stream.read(1))
    except OSError:
        return False

def decide(observation, system_prompt):
    return {"action": "sit", "read": [path for path in observation["paths"] if reads(path)]}
"""


def test_it_reads_neither_our_memory_nor_our_keys_files(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "cadenzad"
    folder.mkdir()
    for name in ("groq_api_key", "openai_api_key", "cadenzad.toml"):
        (folder / name).write_text("gsk_secret")
    ours = f"/proc/{os.getpid()}/environ"
    seen = opened(READS).decide(
        {"paths": [ours, *map(str, sorted(folder.iterdir())), "/etc/passwd"]}, []
    )["read"]
    if ours in seen:
        pytest.skip("this kernel has no Landlock")
    assert seen == [str(folder / "cadenzad.toml"), "/etc/passwd"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (decides("None"), "gave no action"),
        (decides("3"), "gave no action"),
        (decides('["sit"]'), "gave no action"),
        (decides("{}"), "gave no action"),
        (decides('{"action": 3}'), "gave no action"),
        (decides('{"action": None}'), "gave no action"),
        (decides("1 / 0"), "raised ZeroDivisionError: division by zero (main.py:7)"),
        (decides('observation["phase"]'), "raised KeyError: 'phase' (main.py:7)"),
        (decides('{"action": {1, 2}}'), "raised TypeError: a set is no number and no text"),
        (decides("exit(3)"), "raised SystemExit: 3 (main.py:7)"),
        (decides("os._exit(3)", before="import os"), "ended with exit code 3"),
        (decides("os.kill(os.getpid(), 9)", before="import os"), "was ended by signal 9"),
        (decides("input()"), "raised EOFError: EOF when reading a line"),
        ("def decide(observation):\n    return 'sit'", "raised TypeError: decide() takes 1"),
        ("def decide_not(): ...", "cannot be run: AttributeError: module 'brain' has no"),
        ("raise RuntimeError('a\\nb\\x1b[31m')", r"cannot be run: RuntimeError: a\nb\x1b[31m"),
        ("raise RuntimeError('x' * 5000)", "cannot be run: RuntimeError: xxxx"),
        ("import no_such_module", "cannot be run: ModuleNotFoundError: No module named 'no_such"),
        ("import bad", "cannot be run: SyntaxError: "),
        ("class Odd(Exception):\n    __str__ = None\nraise Odd", "cannot be run: Odd (main.py:"),
    ],
)
def test_another_shape_is_one_clear_line(
    body: str, says: str, tmp_path: Path, opened: Opener
) -> None:
    (tmp_path / "bad.py").write_text("def (")
    policy = opened(body)
    with pytest.raises(BrokenPolicy, match=re.escape(says)) as caught:
        policy.decide({}, [])
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500
    assert "main.py: decide " in caught.value.message
    hint = caught.value.hint or ""
    assert hint == "run it by hand: python main.py" or 'return {"action": ' in hint


def test_a_brain_that_has_ended_stays_ended(opened: Opener) -> None:
    policy = opened(decides("exit(3)"))
    for _ in range(3):
        with pytest.raises(BrokenPolicy, match="raised SystemExit: 3"):
            policy.decide({}, [])


def test_a_brain_that_does_not_answer_in_time_is_given_up_and_ended(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given one that hangs
    monkeypatch.setattr(brain_module, "CALL_S", 0.3)
    policy: Any = opened(decides("threading.Event().wait()", before="import threading"))

    # when
    with pytest.raises(BrokenPolicy, match=r"gave no answer in 0.3 s"):
        policy.decide({}, [])
    policy.close()

    # then its process is gone
    assert policy._child.returncode is not None


def test_a_long_answer_is_an_answer(opened: Opener) -> None:
    answer = opened(decides('{"action": "x" * 300_000}')).decide({}, [])
    assert answer == {"action": "x" * 300_000}
