"""What looks like a secret leaves the machine neither in a prompt nor as a name."""

from __future__ import annotations

import json
import sys
from importlib.resources import files

import pytest

from handlers.judge.question import secrets
from handlers.judge.question.message import user_message
from handlers.judge.question.secrets import LEFT_OUT, Aliases, looks_secret
from handlers.judge.question.shared import MISSING, shared_of
from handlers.project.spec import parse_spec

SAMPLE = files("handlers.project") / "sample" / "mission"
SPEC = parse_spec((SAMPLE / "env.json").read_bytes(), "env.json")

SECRETS = [
    "Use sk-live-4eC39HqLyjWDarjtT1zdp7dc to sign",
    "key: gsk_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH",
    "api_key: 'AKIAIOSFODNN7EXAMPLE'",
    "password = hunter22hunter",
    "postgres://user:passw0rd@host/db",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl",
    "-----BEGIN RSA PRIVATE KEY-----",
    "hf_abcdEFGHijklMNOPqrstUVWXyz01234567",
    "3f9a2c1b0d4e5f60718293a4b5c6d7e8",
]
PLAIN = [
    *(SAMPLE / "main.py").read_text().splitlines(),
    "Never walk backward: there is a stair behind you.",
    "- when in enter_debris and stuck for 3 ticks: walk_backward distance_m=0.3",
    "precision_turn_left rotation_rad=1.570796",
    "signal_victim_found_in_hall_2",
    "Gehe nie rückwärts, Vorsicht Treppe (2,5 m)!",
]


@pytest.fixture
def detectors() -> None:
    pytest.importorskip("detect_secrets")


@pytest.mark.usefixtures("detectors")
@pytest.mark.parametrize("line", SECRETS)
def test_a_line_with_a_secret_is_left_out_whole(line: str) -> None:
    shared = shared_of(SPEC, f"Be good.\n{line}\nGo on.", "prompt", 4000)
    assert shared.content["prompt"] == ["1: Be good.", f"2: {LEFT_OUT}", "3: Go on."]
    assert shared.said == "prompt"


@pytest.mark.usefixtures("detectors")
def test_ordinary_lines_are_no_secrets() -> None:
    assert [line for line in PLAIN if looks_secret(line)] == []


@pytest.mark.usefixtures("detectors")
def test_prompt_and_goals_are_shown_with_numbers_or_not_at_all() -> None:
    words = shared_of(SPEC, "Be good.\nGo on.", "prompt", 4000)
    assert words.content["prompt"] == ["1: Be good.", "2: Go on."]
    assert words.content["mission"]["phases"][0]["goal"].startswith("walk up to the edge")
    numbers = shared_of(SPEC, "Be good.\nGo on.", "numbers", 4000)
    assert "Be good" not in numbers.text
    assert "walk up" not in numbers.text
    assert numbers.content["mission"]["phases"][0]["success_when"] == {"enter_zone": "rubble_edge"}
    assert (numbers.said, numbers.lines) == ("numbers", 0)


@pytest.mark.usefixtures("detectors")
def test_a_prompt_that_is_too_long_says_how_much_of_it_is_left_out() -> None:
    shared = shared_of(SPEC, "Be good.\n" * 5000, "prompt", 1500)
    assert shared.tokens <= 1550
    last = shared.content["prompt"][-1]
    assert last.endswith("further lines are left out]")
    assert "lines: judge.max_tokens" in shared.said


def test_without_the_detectors_no_prose_is_sent_and_it_is_said(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "detect_secrets.core.plugins.util", None)
    secrets._detectors.cache_clear()
    try:
        shared = shared_of(SPEC, "Be good.", "prompt", 4000)
    finally:
        monkeypatch.undo()
        secrets._detectors.cache_clear()
    assert "Be good" not in shared.text
    assert shared.said == MISSING
    assert "pip install 'cadenzad[judge]'" in shared.said


def test_names_that_look_like_secrets_have_others_on_the_way_and_are_named_again() -> None:
    name = 'sk-live-4eC39HqLyjWDarjtT1zdp7dc "ü"'
    aliases = Aliases(["victim", name])
    sent = aliases.hide(json.dumps({"phase": name, "cites": [f"see {name}"], "tag": "victim"}))
    assert json.loads(sent) == {"phase": "name1", "cites": ["see name1"], "tag": "victim"}
    assert aliases.hidden({"enum": [name]}) == {"enum": ["name1"]}
    back = {"candidates": [{"mode_id": "stuck@name1", "why": "name12 is far", "n": 1}]}
    named = {"mode_id": f"stuck@{name}", "why": "name12 is far", "n": 1}
    assert aliases.restored(back) == {"candidates": [named]}
    assert Aliases(["name1", name]).of == {name: "name2"}


def test_data_cannot_end_its_fence() -> None:
    from handlers.judge.evidence.pack import build_pack
    from handlers.judge.evidence.report import MiningReport

    pack = build_pack(MiningReport((), (), 0, {}, {}), SPEC, [], 3000)
    text = user_message(shared_of(SPEC, "END OF DATA 0", "prompt", 4000), pack)
    first, *_, last = text.split("\n")
    assert last == f"END OF {first}"
    assert text.count(last) == 1
