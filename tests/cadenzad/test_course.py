"""How far a `--once` is, and that each word is a sign of life."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import pytest
from terminals import terminal

from cadenzad.config.files import Config
from cadenzad.daemon import Daemon


def test_a_once_says_how_far_it_is(home) -> None:
    # given
    project = home.project()
    for number in range(5):
        home.log(project, f"run-{number}")
    told: list[Mapping[str, object]] = []
    config = Config.model_validate(
        {"workspaces": [home.workspace], "judge": {"mode": "off"}, "lora": {"retrain": False}}
    )

    # when
    Daemon(config, home.state).run(once=True, progress=told.append)

    # then
    steps = list(dict.fromkeys(str(values.get("step")) for values in told))
    assert steps[:2] == ["reading files", "exporting"]
    assert any(step.startswith("check") for step in steps)
    read = [values["done"] for values in told if values.get("step") == "reading files"]
    assert read == list(range(1, len(read) + 1))
    assert len(read) >= 6, "the logs, and env.json"
    assert all(values["done"] <= values["total"] for values in told if "done" in values)  # type: ignore[operator]


@pytest.mark.long
def test_the_first_once_on_a_terminal_shows_a_bar_with_the_time_that_is_left(home) -> None:
    project = home.project()
    for number in range(3000):
        home.log(project, f"run-{number}", ticks=40)
    config = home.root / "cadenzad.toml"
    config.write_text("[judge]\nmode = 'off'\n[lora]\nretrain = false\n[log]\nlevel = 'warning'\n")
    words = ["--config", str(config), "--workspace", str(home.workspace), "--once"]
    command = [sys.executable, "-m", "cadenzad.cli.daemon", *words]
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home.root),
        "CADENZAD_STATE": str(home.state),
    }
    with terminal(command, environ, columns=100) as shown:
        shown.until("reading files: ")
        assert "%" in shown.until(" left]", timeout=60)
        shown.until("exporting: ", timeout=120)
        assert shown.ends(timeout=300) == 0
