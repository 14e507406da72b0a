"""A log in, records and a manifest out: as the reference does it, the same bytes each time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from checkout import RECORDED

from handlers.export.export import draft_run, export_run, exported_paths
from handlers.export.files import AsRead, publish
from handlers.export.manifest import ALIGNMENT, Manifest
from handlers.export.records import Recipe
from handlers.intake.observe import Stat
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE, load_spec
from store import identity
from store.errors import InputError, NothingToExport
from store.events.exports import ExportOptions

Tick = Callable[..., dict[str, Any]]
MakeRecipe = Callable[..., Recipe]


LOGS = sorted((RECORDED / "missions").glob("*/*.log.jsonl"))
ORCHESTRATOR_LOGS = sorted((RECORDED / "orchestrator").glob("*.jsonl"))


def parsed(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


# -- recorded runs ---------------------------------------------------------------------------------


@pytest.mark.skipif(not LOGS, reason="no recorded data beside the checkout")
@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.parent.name}-{log.name[-15:-10]}")
def test_a_recorded_run_exports_as_the_reference_does(log: Path, tmp_path: Path) -> None:
    # given a recorded run and its mission
    recipe = Recipe.of(load_spec(log.parent / "env.json"), ExportOptions())
    output = tmp_path / "out.jsonl"
    # when it is exported
    report = export_run(log, output, recipe, manifest=None)
    # then each record equals the reference's, keys in its order
    golden = parsed(log.with_name(log.name.replace(".log.", ".finetune.")))
    assert parsed(output) == golden
    assert [list(record) for record in parsed(output)] == [list(record) for record in golden]
    assert report.tally.written == len(golden)
    assert report.tally.rejected == 0


@pytest.mark.skipif(not ORCHESTRATOR_LOGS, reason="no recorded data beside the checkout")
@pytest.mark.parametrize("log", ORCHESTRATOR_LOGS, ids=lambda log: log.stem)
def test_a_recorded_orchestrator_log_says_why_it_cannot_be_exported(
    log: Path, tmp_path: Path, make_recipe: MakeRecipe
) -> None:
    with pytest.raises(NothingToExport, match="holds no observations or rewards"):
        export_run(log, tmp_path / "out.jsonl", make_recipe(), manifest=None)
    assert list(tmp_path.iterdir()) == []


# -- records, report, manifest ---------------------------------------------------------------------


def test_a_record_word_for_word(make_tick: Tick, export: Callable[..., Any]) -> None:
    # given one tick, when it is exported with the default template
    tick = make_tick()
    done = export(tick)
    # then this is its record
    assert done.records == [
        {
            "prompt": "[MISSION: demo] [PHASE 1/2: approach]\n[GOAL: walk to the edge]\n"
            "[OBS] body_height=0.28m roll=-0\u00b0 pitch=+1\u00b0 feet_grounded=4 "
            "nearest_obstacle=-1.00m pos=(-0.95,+0.05)\n[ACTION]",
            "action": "walk_forward",
            "action_params": {"speed": 1.0, "repeat": 1},
            "reward": 2.517010114651292,
            "phase": "approach",
            "phase_idx": 0,
            "tick": 3,
            "obs": tick["obs"],
            "motion": {"label": "moving", "goal_xyz": None},
            "mission_success": False,
            "judgment": tick["judgment"],
        }
    ]
    assert list(done.records[0])[:2] == ["prompt", "action"]


def test_every_line_is_accounted_for(
    make_tick: Tick, export: Callable[..., Any], tmp_path: Path
) -> None:
    # given a log with a bit of everything
    done = export(
        make_tick(tick=0, action=None, reward=None),
        make_tick(tick=1),
        b"",
        b"[1]",
        make_tick(tick=2, reward="high"),
        make_tick(tick=3, phase_failed=True),
        make_tick(tick=4, reward=-9),
        make_tick(tick=5, terminated=True),
        b'{"tick": 6, "act',
        end=b"",
        include_failures=False,
        min_reward=-1.0,
    )
    # then the report and the manifest count the same lines, and tell which and why
    report, counts = done.report, done.manifest.counts
    assert [record["tick"] for record in done.records] == [1]
    assert (counts.read, counts.written, counts.filtered) == (9, 1, 3)
    assert (counts.skipped, counts.rejected, counts.blank) == (1, 3, 1)
    assert (report.tally.read, report.tally.written, report.tally.filtered) == (9, 1, 3)
    assert (report.tally.skipped, report.tally.rejected, report.tally.blank) == (1, 3, 1)
    assert counts.filtered_by == {
        "phase failed": 1,
        "reward below the minimum": 1,
        "terminated without mission success": 1,
    }
    assert counts.rejected_by == {"not an object": 1, "torn last line": 1, "wrong type": 1}
    assert done.manifest.rejected_lines == {
        "not an object": (4,),
        "torn last line": (9,),
        "wrong type": (5,),
    }
    assert [(sample.line, sample.reason) for sample in report.tally.samples] == [
        (4, "the line is a list, not an object"),
        (5, "reward is a string, not a number"),
        (9, "torn last line (the file ends in the middle of a record)"),
    ]
    assert done.manifest.samples == tuple(report.tally.samples)
    assert report.warnings == ()


def test_the_manifest_describes_both_files(
    make_tick: Tick, export: Callable[..., Any], tmp_path: Path
) -> None:
    done = export(make_tick(), template="{goal_prompt}", min_reward=1)
    log, output = tmp_path / "r.log.jsonl", tmp_path / "r.finetune.jsonl"
    for described, path in ((done.manifest.source, log), (done.manifest.output, output)):
        data = path.read_bytes()
        assert described.name == path.name
        assert described.size == len(data)
        assert described.hash == identity.of(data)
    assert done.report.source_hash == done.manifest.source.hash
    assert done.report.output_hash == done.manifest.output.hash
    assert done.manifest.alignment == done.report.alignment == ALIGNMENT
    assert done.manifest.template.sha256 == hashlib.sha256(b"{goal_prompt}").hexdigest()
    assert done.manifest.template.used == "{goal_prompt}"
    assert not done.manifest.template.fallback
    assert done.manifest.filters.min_reward == 1
    assert (done.manifest.mission, done.manifest.n_phases) == ("demo", 2)


def test_exporting_twice_gives_the_same_bytes(
    make_tick: Tick, export: Callable[..., Any], tmp_path: Path
) -> None:
    # given an export with records, rejections and a warning
    lines = [make_tick(), b"null", make_tick(tick=9)]
    export(*lines, template="{oops}")
    names = ("r.finetune.jsonl", "r.finetune.manifest.json")
    first = [(tmp_path / name).read_bytes() for name in names]
    # when it is done again, then both files have the same bytes
    export(*lines, template="{oops}")
    assert [(tmp_path / name).read_bytes() for name in names] == first


def test_an_unrenderable_template_warns_once_and_names_the_key(
    make_tick: Tick, export: Callable[..., Any]
) -> None:
    done = export(make_tick(), make_tick(), template="{mission_name} {unknown_key}")
    assert [record["prompt"] for record in done.records] == [
        "[MISSION: demo] [PHASE: approach] [GOAL: walk to the edge] [ACTION]"
    ] * 2
    assert len(done.report.warnings) == 1
    assert "'unknown_key'" in done.report.warnings[0]
    assert done.manifest.template.fallback
    assert done.manifest.warnings == done.report.warnings


def test_records_with_the_plain_prompt_are_counted_in_a_warning(
    make_tick: Tick, export: Callable[..., Any]
) -> None:
    done = export(make_tick(obs={"pos_x": "left"}), make_tick(), template="{pos_x:.1f}")
    assert done.manifest.counts.plain_prompts == 1
    assert "1 record;" in done.report.warnings[0]


def test_a_last_line_without_a_newline_is_a_record_when_it_is_whole(
    make_tick: Tick, export: Callable[..., Any]
) -> None:
    assert len(export(make_tick(), make_tick(), end=b"").records) == 2


@pytest.mark.parametrize("cut", [1, 40, 900])
def test_a_torn_last_line_is_named(make_tick: Tick, export: Callable[..., Any], cut: int) -> None:
    # given a last line cut anywhere, inside a character too
    whole = json.dumps(make_tick(phase="\u00b0" * 800), ensure_ascii=False).encode()
    for length in (cut, cut + 1):
        done = export(make_tick(), whole[:length], end=b"")
        assert done.manifest.rejected_lines == {"torn last line": (2,)}


# -- nothing to export -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no lines"),
        (b"\n \n\r\n", "holds no lines"),
        (b'{"tick": 0, "obs": {}}\n', "only reset observations"),
        (b"[1]\nnull\n", "no usable record in 2 lines; the first is line 1: the line is a list"),
        (b'{"tick": 1, "action"', "in 1 line; the first is line 1: torn last line"),
        (b'{"ts": 1.0, "event": "done"}\n', "orchestrator log holds no observations or rewards"),
        (b"\0" * 5000, "in 1 line; the first is line 1: "),
    ],
)
def test_a_log_without_a_record_leaves_no_file(
    tmp_path: Path, make_recipe: MakeRecipe, content: bytes, reason: str
) -> None:
    # given a log no record can be made of
    log, output = tmp_path / "log", tmp_path / "out.jsonl"
    log.write_bytes(content)
    # when it is exported, then the reason is one line and no file appears
    with pytest.raises(NothingToExport, match=reason) as caught:
        export_run(log, output, make_recipe(), manifest=tmp_path / "manifest.json")
    assert str(log) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_records_that_were_only_filtered_out_give_an_empty_export(
    make_tick: Tick, export: Callable[..., Any]
) -> None:
    done = export(make_tick(), make_tick(), min_reward=99)
    assert done.records == []
    assert done.report.tally.written == 0
    assert done.report.warnings == ("the export is empty: all 2 usable records were filtered out",)


# -- what must not go wrong ------------------------------------------------------------------------


def write_log(path: Path, ticks: int, tick: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps({**tick, "tick": n}) + "\n" for n in range(1, ticks + 1)))


def test_whatever_progress_raises_leaves_the_old_export(
    tmp_path: Path, make_tick: Tick, make_recipe: MakeRecipe
) -> None:
    # given an export that exists, and a long log
    log, output, manifest = (tmp_path / name for name in ("log", "out", "manifest"))
    output.write_text("before")
    manifest.write_text("before")
    write_log(log, 2000, make_tick())
    seen: list[int] = []

    def stop(read: int) -> None:
        seen.append(read)
        if len(seen) == 3:
            raise KeyboardInterrupt

    # when the export is stopped half-way
    with pytest.raises(KeyboardInterrupt):
        export_run(log, output, make_recipe(), manifest=manifest, progress=stop)
    # then both files are as they were, and nothing else is left
    assert output.read_text() == manifest.read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"log", "out", "manifest"}
    # and undisturbed it reports every byte
    seen.clear()
    export_run(log, output, make_recipe(), manifest=manifest, progress=seen.append)
    assert sum(seen) == log.stat().st_size
    assert len(seen) > 3


def test_a_log_that_grows_meanwhile_is_exported_up_to_its_size_at_the_start(
    tmp_path: Path, make_tick: Tick, make_recipe: MakeRecipe
) -> None:
    log, output = tmp_path / "log", tmp_path / "out"
    write_log(log, 2000, make_tick())
    size = log.stat().st_size

    def grow(_read: int) -> None:
        with log.open("a") as stream:
            stream.write(json.dumps(make_tick()) + "\n")

    report = export_run(log, output, make_recipe(), manifest=tmp_path / "m", progress=grow)
    assert (report.tally.read, report.tally.written) == (2000, 2000)
    manifest = msgspec.json.decode((tmp_path / "m").read_bytes(), type=Manifest)
    assert manifest.source.size == size
    assert report.source_hash == identity.of(log.read_bytes()[:size])


def test_a_log_that_grows_after_it_was_taken_in_is_hashed_after_all(
    tmp_path: Path, make_tick: Tick, make_recipe: MakeRecipe
) -> None:
    log, output = tmp_path / "log", tmp_path / "out"
    write_log(log, 2000, make_tick())
    data = log.read_bytes()
    as_read = AsRead(Stat.of(log.stat()).as_tuple(), "blake3:as before")

    def grow(_read: int) -> None:
        with log.open("a") as stream:
            stream.write(json.dumps(make_tick()) + "\n")

    with contextlib.ExitStack() as drafts:
        draft = partial(draft_run, log, output, make_recipe(), drafts, manifest=None)
        assert draft(as_read=as_read).report.source_hash == "blake3:as before"
    with contextlib.ExitStack() as drafts:
        drafted = draft_run(
            log, output, make_recipe(), drafts, manifest=None, progress=grow, as_read=as_read
        )
        read = drafted.report.tally.read
        assert read > 2000
        assert drafted.report.source_hash != "blake3:as before"
        assert drafted.report.source_hash == identity.of(
            b"".join(log.read_bytes().splitlines(keepends=True)[:read])
        )
        publish(*drafted.files)
    assert data == log.read_bytes()[: len(data)]
    assert {path.name for path in tmp_path.iterdir()} == {"log", "out"}


def test_an_export_never_replaces_its_own_log(
    tmp_path: Path, make_tick: Tick, make_recipe: MakeRecipe
) -> None:
    # given a log and other names for it
    log, link, hard = tmp_path / "log", tmp_path / "link", tmp_path / "hard"
    write_log(log, 1, make_tick())
    link.symlink_to(log)
    hard.hardlink_to(log)
    before = log.read_bytes()
    for target in (log, link, hard):
        for output, manifest in ((target, None), (tmp_path / "out", target)):
            with pytest.raises(InputError, match="is the run log itself"):
                export_run(log, output, make_recipe(), manifest=manifest)
    with pytest.raises(InputError, match="at once"):
        export_run(log, tmp_path / "out", make_recipe(), manifest=tmp_path / "." / "out")
    assert log.read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_memory_does_not_grow_with_the_log(
    tmp_path: Path, make_tick: Tick, make_recipe: MakeRecipe
) -> None:
    # given a log and one ten times as long
    peaks = []
    for ticks in (3_000, 30_000):
        log = tmp_path / f"{ticks}.jsonl"
        write_log(log, ticks, make_tick())
        # when they are exported
        tracemalloc.start()
        export_run(log, tmp_path / "out", make_recipe(), manifest=None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # then the second needs no more memory than the first
    assert peaks[1] < peaks[0] * 1.2 + 100_000


def test_a_line_of_many_mib_is_a_record(
    tmp_path: Path, make_tick: Tick, make_recipe: MakeRecipe
) -> None:
    log, output = tmp_path / "log", tmp_path / "out"
    long = {"rationale": "\u00b0 so " * 1_000_000}
    lines = [make_tick(tick=1), make_tick(tick=2, judgment=long), make_tick(tick=3)]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    export_run(log, output, make_recipe(), manifest=None)
    assert [record["tick"] for record in parsed(output)] == [1, 2, 3]
    assert parsed(output)[1]["judgment"] == long


# -- recipes and names -----------------------------------------------------------------------------


def test_options_come_before_env_json(tmp_path: Path) -> None:
    # given an env.json that filters
    path = tmp_path / "env.json"
    spec: dict[str, Any] = {"name": "demo", "phases": [{"name": "a", "goal_prompt": "go"}]}
    spec["vla_finetune"] = {"include_failures": False, "min_reward": -0.5}
    path.write_text(json.dumps(spec))
    # then it is followed where the options say nothing, and only there
    recipe = Recipe.of(load_spec(path), ExportOptions())
    assert recipe == Recipe("demo", 1, DEFAULT_PROMPT_TEMPLATE, False, -0.5, ("a",))
    options = ExportOptions(include_failures=True, min_reward=2, keys="extended", foreign=True)
    wanted = Recipe("demo", 1, recipe.template, True, 2, (), "extended")
    assert Recipe.of(load_spec(path), options) == wanted


def test_an_empty_template_is_a_template(make_tick: Tick, export: Callable[..., Any]) -> None:
    assert export(make_tick(), template="").records[0]["prompt"] == ""


def test_where_the_daemon_puts_exports() -> None:
    assert exported_paths("run-1") == (
        ".cadenza-env/exports/run-1.finetune.jsonl",
        ".cadenza-env/exports/run-1.finetune.manifest.json",
    )
