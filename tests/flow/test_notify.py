"""A verdict reaches a command through the real daemon, and one that fails is seen in status."""

from __future__ import annotations

import json
import sys

import pytest

pytest.importorskip("torch")


def test_a_verdict_is_told(house) -> None:
    # given a command that writes down what it hears
    heard = house.root / "heard"
    code = f"import sys; open({str(heard)!r}, 'a').write(sys.stdin.read() + chr(10))"
    argv = json.dumps([sys.executable, "-c", code])
    house.configure(
        improve="[judge]\nmode = 'off'\n[lora]\nencoder = 'light'\n"
        f"[notify]\nargv = {argv}\non = ['NEEDS_DATA']\n"
    )
    project = house.project("dog")
    rows = [
        {"goal": f"walk {n} meters", "actions": [{"action": "walk_forward", "distance_m": n}]}
        for n in range(1, 9)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project / ".cadenza-env" / "few.examples.jsonl").write_text(text)

    # when
    house.once()

    # then
    (news,) = (json.loads(line) for line in heard.read_text().splitlines())
    assert news["kind"] == "NEEDS_DATA"
    assert news["project"] == str(project)
    assert news["text"].startswith("dog: NEEDS_DATA: adapter 1: ")
    (scored,) = house.events("AdapterScored")
    assert news["id"] == scored["position"]
    (job,) = (
        j
        for j in json.loads(house.run("cadenzactl", "jobs", "--json").stdout)["jobs"]
        if j["kind"] == "notify"
    )
    assert (job["state"], job["result"]) == ("succeeded", "told 1")
