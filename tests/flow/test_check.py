"""A mission with a mistake is dropped, and status says so before anybody runs it."""

from __future__ import annotations

import json
import shutil

import pytest

from handlers.project.scaffold import init_project

pytest.importorskip("mujoco")


def test_a_planted_error_shows_in_status_and_goes_when_it_is_mended(house) -> None:
    # given a mission whose first phase needs more ticks than it has
    house.configure(check=True)
    project = house.workspace / "hall"
    draft = house.root / "draft"
    init_project(draft)
    mission = json.loads((draft / "env.json").read_text())
    good = (draft / "env.json").read_bytes()
    mission["phases"][0]["success_when"] = {"elapsed_ticks": 50}
    mission["phases"][0]["max_ticks"] = 40
    (draft / "env.json").write_text(json.dumps(mission))
    shutil.move(draft, project)

    # when
    house.once()

    # then
    _, out, _ = house.ask("status")
    said = next(line for line in out.splitlines() if "elapsed_ticks" in line)
    assert said.startswith("hall: error: phases[0].success_when.elapsed_ticks: needs 50 ticks")
    assert any(line.startswith("hall: check: errors: 1") for line in out.splitlines())
    (checked,) = house.events("ProjectChecked")
    assert checked["data"]["errors"] == house.status()["projects"][0]["check"]["errors"] == 1

    # when it is mended
    (project / "env.json").write_bytes(good)
    house.once()

    # then
    check = house.status()["projects"][0]["check"]
    assert (check["state"], check["errors"]) == ("checked", 0)
