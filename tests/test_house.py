"""The rules of the house: who imports whom, what starts light, what every public name says."""

from __future__ import annotations

import ast
import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from checkout import ROOT
from grimp import build_graph

from store.events.envelope import NewEvent, project_stream
from store.events.files import FileFact, ProjectDiscovered
from store.events.process import JobQueued
from store.events.prompt import PromptRewritten, RuleFact
from store.opening import open_writer

PACKAGES = ("store", "handlers", "cadenzad")
HEAVY = {
    "torch", "peft", "transformers", "safetensors", "numpy", "pyarrow", "mujoco", "groq",
    "jsonschema", "ray",
}  # fmt: skip


def module_names() -> list[str]:
    """Every module of the three packages."""
    found = list(PACKAGES)
    for package in PACKAGES:
        walked = pkgutil.walk_packages([str(ROOT / package)], prefix=f"{package}.")
        found += [module.name for module in walked]
    return found


def source_of(name: str) -> Path:
    path = ROOT / name.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(source_of(name).read_text())


def imported_by(code: str) -> set[str]:
    """The modules a fresh interpreter has after running some code, without the environment's."""
    listing = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", listing],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def top_level(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


# -- who is who ------------------------------------------------------------------------------------


def test_the_three_names_come_from_our_distribution_alone() -> None:
    distributions = packages_distributions()
    for package in PACKAGES:
        # PyPI has distributions that ship a top-level `store`; installed beside ours it would win
        # or lose by chance.
        assert set(distributions.get(package, ["cadenzad"])) == {"cadenzad"}
        module = importlib.import_module(package)
        assert module.__file__ is not None
        assert Path(module.__file__).is_relative_to(ROOT)


def test_imports_go_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_nothing_imports_upwards_even_inside_a_function() -> None:
    rank = {package: index for index, package in enumerate(PACKAGES)}
    upward = [
        f"{name} imports {target}"
        for name in module_names()
        for target in imports_of(tree_of(name))
        if rank.get(target.partition(".")[0], -1) > rank[name.partition(".")[0]]
    ]
    assert upward == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = build_graph(*PACKAGES, exclude_type_checking_imports=True)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def imports_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_one_module_alone_prints() -> None:
    # A script of ours and a sample's own code hold nothing that comes from a file or a name.
    may = {
        "cadenzad.cli.base.output",
        "cadenzad.cli.ctl.operate.completion",
        "cadenzad.cli.reference.man",
        "cadenzad.cli.reference.page",
        "handlers.project.sample.mission.main",
    }
    printing = {
        name
        for name in module_names()
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write", "json.dump")
    }
    assert printing <= may


# -- what starts light -----------------------------------------------------------------------------


def test_no_module_imports_anything_heavy_when_it_is_imported() -> None:
    code = f"import importlib\nfor name in {light_modules()!r}: importlib.import_module(name)"
    assert top_level(imported_by(code)) & HEAVY == set()


def light_modules() -> list[str]:
    """All but what is meant to run in a child of its own, or in somebody's training: those may
    import what they are for."""
    return [
        name
        for name in module_names()
        if not name.startswith(
            (
                "handlers.lora.",
                "handlers.mission.",
                "handlers.dataset.",
                "cadenzad.gym",
                "store.hub.",
            )
        )
    ]


@pytest.mark.parametrize(
    "program",
    ["cadenzad.cli.programs:CADENZACTL", "cadenzad.cli.programs:CADENZA_ENV"],
)
def test_the_daemon_and_every_command_start_without_anything_heavy(program: str) -> None:
    module, _, name = program.partition(":")
    code = (
        f"import cadenzad.daemon\nfrom {module} import {name} as program\n"
        "import importlib\n"
        "for _, module, _ in program.every(): importlib.import_module(module)"
    )
    assert top_level(imported_by(code)) & HEAVY == set()


