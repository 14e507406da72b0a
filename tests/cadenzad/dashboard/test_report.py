"""`cadenzactl report`: a page that needs nothing but itself."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("dashboard")


def test_it_is_one_file_that_fetches_nothing(loop, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    code, out, _ = loop.house.ask("report", "rescue", "-o", str(target), "--json")
    assert code == 0
    assert json.loads(out)["output"] == str(target)
    text = unescape(target.read_text())
    assert "stuck@enter_debris: moves that gained no ground" in text
    assert "default-src 'none'" in text
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', text)
    assert "url(" not in text
    assert text.count("'sha256-") == 1 + len(re.findall(r"<script>", text))


def test_it_is_of_a_past_moment_where_one_is_asked_for(loop) -> None:
    first = loop.house.events("RunRecorded")[0]["position"]
    code, out, _ = loop.house.ask("report", "rescue", "-o", "-", "--at", str(first))
    assert code == 0
    assert f"As of position {first} of the history" in out
    assert "The prompt is as its author wrote it" in out


def test_where_it_cannot_be_written_it_says_so(loop, tmp_path: Path) -> None:
    code, _, err = loop.house.ask("report", "rescue", "-o", str(tmp_path / "none" / "r.html"))
    assert code == 2
    assert "there is no folder" in err
    assert "mkdir -p" in err


def test_an_unknown_project_is_code_four(loop, tmp_path: Path) -> None:
    code, _, err = loop.house.ask("report", "nobody", "-o", str(tmp_path / "r.html"))
    assert code == 4
    assert "no project 'nobody'" in err


def test_a_file_that_is_no_report_stays_as_it_is(loop, tmp_path: Path) -> None:
    mine = tmp_path / "notes.html"
    mine.write_text("<title>my notes on a cadenzad report </title>")
    code, _, err = loop.house.ask("report", "rescue", "-o", str(mine))
    assert code == 1
    assert "is there already, and `cadenzactl report` did not make it" in err
    assert mine.read_text().startswith("<title>my notes")
    # one of ours is made anew
    target = tmp_path / "report.html"
    for _ in range(2):
        assert loop.house.ask("report", "rescue", "-o", str(target))[0] == 0
