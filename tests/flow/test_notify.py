"""A verdict reaches a command through the real daemon, and one that fails is seen in status."""

from __future__ import annotations

import json
import sys

import pytest
from teaching import taught_project

pytest.importorskip("torch")
SIT = [{"action": "sit"}]


def test_a_verdict_is_told(house) -> None:
    # given a command that writes down what it hears
    heard = house.root / "heard"
    code = f"import sys; open({str(heard)!r}, 'a').write(sys.stdin.read() + chr(10))"
    argv = json.dumps([sys.executable, "-c", code])
    told = f"[notify]\nargv = {argv}\non = ['NEEDS_DATA']\n"
    tables = f"[judge]\nmode = 'off'\n[lora]\nencoder = 'light'\n{told}"
    project = taught_project(house, {"sit down": SIT, "take a seat": SIT}, tables)

    # when
    house.once()

    # then
    (news,) = (json.loads(line) for line in heard.read_text().splitlines())
    assert news["kind"] == "NEEDS_DATA"
    assert news["project"] == str(project)
    assert news["text"].startswith("rescue: NEEDS_DATA: adapter 1: ")
    (scored,) = house.events("AdapterScored")
    assert news["id"] == scored["position"]
    (job,) = (
        j
        for j in json.loads(house.run("cadenzactl", "jobs", "--json").stdout)["jobs"]
        if j["kind"] == "notify-argv"
    )
    assert (job["state"], job["result"]) == ("succeeded", "told 1")