@pytest.mark.parametrize("executor", ["local", "ray"])
def test_the_daemon_imports_no_ray_wherever_its_jobs_are_done(executor: str) -> None:
    code = (
        "from cadenzad.config.files import Config\nfrom cadenzad.jobs import runner\n"
        f"runner.executor_of(Config(jobs={{'executor': {executor!r}}}))"
    )
    found = imported_by(code)
    assert "ray" not in top_level(found)
    assert ("cadenzad.jobs.cluster.executor" in found) is (executor == "ray")


def modules_of(*words: str) -> set[str]:
    """The top-level modules, ours and others' but the standard library's, that a command loads."""
    call = f"cadenzactl({list(words)!r})"
    code = f"from cadenzad.cli.programs import cadenzactl\ntry: {call}\nexcept SystemExit: pass"
    return top_level(imported_by(code)) - set(sys.stdlib_module_names) - environment_modules()


@pytest.mark.parametrize(
    "words", [("status",), ("status", "--json"), ("ping",), ("--version",)], ids=" ".join
)
def test_status_and_ping_pay_for_the_standard_library_alone(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    state = [] if words == ("--version",) else ["--state", str(tmp_path)]
    assert modules_of(*words, *state) <= set(PACKAGES)


SLOW = {"pathlib", "typing", "dataclasses", "hashlib", "shutil", "urllib", "tempfile", "uuid"}
"""Of the standard library, what takes as long to import as `status` has for everything."""


def test_status_does_not_load_what_is_slow_to_load(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path)):
        pass
    call = f"cadenzactl(['status', '--state', {str(tmp_path)!r}])"
    loaded = top_level(imported_by(f"from cadenzad.cli.programs import cadenzactl\n{call}"))
    assert loaded & SLOW - environment_modules() == set()


SHOWING = (("events",), ("events", "--json"), ("jobs",), ("jobs", "3"), ("metrics",))


@pytest.mark.parametrize("words", [*SHOWING, ("why", "rescue")], ids=" ".join)
def test_what_shows_the_history_builds_no_models_of_it(
    a_history: Path, words: tuple[str, ...]
) -> None:
    assert modules_of(*words, "--state", str(a_history)) <= set(PACKAGES)


@pytest.mark.parametrize("words", SHOWING, ids=" ".join)
def test_what_shows_the_history_does_not_load_what_is_slow_to_load(
    a_history: Path, words: tuple[str, ...]
) -> None:
    call = f"cadenzactl({[*words, '--state', str(a_history)]!r})"
    loaded = top_level(imported_by(f"from cadenzad.cli.programs import cadenzactl\n{call}"))
    slow = SLOW - {"pathlib", "typing", "urllib"} | {"logging", "inspect"}
    assert loaded & slow - environment_modules() == set()


