"""Facts: what is written of them, what is read again, and what is not let in."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

from store.events.base import Event, Fact
from store.events.files import EpisodeFact, FileFact, RunStamp
from store.events.process import DaemonStarted, JobQueued
from store.events.prompt import RuleFact


def test_a_later_field_is_written_only_where_it_says_something() -> None:
    episode = EpisodeFact(index=0, first_line=1, ticks=3, outcome="failed")
    assert "stamp" not in episode.as_shape()
    assert episode.as_shape()["reason"] == ""
    stamped = episode.changed(stamp=RunStamp(policy="brain", source="rosbag"))
    assert stamped.as_shape()["stamp"]["source"] == "rosbag"
    assert "source_hash" not in stamped.as_shape()["stamp"]
    assert stamped.as_shape()["stamp"]["seed"] is None


def test_an_equal_default_is_the_default_whoever_made_the_text() -> None:
    read = json.loads('"model"')
    assert "by" not in RuleFact(line="- x", mode_id="m", by=read).as_shape()
    assert RuleFact(line="- x", mode_id="m", by="code").as_shape()["by"] == "code"


def test_an_empty_object_is_written_where_it_always_was() -> None:
    assert JobQueued(kind="export", reason="x").as_shape()["spec"] == {}


def test_what_an_older_class_has_cannot_become_a_later_field_by_chance() -> None:
    class Before(Event):
        note: str = ""

    with pytest.raises(TypeError, match="Before"):

        class _After(Before):
            LATER: ClassVar[frozenset[str]] = frozenset({"more"})

            more: str = ""


def test_a_fact_cannot_be_changed_nor_made_by_position() -> None:
    rule = RuleFact(line="- x", mode_id="m")
    with pytest.raises(AttributeError):
        rule.line = "- y"  # type: ignore[misc]
    with pytest.raises(TypeError):
        RuleFact("- x", "m")  # type: ignore[call-arg, misc]


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ({"line": "- x"}, "mode_id"),
        ({"line": "- x", "mode_id": 3}, r"\$\.mode_id"),
        ({"line": "- x", "mode_id": "m", "by": "somebody"}, r"\$\.by"),
        ({"line": "- x", "mode_id": "m", "more": 1}, "more"),
    ],
)
def test_what_does_not_fit_says_where(shape: dict[str, object], says: str) -> None:
    for read in (lambda: RuleFact.of_shape(shape), lambda: RuleFact.of_json(json.dumps(shape))):
        with pytest.raises(ValueError, match=says):
            read()


def test_a_hash_with_a_line_break_is_none() -> None:
    with pytest.raises(ValueError, match="env_sha256"):
        RunStamp.of_shape({"env_sha256": "a" * 64 + "\n"})


def test_what_is_appended_is_what_a_reader_gets(writer, make) -> None:
    # given a reward that is a whole number, which JSON does not tell from another
    event = make.run("a").event
    told = event.changed(episodes=(event.episodes[0].changed(reward=2),))
    (record,) = writer.append(make.run("a")._replace(event=told))
    assert repr(record.event.episodes[0].reward) == "2.0"


@pytest.mark.parametrize(
    "event",
    [
        DaemonStarted(pid=1, version="1", workspaces=("/a", 3)),  # type: ignore[arg-type]
        DaemonStarted(pid=1, version="\ud800", workspaces=()),
        JobQueued(kind="x", reason="", spec={"at": object()}),
    ],
)
def test_what_could_not_be_read_again_is_not_stored(event: Event, writer, make) -> None:
    with pytest.raises(ValueError, match="no log can hold"):
        writer.append(make.run("a")._replace(event=event))
    assert len(writer.append(make.run("b"))) == 1


def test_a_file_counts_its_revisions_from_one() -> None:
    shape = dict.fromkeys(("dev", "ino", "size", "mtime_ns"), 0) | {"path": "a", "sha256": "b"}
    assert FileFact.of_shape(shape).revision == 1
    with pytest.raises(ValueError, match="revision"):
        FileFact.of_shape(shape | {"revision": 0})


def test_every_fact_is_frozen_and_strict_about_names() -> None:
    for cls in (Fact, *Fact.__subclasses__(), *Event.__subclasses__()):
        config = cls.__struct_config__  # type: ignore[attr-defined]
        assert config.frozen, cls.__name__
        assert config.forbid_unknown_fields, cls.__name__
