"""The Grafana dashboard asks for what there is: every metric and label in it is one of ours."""

from __future__ import annotations

import json
import re
from contextlib import closing
from itertools import combinations

from checkout import ROOT

from cadenzad.metrics.collect import _collect
from handlers.project.scaffold import init_project
from store.schema import connect_reader

BOARD = json.loads((ROOT / "systemd" / "grafana-dashboard.json").read_text(encoding="utf-8"))
QUERIES = [
    *(target["expr"] for panel in BOARD["panels"] for target in panel["targets"]),
    *(item["query"]["query"] for item in BOARD["templating"]["list"] if item["type"] == "query"),
]
NOW = 2_000_000_000.0
OTHERS = {"instance"}
"""Labels that Prometheus itself sets."""


def test_queries_ask_for_metrics_and_labels_that_there_are(home) -> None:
    # given all families, those that have no value now included
    init_project(home.root / "robots" / "rescue")
    home.once()
    with closing(connect_reader(home.state)) as reader:
        metrics = {metric.name: metric.samples for metric in _collect(home.state, reader, NOW)}

    # then
    for query in QUERIES:
        asked = re.findall(r"cadenzad_\w+", query)
        assert asked
        assert set(asked) <= set(metrics), f"no such metric in {query}"
        labels = {label for name in asked for sample in metrics[name] for label in sample.labels}
        groups = re.findall(r"by \(([\w, ]+)\)", query)
        used = {word for group in groups for word in group.split(", ")}
        used |= set(re.findall(r"(\w+)=~?\"", query))
        if all(metrics[name] for name in asked):
            assert used <= labels | OTHERS, f"{used - labels} are no labels of {asked}"


def test_what_people_read_is_there_and_nothing_covers_anything() -> None:
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["targets"] for panel in panels)
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        over = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or over, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_every_variable_that_is_used_is_asked_for() -> None:
    text = json.dumps(BOARD)
    used = set(re.findall(r"\$\{?(instance|project|datasource)\b", text))
    assert used == {item["name"] for item in BOARD["templating"]["list"]}
