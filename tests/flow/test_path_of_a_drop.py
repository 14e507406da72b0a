"""The path of a dropped run log: what the documentation says of it is what a traced one takes."""

from __future__ import annotations

import importlib
import json
import re
import sys

from checkout import ROOT

LINE = re.compile(r"^    ((?:store|handlers|cadenzad)/[\w/]+\.py):([\w.]+)  +(\S.*)$", re.MULTILINE)

TRACED = """
import json, sys, threading
from pathlib import Path

wanted = {tuple(step) for step in json.loads(sys.argv.pop(1))}
report, passed = Path(sys.argv.pop(1)), []
marker, draft, lock = report.with_name("dropped"), report.with_name("draft"), threading.Lock()
names = {function.rpartition(".")[2] for _, function in wanted}

def profile(frame, event, argument):
    code = frame.f_code
    if event != "call" or code.co_name not in names:
        return
    for step in wanted - {*passed}:
        here = code.co_qualname == step[1] and code.co_filename.endswith("/" + step[0])
        if here and marker.exists():  # what happened before the drop does not count
            with lock:
                if step not in passed:
                    passed.append(step)
                    draft.write_text(json.dumps(passed))
                    draft.rename(report)

threading.setprofile(profile)
sys.setprofile(profile)
from cadenzad.cli.daemon import main
sys.exit(main())
"""


def documented(text: str) -> list[tuple[str, str]]:
    return [(file, function) for file, function, _ in LINE.findall(text)]


def test_the_design_and_the_package_say_the_same_nine_lines() -> None:
    package = importlib.import_module("cadenzad.watch").__doc__
    design = (ROOT / "docs" / "design.md").read_text()
    assert package is not None
    lines = [match.group() for match in LINE.finditer(design)]
    assert lines == [match.group() for match in LINE.finditer(package)]
    assert len(lines) == 9
    assert design.index(lines[0]) < design.index("## ")  # before anything else is said


def test_each_step_is_a_function_there_is() -> None:
    for file, function in documented((ROOT / "docs" / "design.md").read_text()):
        found = importlib.import_module(
            file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        )
        for name in function.split("."):
            found = getattr(found, name)
        assert callable(found)
        assert str(found.__code__.co_filename).endswith(file)


def test_a_dropped_log_passes_through_them_in_this_order(house, logs) -> None:
    # given a running daemon that notes the first call of each step since the drop
    steps = documented((ROOT / "docs" / "design.md").read_text())
    report = house.root / "steps.json"
    words = [sys.executable, "-c", TRACED, json.dumps(steps), str(report)]
    project = house.project()
    house.start(command=words)
    house.until(lambda: house.status()["daemon"]["lag"] == 0, "all else is done")

    # when a run log is dropped
    report.with_name("dropped").touch()
    (project / ".cadenza-env" / "drop.log.jsonl").write_bytes(logs.run())
    house.until(lambda: house.events("RunExported"), "the export")

    # then
    passed = [tuple(step) for step in json.loads(report.read_text())]
    assert passed == steps
