"""docs/figures.md is what the saved rows and the template make of it, and rows survive the JSON."""

from __future__ import annotations

import sys

import pytest
from checkout import ROOT

BENCHMARKS = ROOT / "tests" / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmarks' folder as who runs one has it: first on the path."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])


def test_the_document_is_in_step_with_what_was_saved() -> None:
    import figures

    assert figures.DOCUMENT.read_text() == figures.document(figures.read()), (
        "write it anew: python tests/benchmarks/figures.py"
    )


def test_a_row_comes_back_from_json_and_says_what_it_misses() -> None:
    from report import Goal, Row, Samples

    ours, theirs = Samples((30.0, 50.0), "ms"), Samples((10.0, 10.0), "ms")
    row = Row("status", ours, "bare", theirs, Goal(3.5))
    assert Row.from_json(row.as_json()) == row
    assert (row.judged, row.misses) == (4.0, True)
    assert row.cells()[3:] == ("4 x (3..5)", "<= 3.5: MISSED")
    assert not Row("speed", ours, goal=Goal(40.0, at_least=True)).misses


def test_what_is_much_more_than_it_was_is_said() -> None:
    import everything
    from figures import Saved
    from report import Row, Samples

    def rows(value: float) -> dict[str, list[Row]]:
        return {"cli": [Row("status", Samples((value,), "ms"))]}

    assert everything.changes(Saved(rows(10.0)), rows(11.0)) == []
    (line,) = everything.changes(Saved(rows(10.0)), rows(20.0))
    assert line == "CHANGED: status: ms 10 -> 20"
