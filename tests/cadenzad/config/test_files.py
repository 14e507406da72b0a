"""Every key in one example; which file set what; what a reload changes; what a project may set."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from checkout import ROOT

from cadenzad.config.files import Change, Config, diff, load_config, problems, read_config
from cadenzad.config.project import (
    FILE_NAME,
    MAX_BYTES,
    PROJECT_KEYS,
    ProjectConfigs,
    load_project_config,
    project_problems,
    read_project_config,
)
from cadenzad.config.settings import KEYS, SECTIONS, Key
from handlers.settings import Mark
from store.errors import ConfigError

EXAMPLE = ROOT / "systemd" / "cadenzad.toml"
OFF = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)
"""What makes a line of the example a comment instead of a key."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cadenzad.toml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "rescue"
    made.mkdir()
    return made


def drop_in(file: Path, name: str, text: str) -> Path:
    folder = file.with_name(file.name + ".d")
    folder.mkdir(exist_ok=True)
    made = folder / name
    made.write_text(text)
    return made


def as_toml(key: Key, value: Any) -> str:
    """A file that sets one key. JSON's values are TOML's, for what keys hold."""
    return f"{key.name} = {json.dumps(value)}\n"


# -- the example and the reference -----------------------------------------------------------------


def test_the_example_sets_nothing_as_it_is() -> None:
    assert load_config(EXAMPLE) == Config()


def test_the_example_uncommented_is_every_key_with_its_default(file: Path) -> None:
    # given
    file.write_text(OFF.sub("", EXAMPLE.read_text()))

    # when
    loaded = read_config(file)

    # then
    assert {name for name, origin in loaded.origins.items() if origin == str(file)} == set(KEYS)
    assert loaded.config == Config()
    written = tomllib.loads(file.read_text())
    assert {name: value_at(written, name) for name in KEYS} == {
        key.name: key.default for key in KEYS.values()
    }


def value_at(values: dict[str, Any], name: str) -> Any:
    for part in name.split("."):
        values = values[part]
    return values


def test_every_key_and_table_of_the_example_is_explained_above_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    explained = 0
    for above, line in pairwise(lines):
        if OFF.match(line) or line.startswith("["):
            assert above.startswith("# "), line
            assert not OFF.match(above), line
            explained += 1
    assert explained == len(KEYS) + len(SECTIONS)


def test_the_reference_page_has_the_keys_as_they_are() -> None:
    words = {None: "-", Mark.PROJECT_RAISES: "higher", Mark.PROJECT_LOWERS: "lower"}
    words[Mark.PROJECT_SETS] = "any"
    expected = [
        f"| `{key.name}` | `{json.dumps(key.default)}` | {key.description} "
        f"| {words[key.project_may]} | {'no' if key.needs_restart else 'yes'} |"
        for key in KEYS.values()
    ]
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert re.findall(r"^\| `[a-z_.]+` .*$", page, re.MULTILINE)[: len(KEYS)] == expected


def test_every_key_is_described() -> None:
    assert all(key.description for key in KEYS.values())
    assert all(SECTIONS.values())


