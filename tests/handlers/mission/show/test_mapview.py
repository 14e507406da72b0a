"""Maps: to scale, of any size, with words that can be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from random import Random
from typing import Any

import pytest

from handlers.mission.show.canvas import Drawing, Shape, svg
from handlers.mission.show.labels import LINE, width_of
from handlers.mission.show.mapview import LEFT, drawing
from handlers.mission.show.textmap import ROWS, text_map
from handlers.project.spec import ProjectSpec, parse_spec


def _mission(
    objects: Sequence[dict[str, Any]] = (), zones: Sequence[dict[str, Any]] = ()
) -> ProjectSpec:
    made = {
        "name": "hall",
        "scene": {"objects": list(objects), "zones": list(zones)},
        "phases": [{"name": "go", "goal_prompt": "walk " * 80}],
    }
    return parse_spec(json.dumps(made).encode(), "env.json")


def _words(picture: Drawing) -> dict[str, tuple[float, float, float, float]]:
    """Each text and about what it covers: left, top, right, bottom."""
    return {
        shape.text: (
            shape.at[0],
            shape.at[1] - 12,
            shape.at[0] + width_of(shape.text),
            shape.at[1] + 4,
        )
        for shape in picture.shapes
        if shape.kind == "text"
    }


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _bar(picture: Drawing) -> Shape:
    """The scale bar: the bent line below the map."""
    (bar,) = [
        shape
        for shape in picture.shapes
        if shape.kind == "line" and len(shape.at) == 8 and shape.at[0] == LEFT
    ]
    return bar


@pytest.mark.parametrize("seed", range(5))
def test_twelve_names_in_a_small_place_can_all_be_read(seed: int) -> None:
    # given a dozen things within a metre
    draw = Random(seed)
    objects = [
        {"type": "box", "tag": f"thing number {k}", "size": [0.07, 0.07, 0.1],
         "position": [-1.5 + draw.uniform(-0.5, 0.5), draw.uniform(-0.5, 0.5), 0.1]}
        for k in range(12)
    ]  # fmt: skip
    zone = {"name": "the place", "aabb": [[-2.2, -0.8, 0.0], [-0.8, 0.8, 1.0]]}
    # when they are drawn
    picture = drawing(_mission(objects, [zone]))
    # then every name is there, whole, in the picture, and on no other
    words = _words(picture)
    assert {"start", "the place", *(f"thing number {k}" for k in range(12))} <= words.keys()
    assert not [pair for pair in combinations(words, 2) if _overlap(*(words[n] for n in pair))]
    for left, top, right, bottom in words.values():
        assert left >= 0
        assert top >= 0
        assert right <= picture.width
        assert bottom <= picture.height


def test_the_bar_is_as_long_as_it_says_and_the_numbers_are_where_they_belong() -> None:
    # given a box of 2 m across, when it is drawn
    box = {"type": "box", "tag": "box", "position": [-2.0, 0.0, 0.2], "size": [0.5, 1.0, 0.2]}
    picture = drawing(_mission([box]))
    (rect,) = [shape for shape in picture.shapes if shape.kind == "rect"]
    scale = (rect.at[2] - rect.at[0]) / 2.0
    # then the bar's words agree with that scale, and so do the axes' numbers
    bar = _bar(picture)
    words = _words(picture)
    (said,) = [text.split()[0] for text in words if text[0].isdigit() and text.endswith(" m")]
    assert bar.at[4] - bar.at[0] == pytest.approx(float(said) * scale)
    assert words["-2.0"][1] - words["-2.5"][1] == pytest.approx(scale / 2)
    assert words["-2.0"][1] + LINE / 2 == pytest.approx((rect.at[1] + rect.at[3]) / 2, abs=5)


def test_a_run_has_arrows_the_way_it_went() -> None:
    picture = drawing(_mission(), [(0.0, 0.0), (-3.0, 0.0), (-3.0, 2.0)])
    heads = [shape.points for shape in picture.shapes if shape.kind == "polygon"]
    assert len(heads) >= 4  # the start's own, and those of the run
    for tip, left, right in heads:
        assert 0 <= tip[0] <= picture.width
        back = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
        way = (tip[0] - back[0], tip[1] - back[1])
        assert way[1] < -5 or way[0] > 5  # up, then right


@pytest.mark.parametrize("far", [60.0, 900.0, 1e9])
def test_a_map_of_any_extent_is_of_bounded_size(far: float) -> None:
    zone = {"name": "finish", "aabb": [[-far, -1.0, 0.0], [0.9 * -far, 1.0, 1.0]]}
    mission = _mission([], [zone])
    picture = drawing(mission, [(0.0, 0.0), (-far, 0.0)])
    assert picture.height < 1400
    assert picture.width < 1200
    assert len(picture.shapes) < 200
    assert "finish" in _words(picture)
    rows = text_map(mission).splitlines()
    assert len(rows) < ROWS + 10
    assert max(len(row) for row in rows[:-1]) <= 80


def test_a_person_is_named_as_one_and_text_is_escaped() -> None:
    person = {"type": "box", "tag": "<b>", "person": True, "position": [-1, 0, 0.1],
              "size": [0.3, 0.2, 0.1]}  # fmt: skip
    mission = _mission([person])
    assert "&lt;b&gt; (person)" in svg(drawing(mission))
    assert any("PPPP" in row for row in text_map(mission).splitlines())


def test_a_thin_wall_shows_from_end_to_end_however_coarse_the_map_is() -> None:
    wall = {"type": "box", "tag": "w", "position": [-30.0, 0.0, 0.3], "size": [0.02, 5.0, 0.3]}
    finish = {"name": "finish", "aabb": [[-61.0, -6.0, 0.0], [-60.0, 6.0, 1.0]]}
    (row,) = [row for row in text_map(_mission([wall], [finish])).splitlines()[1:] if "##" in row]
    step = 61.0 / (2 * ROWS)
    assert row.count("#") == pytest.approx(10.0 / step, abs=3)