@pytest.fixture(scope="module")
def a_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with a project, a prompt version of it, and a job."""
    state = tmp_path_factory.mktemp("state")
    with closing(open_writer(state)) as writer:
        stream = project_stream("/w/rescue")
        judged = JobQueued(kind="judge", project="/w/rescue", reason="new runs")
        writer.append(
            NewEvent(stream, discovered("/w/rescue")),
            NewEvent(stream, rewritten(), causation=1),
            NewEvent(stream, judged),
        )
    return state


def discovered(path: str) -> ProjectDiscovered:
    return ProjectDiscovered(
        name="rescue",
        path=path,
        mission="m",
        robot="go1",
        phases=("a",),
        file=FileFact(path="env.json", dev=1, ino=1, size=1, mtime_ns=1, sha256=""),
    )


def rewritten() -> PromptRewritten:
    return PromptRewritten(
        version=1,
        parent=None,
        file="main.py",
        before_sha256="0",
        after_sha256="1",
        rules=(RuleFact(line="- Phase a: sit.", mode_id="stuck@a"),),
        diff="",
        by="cadenzad",
    )


def test_the_help_of_every_command_needs_the_standard_library_alone() -> None:
    code = (
        "from cadenzad.cli.programs import CADENZA_ENV, CADENZACTL\n"
        "from cadenzad.cli.daemon import build_parser\n"
        "CADENZACTL.tree(), CADENZA_ENV.tree(), build_parser()"
    )
    loaded = top_level(imported_by(code)) - set(sys.stdlib_module_names)
    assert loaded - environment_modules() == set(PACKAGES)


def test_status_stays_light_where_a_rewritten_prompt_was_edited(tmp_path: Path) -> None:
    # given a project whose prompt was rewritten, and whose file somebody edited since
    project = tmp_path / "rescue"
    project.mkdir()
    (project / "main.py").write_text('SYSTEM_PROMPT = "be careful, and quick"\n')
    stream, state = project_stream(str(project)), tmp_path / "state"
    state.mkdir()
    with closing(open_writer(state)) as writer:
        found = discovered(str(project))
        writer.append(NewEvent(stream, found), NewEvent(stream, rewritten()))

    # then status says so, and loads nothing but what is ours
    said = subprocess.run(
        [Path(sys.executable).parent / "cadenzactl", "status", "--state", state],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "changed by hand" in said.stdout
    assert modules_of("status", "--state", str(state)) == set(PACKAGES)


@cache
def environment_modules() -> frozenset[str]:
    """What this environment loads into every interpreter (editable installs bring hooks)."""
    return frozenset(top_level(imported_by("")))


# -- what is said ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", module_names())
def test_every_public_name_says_what_it_is_for(name: str) -> None:
    tree = tree_of(name)
    lacking = [] if ast.get_docstring(tree) else [name]
    lacking += [f"{name}.{path}" for path in undocumented(tree.body, "")]
    assert lacking == []


OBVIOUS = frozenset({"configure", "command", "main"})
"""The first two are said once for every subcommand, in cadenzad.cli.base.program."""

OVERRIDES = frozenset({"emit", "error", "filter", "format", "formatMessage"})
"""Said by the standard library's base class."""


@cache
def said_by_an_interface() -> frozenset[str]:
    """Names of methods that some class documents: others that have them do what it says."""
    return frozenset(
        method.name
        for name in module_names()
        for node in tree_of(name).body
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and ast.get_docstring(method)
    )


def undocumented(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        is_known = bool(prefix) and node.name in said_by_an_interface()
        if not ast.get_docstring(node) and not is_known and not is_plain(node):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node.body, f"{prefix}{node.name}.")


def is_plain(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """What needs no words: a few lines whose name and types say it all."""
    if isinstance(node, ast.ClassDef):
        return all(isinstance(item, ast.AnnAssign | ast.Pass) for item in node.body)
    return node.name in OBVIOUS | OVERRIDES or len(node.body) <= 3


def test_no_module_names_a_machines_path() -> None:
    paths = re.compile(r"(?<![\w.~-])/(?:home|root|work|tmp|Users|mnt|data)/[\w.-]+")
    found = [
        f"{name}: {match.group()}"
        for name in module_names()
        for match in paths.finditer(source_of(name).read_text())
    ]
    assert found == []


FOLDERS = [name for name in module_names() if source_of(name).stem == "__init__"]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_lists_its_modules_lists_them_all_and_no_others(name: str) -> None:
    listed = re.findall(r"^    ([a-z_]+\.py)\b", said_of(name), re.MULTILINE)
    if not listed:
        return
    folder = source_of(name).parent
    assert [module for module in listed if not (folder / module).is_file()] == []
    named = set(re.findall(r"\b([a-z_]+\.py|[a-z_]+/)", said_of(name)))
    modules = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    folders = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    assert (modules | folders) - named == set()


def said_of(name: str) -> str:
    return ast.get_docstring(tree_of(name), clean=True) or ""


def test_no_module_is_left_without_types() -> None:
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file()


def test_importing_a_module_does_no_work(tmp_path: Path) -> None:
    code = f"import os\nos.chdir({str(tmp_path)!r})\nimport importlib, threading\n" + (
        f"for name in {light_modules()!r}: importlib.import_module(name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert os.listdir() == []"
    )
    imported_by(code)


def test_nothing_lies_at_the_top_but_what_belongs_there() -> None:
    known = {
        ".ci",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "cadenzad",
        "constraints.txt",
        "docs",
        "handlers",
        "pyproject.toml",
        "store",
        "systemd",
        "tests",
    }
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {name.partition("/")[0] for name in listed.stdout.splitlines()} <= known