def test_each_key_has_an_example_that_it_takes_and_that_says_something() -> None:
    for key in KEYS.values():
        Config.model_validate(tomllib.loads(as_toml(key, key.example)))
        assert key.example or key.example in (0, False), key.name


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("watch = {settle = '1'}", "watch.settle: Input should be a valid number, not '1'"),
        ("watch = {settle = true}", "watch.settle: Input should be a valid number, not True"),
        ("jobs = {workers = 1.0}", "jobs.workers: Input should be a valid integer, not 1.0"),
        ("jobs = {workers = '2'}", "jobs.workers: Input should be a valid integer, not '2'"),
        ("log = {json = 1}", "log.json: Input should be a valid boolean, not 1"),
        ("log = {json = 'yes'}", "log.json: Input should be a valid boolean, not 'yes'"),
        ("metrics = {port = 65536}", "metrics.port: Input should be less than or equal to 65535"),
        ("metrics = {textfile = 1}", "metrics.textfile: Input should be a valid string, not 1"),
        ("watch = 3", "watch: is a table: write [watch]"),
        ("workspaces = ['/a', 3]", "workspaces[1]: Input should be a path, not 3"),
        ('"a b" = 3', 'unknown key "a b"'),
        ("[log]\njson_lines = true", "unknown key log.json_lines"),
    ],
)
def test_a_wrong_type_is_one_line_with_file_and_key(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    line = text.count("\n") + 1
    assert str(caught.value).startswith(f"{file}:{line}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("settle = 1", "did you mean watch.settle?"),
        ("every = 1", "did you mean reconcile.every or retention.every or metrics.every?"),
        ("[watches]\nsettle = 1", "did you mean watch?"),
        ("[metrics]\nports = 1", "did you mean port?"),
    ],
)
def test_an_unknown_key_is_answered_where_it_belongs(file: Path, text: str, hint: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert caught.value.hint == hint


def test_a_long_wrong_value_is_not_repeated_whole(file: Path) -> None:
    file.write_text(f"jobs = {{workers = '{'x' * 5000}'}}")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert len(str(caught.value)) < len(str(file)) + 120


def test_all_mistakes_of_all_files_are_listed(file: Path) -> None:
    # given
    file.write_text("wach = 1\n[watch]\nsettle = 'a'\n[jobs]\nworkers = 0\n")
    broken = drop_in(file, "10.toml", "[log\n")
    other = drop_in(file, "20.toml", "log = {level = 'loud'}\n")

    # when
    found = [problem.message for problem in problems(file)]

    # then
    assert sorted(line.split(": ")[0] for line in found) == [
        f"{broken}:1:5",
        f"{other}:1",
        f"{file}:1",
        f"{file}:3",
        f"{file}:5",
    ]
    assert {line.split(": ")[1] for line in found if line.startswith(f"{file}:")} == {
        "unknown key wach",
        "watch.settle",
        "jobs.workers",
    }


def test_without_a_mistake_none_is_listed(file: Path) -> None:
    file.write_text("[jobs]\nworkers = 2\n")
    assert problems(file) == []
    assert problems(None) == []
    assert "no such configuration file" in problems(file / "x")[0].message


def test_a_lease_no_longer_than_a_heartbeat_names_the_file_that_set_it(file: Path) -> None:
    # given two files that are fine alone
    file.write_text("[jobs]\nheartbeat = 20\nlease = 60\n")
    short = drop_in(file, "10.toml", "[jobs]\nlease = 20\n")

    # when
    with pytest.raises(ConfigError, match=r"jobs\.lease: 20 s is not longer") as caught:
        load_config(file)

    # then
    assert str(caught.value).startswith(f"{short}:2: ")
    assert [problem.message for problem in problems(file)] == [str(caught.value)]


def test_a_heartbeat_alone_is_compared_with_the_lease_that_holds(file: Path) -> None:
    file.write_text("[jobs]\nlease = 120\n")
    drop_in(file, "10.toml", "[jobs]\nheartbeat = 40\n")
    assert load_config(file).jobs.heartbeat == 40
    file.write_text("")
    with pytest.raises(ConfigError, match=r"10\.toml:2: jobs\.lease: 30 s"):
        load_config(file)


# -- who set what ----------------------------------------------------------------------------------


def test_every_key_has_an_origin(file: Path, tmp_path: Path) -> None:
    # given
    file.write_text("workspaces = ['/a']\n[watch]\nsettle = 0.1\nsettle_open = 3\n")
    over = drop_in(file, "10.toml", "watch.settle = 0.2\n[log]\njson = true\n")

    # when
    loaded = read_config(file, [str(tmp_path)])

    # then
    set_by = {name: origin for name, origin in loaded.origins.items() if origin != "default"}
    assert set_by == {
        "workspaces": "--workspace",
        "watch.settle": str(over),
        "watch.settle_open": str(file),
        "log.json": str(over),
    }
    assert set(loaded.origins) == set(KEYS)
    assert loaded.files == (file, over)


def test_paths_are_made_whole(file: Path, tmp_path: Path) -> None:
    file.write_text("[metrics]\ntextfile = '~/m.prom'\n")
    assert load_config(file).metrics.textfile == str(tmp_path / "home" / "m.prom")


# -- what a reload changes -------------------------------------------------------------------------


def test_a_reload_says_what_changed_and_what_needs_a_restart(file: Path) -> None:
    # given
    file.write_text("workspaces = ['/a']\n")
    old = load_config(file)
    file.write_text("workspaces = ['/a', '/b']\n[watch]\nsettle = 1\n[metrics]\nport = 9100\n")

    # when
    changes = diff(old, load_config(file))

    # then
    assert changes == [
        Change("workspaces", ["/a"], ["/a", "/b"], False),
        Change("watch.settle", 0.03, 1.0, False),
        Change("metrics.port", 0, 9100, True),
    ]
    assert str(changes[2]) == "metrics.port: 0 -> 9100 (after a restart)"
    assert diff(old, old) == []


CHOSEN: Mapping[str, Any] = {
    "notify.on": ["failed"],
    "jobs.ray.kinds": ["score"],
    "notify.url": "http://127.0.0.1:8080/hook",
    "export.formats": ["dataset"],
    "judge.prompt": "prompts.py:BASE",
    "judge.max_tokens": 3007,
    "takein.fields": ["action = /cmd:action"],
}
"""Where not any value of a type is one."""


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_change_of_any_key_is_seen(file: Path, key: Key) -> None:
    # given
    other: Any = {list: ["/x"], str: "/x.prom", int: 7, float: 7.5}.get(type(key.default))
    if key.order:
        other = next(word for word in key.order if word != key.default)
    elif isinstance(key.default, bool):
        other = not key.default
    elif key.name in CHOSEN:
        other = CHOSEN[key.name]
    elif isinstance(key.default, float) and 0 < key.default < 1:
        other = key.default / 2  # a share: nothing over 1 is one
    file.write_text(as_toml(key, other))

    # when / then
    assert diff(Config(), load_config(file)) == [
        Change(key.name, key.default, other, key.needs_restart)
    ]


# -- what a project may set for itself -------------------------------------------------------------


def test_a_project_without_a_file_has_the_daemons_configuration(project: Path) -> None:
    base = Config()
    assert load_project_config(project, base) is base
    assert load_project_config(project / "gone", base) is base


def test_a_project_may_be_patient_and_spend_less(project: Path) -> None:
    # given
    text = "[watch]\nsettle = 1\n[jobs]\ntimeout = 60\nattempts = 1\n"
    (project / FILE_NAME).write_text(text)
    base = Config(workspaces=(project.parent,))

    # when
    config = load_project_config(project, base)

    # then
    assert {change.key: change.new for change in diff(base, config)} == {
        "watch.settle": 1.0,
        "jobs.timeout": 60.0,
        "jobs.attempts": 1,
    }
    assert project_problems(project, base) == []


def test_which_keys_a_project_may_set_is_a_decision() -> None:
    assert {key.name for key in PROJECT_KEYS} == {
        "watch.settle",
        "watch.settle_open",
        "watch.max_wait",
        "jobs.timeout",
        "jobs.attempts",
        "check.enabled",
        "export.formats",
        "export.keys",
        "export.twins",
        "export.debounce",
        "export.salt",
        "export.test",
        "judge.mode",
        "judge.prompt",
        "judge.debounce",
        "judge.max_runs",
        "judge.max_tokens",
        "judge.seeds",
        "judge.search",
        "judge.trial_s",
        "judge.trial_calls",
        "judge.unverified",
        "judge.without_key",
        "judge.share",
        "judge.text",
        "lora.retrain",
        "lora.debounce",
        "lora.targets",
        "lora.threads",
        "lora.fidelity",
        "lora.coverage",
        "lora.stability",
        "lora.falls",
        "lora.mission",
        "takein.fields",
        "takein.alignment",
        "takein.rate",
    }


@pytest.mark.parametrize(
    "key", [key for key in KEYS.values() if key not in PROJECT_KEYS], ids=lambda key: key.name
)
def test_any_other_key_is_refused_by_name_whatever_its_value(project: Path, key: Key) -> None:
    (project / FILE_NAME).write_text(as_toml(key, key.default))
    with pytest.raises(ConfigError) as caught:
        load_project_config(project, Config())
    said = str(caught.value).removeprefix(f"{project / FILE_NAME}:")
    assert re.fullmatch(rf"\d+: {re.escape(key.name)} cannot be set by a project", said)
    assert "watch.settle" in caught.value.hint


@pytest.mark.parametrize(
    "place", ["prompt.txt", "src/a b.py:Brain.prompt", "c.yaml:agent.system", ""]
)
def test_a_project_says_where_its_prompt_is(project: Path, place: str) -> None:
    (project / FILE_NAME).write_text(f'[judge]\nprompt = "{place}"\n')
    base = Config.model_validate({"judge": {"prompt": "main.py"}})
    assert load_project_config(project, base).judge.prompt == place


@pytest.mark.parametrize("place", ["/etc/x", "../x.py", "~/x", ":NAME", "x.py:", "a\\u0000b"])
def test_a_place_outside_of_the_project_is_refused_in_a_line(project: Path, place: str) -> None:
    (project / FILE_NAME).write_text(f'[judge]\nprompt = "{place}"\n')
    with pytest.raises(ConfigError, match=r"judge\.prompt: Input should be a file inside"):
        load_project_config(project, Config())


LIMITED = [key for key in PROJECT_KEYS if key.project_may is not Mark.PROJECT_SETS]


@pytest.mark.parametrize("key", LIMITED, ids=lambda key: key.name)
def test_a_project_cannot_widen_its_own_rights(project: Path, key: Key) -> None:
    # given the daemon's value in the middle, one step further, one step back
    lower, middle, higher = _steps(key)
    raises = key.project_may is Mark.PROJECT_RAISES
    back, further = (higher, lower) if raises else (lower, higher)
    table, _, name = key.name.partition(".")
    base = Config.model_validate({table: {name: middle}})

    # when / then
    (project / FILE_NAME).write_text(as_toml(key, further))
    with pytest.raises(ConfigError, match="not for a project to set") as caught:
        load_project_config(project, base)
    assert re.search(rf"{FILE_NAME}:1: {re.escape(key.name)}: ", str(caught.value))

    for allowed in (middle, back):
        (project / FILE_NAME).write_text(as_toml(key, allowed))
        assert key.of(load_project_config(project, base)) == allowed


def _steps(key: Key) -> tuple[Any, Any, Any]:
    """Three values of a key, from low to high; two where it has no more."""
    if key.order:
        return key.order[0], key.order[-2], key.order[-1]
    if isinstance(key.default, bool):
        return False, False, True
    if isinstance(key.default, int):
        middle = max(key.default, 2)
        return middle - 1, middle, middle + 1
    share = isinstance(key.default, float) and key.default < 1
    return key.default / 2, key.default, key.default * (1.1 if share else 1.5)


def test_what_a_project_may_set_is_measured_against_the_daemons_own_value(
    file: Path, project: Path
) -> None:
    file.write_text("[jobs]\ntimeout = 100\n")
    (project / FILE_NAME).write_text("[jobs]\ntimeout = 200\n")
    with pytest.raises(ConfigError, match="at most the daemon's 100"):
        load_project_config(project, load_config(file))


def test_a_projects_mistakes_are_named_like_any_other(project: Path) -> None:
    (project / FILE_NAME).write_text("watch = {setle = 1, max_wait = 'x'}\n")
    found = project_problems(project, Config())
    assert [problem.message.removeprefix(f"{project / FILE_NAME}:1: ") for problem in found] == [
        "watch.max_wait: Input should be a valid number, not 'x'",
        "unknown key watch.setle",
    ]
    assert found[1].hint == "did you mean settle?"


def test_what_is_wrong_with_a_projects_file_is_logged_once_until_it_changes(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # given a file that is no good, read for each reaction
    configs, base = ProjectConfigs(), Config()
    own = project / FILE_NAME

    def logged_after(text: str, times: int = 3) -> list[str]:
        own.write_text(text)
        caplog.clear()
        assert all(configs.of(project, base) == base for _ in range(times))
        return [record.getMessage() for record in caplog.records]

    # when / then
    (line,) = logged_after("\n[watch]\nsettle = 'x'\n")
    assert line.startswith(f"{own}:3: watch.settle: ")
    (line,) = logged_after("wach = 1\n")
    assert line.startswith(f"{own}:1: unknown key wach")
    assert logged_after("# mended\n") == []
    assert len(logged_after("wach = 1\n")) == 1, "mended in between: it is news again"


def test_a_projects_file_is_an_origin(project: Path, file: Path) -> None:
    file.write_text("[watch]\nsettle = 0.1\nsettle_open = 3\n")
    own = project / FILE_NAME
    own.write_text("[watch]\nsettle_open = 4\n")
    loaded = read_project_config(project, read_config(file))
    assert loaded.origins["watch.settle_open"] == str(own)
    assert loaded.origins["watch.settle"] == str(file)
    assert loaded.files == (file, own)


def link_out(own: Path) -> None:
    (own.parent.parent / "elsewhere.toml").write_text("[watch]\nsettle = 9\n")
    own.symlink_to(own.parent.parent / "elsewhere.toml")


def make_large(own: Path) -> None:
    own.write_text("[watch]\nsettle = 9\n" + "#" * MAX_BYTES)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (link_out, "leads out of the project"),
        (make_large, "is larger than 64 KiB"),
        (os.mkfifo, "is not a file"),
        (Path.mkdir, "is not a file"),
        (lambda own: own.symlink_to(own), "not a usable path|cannot be read"),
        (lambda own: own.write_bytes(b"[watch]\n# \xff\n"), ":2: not UTF-8 text"),
        (lambda own: own.write_text("a = ]"), ":1:5: Invalid value"),
    ],
    ids=["symlink out", "large", "pipe", "folder", "loop", "not UTF-8", "no TOML"],
)
def test_a_file_that_is_not_to_be_read_is_refused(project: Path, make: Any, message: str) -> None:
    # given
    own = project / FILE_NAME
    make(own)

    # when / then
    with pytest.raises(ConfigError, match=message) as caught:
        load_project_config(project, Config())
    assert FILE_NAME in str(caught.value)
    assert len(project_problems(project, Config())) == 1


def test_a_symlink_inside_the_project_is_followed(project: Path) -> None:
    (project / "shared.toml").write_text("[watch]\nsettle = 9\n")
    (project / FILE_NAME).symlink_to("shared.toml")
    assert load_project_config(project, Config()).watch.settle == 9
