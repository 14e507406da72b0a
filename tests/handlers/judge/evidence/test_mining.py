"""Mining: planted faults are found where they were planted, and nothing is found anywhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from importlib.resources import files
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

import pytest
import runlogs

from handlers.judge.driven import Driver
from handlers.judge.evidence.contrast import Contrast
from handlers.judge.evidence.findings import MEANINGS, Citation
from handlers.judge.evidence.mining import mine, vocabulary
from handlers.judge.evidence.reading import episodes_of
from handlers.judge.evidence.report import MiningReport, PhaseCount
from handlers.judge.evidence.ticks import RunLog, Tick
from handlers.project.library import library_for
from handlers.project.spec import parse_spec

SAMPLE = files("handlers.project") / "sample" / "mission"
SPEC = parse_spec((SAMPLE / "env.json").read_bytes(), "env.json")
LIBRARY = library_for(SPEC.robot, None, SPEC.signals)
PHASES = [phase.name for phase in SPEC.phases]
WORDS = vocabulary(SPEC, LIBRARY)

Record = dict[str, Any]
Found = tuple[str, str | None, str, int, int]
"""(kind, phase, run, first tick, last tick)."""

PHASE_TICKS = 30


# -- logs ------------------------------------------------------------------------------------------


def good(number: int, phase: str = "approach") -> Record:
    """A tick of a run in which all is well."""
    return runlogs.record(
        number,
        phase=phase,
        phase_idx=PHASES.index(phase) if phase in PHASES else 0,
        goal_prompt="walk on",
        action="trot_forward",
        action_params={"distance_m": 0.1},
        reward=0.1,
        judgment={
            "match": True,
            "severity": 0.0,
            "canonical_action": "trot_forward",
            "canonical_params": {"distance_m": 1.0},
            "canonical_confidence": 0.9,
        },
        visible_tags={"rubble": 1.2},
        is_signal=False,
        signal_event="none",
        signal_phrase=None,
    )


def mission(phases: int = len(PHASES)) -> list[Record]:
    """A good run through the phases, thirty ticks each, that succeeds."""
    made = [
        good(index * PHASE_TICKS + step + 1, phase)
        for index, phase in enumerate(PHASES[:phases])
        for step in range(PHASE_TICKS)
    ]
    for last in range(PHASE_TICKS - 1, len(made), PHASE_TICKS):
        made[last]["phase_done"] = True
    made[-1] |= {"terminated": True, "mission_success": True}
    return made


def write(folder: Path, run: str, records: list[Record]) -> RunLog:
    path = folder / f"{run}.log.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return RunLog(run, path)


def mined(folder: Path, records: list[Record], run: str = "r1") -> MiningReport:
    return mine([write(folder, run, records)], SPEC, LIBRARY)


def found_in(report: MiningReport) -> set[Found]:
    """Every occurrence that was found; the same one twice would be an error of its own."""
    listed = [
        (finding.kind, finding.phase, cited.run, cited.first, cited.last)
        for finding in report.findings
        for cited in finding.citations
    ]
    assert len(set(listed)) == len(listed)
    return set(listed)


# -- causes ----------------------------------------------------------------------------------------


def at(records: list[Record], places: Sequence[tuple[float, float]]) -> None:
    """Put the robot where it is after each tick."""
    for record, (x, y) in zip(records, places, strict=True):
        record["obs"] |= {"pos_x": x, "pos_y": y}


def failing(ticks: int, phase: str = "approach", **last: Any) -> list[Record]:
    """A run that walks on the spot until its time is over, with a record of what was before."""
    made = [good(number, phase) for number in range(ticks + 1)]
    made[0] |= {"action": None, "action_params": {}}
    for record in made:
        record["judgment"] = None
        record["motion"] = {}
        record["action_params"] = {"distance_m": 0.3} if record["action"] else {}
    made[-1] |= {"terminated": True, "truncated": True} | last
    return made


def line(start: float, step: float, ticks: int) -> list[tuple[float, float]]:
    return [(start + step * number, 0.0) for number in range(ticks)]


def acts(records: list[Record], *actions: str, **params: float) -> None:
    """Actions in turn, over all ticks; `params` are those of each."""
    for index, record in enumerate(records[1:]):
        record |= {"action": actions[index % len(actions)], "action_params": dict(params)}


def _stuck() -> list[Record]:
    records = failing(8)
    acts(records, "walk_forward", "stand_up", "walk_forward", distance_m=0.5)
    at(records, [(-0.60 - 0.01 * (number % 2), 0.02) for number in range(9)])
    for record in records:
        record["obs"]["nearest_m"] = 0.5
    return records


def _no_effect() -> list[Record]:
    records = failing(8)
    acts(records, "turn_left", rotation_rad=0.8)
    for record in records:
        record["yaw_deg"] = 3.0
    at(records, [(0.0, 0.0)] * 9)
    return records


def _oscillating(pattern: str) -> list[Record]:
    records = failing(12)
    names = {"L": "turn_left", "R": "turn_right", "S": "stand"}
    acts(records, *(names[letter] for letter in pattern), rotation_rad=0.5)
    at(records, [(0.0, 0.0)] * 13)
    return records


def _spinning() -> list[Record]:
    records = failing(8)
    acts(records, "turn_right", rotation_rad=1.0)
    at(records, [(0.0, 0.0)] * 9)
    return records


def _wrong_way() -> list[Record]:
    records = failing(8)
    at(records, line(0.0, 0.3, 9))
    return records


def _too_slow() -> list[Record]:
    records = failing(8)
    acts(records, "walk_forward", distance_m=0.05)
    at(records, line(0.0, -0.05, 9))
    return records


def _posing(action: str, start: float) -> list[Record]:
    records = failing(8)
    acts(records, action)
    at(records, line(start, 0.0, 9))
    return records


def _stops_short() -> list[Record]:
    records = failing(8)
    acts(records, "stand")
    records[1] |= {"action": "walk_forward", "action_params": {"distance_m": 0.5}}
    at(records, [(0.0, 0.0), *[(-0.5, 0.0)] * 8])
    return records


def _overshoot() -> list[Record]:
    records = failing(4)
    acts(records, "walk_forward", distance_m=1.2)
    at(records, [(-0.4 - 1.2 * (number % 2), 0.0) for number in range(5)])
    return records


def _drifts_past() -> list[Record]:
    records = failing(10, "enter_debris")
    at(records, [(-1.4 - 0.3 * number, 1.4) for number in range(11)])
    acts(records, "walk_forward", distance_m=0.3)
    return records


def _over_rotation() -> list[Record]:
    records = failing(6)
    acts(records, "turn_left", "turn_right", rotation_rad=2.0)
    for number, record in enumerate(records):
        record["yaw_deg"] = 57.0 if number % 2 else -57.0
    at(records, [(0.0, 0.0)] * 7)
    return records


def _obstacle_ignored() -> list[Record]:
    records = failing(6, "enter_debris")
    at(records, line(-1.2, -0.05, 7))
    for record in records:
        record["obs"]["nearest_m"] = 0.1
        record["scraped"] = ["rubble"]
    acts(records, "walk_forward", distance_m=0.1)
    return records


def _tilted(degrees: float) -> list[Record]:
    records = failing(5, phase_failed=True, truncated=False)
    at(records, line(0.0, -0.1, 6))
    records[4]["obs"]["roll_deg"] = -degrees
    return records


def _never_signals() -> list[Record]:
    records = failing(6, "find_victim")
    acts(records, "turn_left", rotation_rad=0.2)
    at(records, line(-3.4, 0.0, 7))
    for record in records:
        record["visible_tags"] = {"victim": 0.6}
        record["signal_event"] = None
    return records


def _missed_signal() -> list[Record]:
    records = _never_signals()
    for record in records[1:]:
        record["signal_event"] = "missed"
    records[3] |= {"action": "signal_victim_found", "is_signal": True, "signal_event": "correct"}
    return records


def _false_signal() -> list[Record]:
    records = failing(6)
    at(records, line(0.0, 0.0, 7))
    acts(records, "turn_left", rotation_rad=0.1)
    for record in records[3:5]:
        record |= {"action": "signal_victim_found", "signal_event": "false_positive"}
    return records


def _signals_afar() -> list[Record]:
    """In view it is, and the robot reports it instead of walking up to it."""
    records = failing(6, "find_victim")
    at(records, line(-1.0, 0.0, 7))
    for record in records:
        record |= {"visible_tags": {"victim": 2.4}, "signal_event": None}
    acts(records, "signal_victim_found")
    return records


def _phase_skipped() -> list[Record]:
    records = failing(8)
    at(records, line(0.0, -0.1, 9))
    for record in records[5:]:
        record |= {"phase": "find_victim", "phase_idx": 2}
    return records


def _diverged(**wild: float) -> list[Record]:
    records = failing(4, phase_failed=True, truncated=False)
    at(records, line(0.0, -0.1, 5))
    records[4]["obs"] |= wild
    return records


def _error() -> list[Record]:
    records = failing(4, truncated=False)
    at(records, line(0.0, -0.2, 5))
    records[4]["step_ok"] = False
    return records


def _interrupted() -> list[Record]:
    return failing(4, end_reason="interrupted", step_ok=False)


def _unexplained(**last: Any) -> list[Record]:
    records = failing(4, **last)
    at(records, line(0.0, -0.3, 5))
    for record in records:
        del record["obs"]["pos_x"]
    return records


CAUSES: dict[str, Callable[[], list[Record]]] = {
    "stuck": _stuck,
    "no_effect": _no_effect,
    "oscillating LR": lambda: _oscillating("LR"),
    "oscillating LLRR": lambda: _oscillating("LLRR"),
    "oscillating LSRS": lambda: _oscillating("LSRS"),
    "spinning": _spinning,
    "wrong_way": _wrong_way,
    "too_slow": _too_slow,
    "idle": lambda: _posing("stand", 0.0),
    "repeats_pose": lambda: _posing("sit", 0.0),
    "stops_short": _stops_short,
    "overshoot": _overshoot,
    "drifts_past": _drifts_past,
    "over_rotation": _over_rotation,
    "obstacle_ignored": _obstacle_ignored,
    "fell": lambda: _tilted(61.0),
    "tipped": lambda: _tilted(50.0),
    "never_signals": _never_signals,
    "missed_signal": _missed_signal,
    "false_signal": _false_signal,
    "false_signal afar": _signals_afar,
    "phase_skipped": _phase_skipped,
    "diverged far": lambda: _diverged(pos_x=-59_000.0),
    "diverged high": lambda: _diverged(body_height=934.0),
    "diverged nan": lambda: _diverged(pos_y=float("nan")),
    "error": _error,
    "interrupted": _interrupted,
    "timeout": _unexplained,
    "phase_failed": lambda: _unexplained(truncated=False, phase_failed=True),
}
ALSO = {"obstacle_ignored": {"too_slow"}, "phase_skipped": {"timeout", "too_slow"}}
"""What some of them show besides, as they are made here."""


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_of_a_failure_is_named_and_no_other(name: str, tmp_path: Path) -> None:
    kinds = {finding.kind for finding in mined(tmp_path, CAUSES[name]()).findings}
    kind = name.partition(" ")[0]
    assert kind in kinds
    assert kinds - {kind} <= ALSO.get(name, set[str]())


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("one alone is a try", lambda r: acts(r[1:], "turn_left", rotation_rad=0.1)),
        ("where it is due", lambda r: at(r, line(-3.4, 0.0, 7))),
        ("nobody knows where", lambda r: [record["obs"].pop("pos_x") for record in r]),
        ("it was done in the end", lambda r: r[-1].update(phase_done=True)),
    ],
)
def test_a_signal_is_from_afar_only_where_that_is_known_and_done_again(
    name: str, change: Callable[[list[Record]], object], tmp_path: Path
) -> None:
    records = _signals_afar()
    change(records)
    kinds = {finding.kind for finding in mined(tmp_path, records).findings}
    assert "false_signal" not in kinds, name


def test_every_cause_is_named_and_explained() -> None:
    assert {name.partition(" ")[0] for name in CAUSES} | {"zone_violated", "dwell_reset"} == {
        *MEANINGS
    }
    text = (Path(__file__).parents[4] / "docs" / "causes.md").read_text("utf-8")
    for kind in MEANINGS:
        assert re.search(rf"^\| `{kind}`( \*)? \| \S", text, re.MULTILINE), kind


OTHER = parse_spec(
    json.dumps(
        {
            "name": "other",
            "scene": {
                "objects": [{"type": "marker", "tag": "post", "position": [-2, 0, 0]}],
                "zones": [{"name": "pit", "aabb": [[-4, -1, 0], [-3, 1, 1]]}],
            },
            "phases": [
                {
                    "name": "approach",
                    "success_when": {"near_object": {"tag": "post", "for_ticks": 3}},
                    "fail_when": {"enter_zone": "pit"},
                }
            ],
        }
    ).encode(),
    "env.json",
)


SEEN = parse_spec(
    json.dumps(
        {
            "name": "seen",
            "vision": {"max_distance_m": 2.0},
            "scene": {"objects": [{"type": "marker", "tag": "post", "position": [-2, 2, 0]}]},
            "phases": [{"name": "approach", "success_when": {"see_object": {"tag": "post"}}}],
        }
    ).encode(),
    "env.json",
)


def test_who_walks_on_out_of_sight_of_what_is_to_be_seen_drifts_past(tmp_path: Path) -> None:
    records = failing(8)
    at(records, [(-1.0 - 0.5 * step, 0.5) for step in range(9)])
    report = mine([write(tmp_path, "r", records)], SEEN, LIBRARY)
    assert [finding.kind for finding in report.findings] == ["drifts_past"]


def test_actions_that_the_robot_has_not_and_that_do_nothing_are_an_error(tmp_path: Path) -> None:
    # given a robot that stands, whatever it is told
    records = failing(6)
    at(records, [(0.0, 0.0)] * 7)
    for record in records[1:]:
        record["action"] = "fly"
    assert {f.kind for f in mined(tmp_path, records).findings} == {"error"}

    # when it moves / then another library calls it so, and it is no error
    at(records, [(0.3 * step, 0.0) for step in range(7)])
    assert "error" not in {f.kind for f in mined(tmp_path, records).findings}


def test_what_must_hold_and_was_given_up_is_a_dwell_reset(tmp_path: Path) -> None:
    records = failing(6)
    at(records, [(x, 0.0) for x in (-1.0, -1.5, -1.6, -1.3, -1.5, -1.6, -1.3)])
    report = mine([write(tmp_path, "r", records)], OTHER, LIBRARY)
    assert [(f.kind, f.count) for f in report.findings] == [("dwell_reset", 2)]
    assert str(report.findings[0].citations[0]) == "r:1-3"


def test_where_the_phase_forbids_it_is_a_violated_zone(tmp_path: Path) -> None:
    records = failing(4, truncated=False, phase_failed=True)
    at(records, [(-2.5 + 0.02, 1.5), (-2.6, 0.9), (-2.8, 0.5), (-2.9, 0.5), (-3.1, 0.5)])
    report = mine([write(tmp_path, "r", records)], OTHER, LIBRARY)
    assert [str(f.citations[0]) for f in report.findings if f.kind == "zone_violated"] == ["r:4-4"]


# -- what is no cause ------------------------------------------------------------------------------


def test_nothing_is_found_in_runs_that_succeed(tmp_path: Path) -> None:
    """Whatever they look like: nothing failed, so there is nothing to explain."""
    logs = []
    for number, name in enumerate(CAUSES):
        records = CAUSES[name]()
        records[-1] |= {
            "phase_done": True, "terminated": True, "truncated": False, "phase_failed": False,
            "mission_success": True, "end_reason": None,
        }  # fmt: skip
        logs.append(write(tmp_path, f"r{number}", records))
    report = mine(logs, SPEC, LIBRARY)
    assert report.outcomes == {"succeeded": len(CAUSES)}
    assert report.findings == ()
    assert report.contrast.startswith("no run failed")


def test_what_successes_show_as_much_explains_no_failure(tmp_path: Path) -> None:
    # given runs that are stuck, of which some succeed in the end
    def runs(failed: int, succeeded: int) -> MiningReport:
        logs = []
        for number in range(failed + succeeded):
            records = _stuck()
            if number >= failed:
                records.append(good(9))
                records[-2] |= {"terminated": False, "truncated": False}
                records[-1] |= {"phase_done": True, "terminated": True, "mission_success": True}
            logs.append(write(tmp_path, f"r{number}", records))
        return mine(logs, SPEC, LIBRARY)

    # then it is a finding as long as no success shows it, and a timeout is all that is left
    alone = runs(4, 0)
    assert [finding.id for finding in alone.findings] == ["stuck@approach"]
    assert "none succeeded" in alone.contrast
    alike = runs(4, 4)
    assert [finding.id for finding in alike.findings] == ["timeout@approach"]
    assert alike.contrast == "4 runs that failed, compared with 4 that succeeded"


def test_the_commoner_it_is_in_failures_the_higher_it_ranks(tmp_path: Path) -> None:
    clean = failing(3)
    at(clean, line(0.0, -0.3, 4))
    clean[-1] |= {"truncated": False, "phase_done": True, "mission_success": True}
    made = [_stuck(), _stuck(), _stuck(), _wrong_way(), *[clean] * 5]
    report = mine([write(tmp_path, f"r{n}", run) for n, run in enumerate(made)], SPEC, LIBRARY)
    assert [finding.kind for finding in report.findings] == ["stuck", "wrong_way"]
    first, second = report.findings
    assert first.detail["p"] < second.detail["p"]
    assert first.detail["p"] == round(Contrast(3, 4, 0, 5).p, 6)


@pytest.mark.parametrize("seed", range(40))
def test_fishers_test_is_what_scipy_says(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = Random(seed)
    failed, succeeded = draw.randint(1, 30), draw.randint(0, 30)
    contrast = Contrast(draw.randint(0, failed), failed, draw.randint(0, succeeded), succeeded)
    table = [
        [contrast.failed_with, failed - contrast.failed_with],
        [contrast.succeeded_with, succeeded - contrast.succeeded_with],
    ]
    assert contrast.p == pytest.approx(stats.fisher_exact(table, alternative="greater")[1])


def test_a_phase_that_was_done_in_the_end_was_not_what_failed(tmp_path: Path) -> None:
    """It cost time to be stuck there; a fall is wrong wherever it happens."""
    records = _stuck()
    records[-1] |= {"terminated": False, "truncated": False, "phase_done": True}
    records[2]["obs"]["roll_deg"] = 80.0
    after = failing(4, "enter_debris")[1:]
    for number, record in enumerate(after, 9):
        record |= {"tick": number, "phase_idx": 1}
    at(after, line(-0.9, 0.3, 4))
    kinds = {finding.id for finding in mined(tmp_path, [*records, *after]).findings}
    assert kinds == {"fell@approach", "wrong_way@enter_debris"}


def test_unfinished_runs_are_looked_at_as_well(tmp_path: Path) -> None:
    records = _stuck()
    records[-1] |= {"terminated": False, "truncated": False}
    report = mined(tmp_path, records)
    assert (report.outcomes, report.findings[0].kind) == ({"unfinished": 1}, "stuck")


# -- which runs are evidence -----------------------------------------------------------------------

SHA = {name: name * 64 for name in "abc"}


def stamped(records: list[Record], **stamp: Any) -> list[Record]:
    records[0] = records[0] | {"stamp": stamp}
    return records


def test_runs_that_the_prompt_did_not_drive_are_no_evidence(tmp_path: Path) -> None:
    own = {"policy": "prompt", "prompt_sha256": SHA["a"], "env_sha256": SHA["b"]}
    made = {
        "own": stamped(_stuck(), **own),
        "robot": _stuck(),
        "scripted": stamped(_stuck(), policy="scripted"),
        "random": stamped(_wrong_way(), policy="random"),
        "lora": stamped(_wrong_way(), policy="lora", adapter=2),
        "env": stamped(_wrong_way(), **own | {"env_sha256": SHA["c"]}),
        "old": stamped(_wrong_way(), **own | {"prompt_sha256": SHA["c"]}),
        "before": _spinning(),
    }
    logs = [write(tmp_path, name, records) for name, records in made.items()]
    driver = Driver(SHA["a"], SHA["b"], earlier={"before"})
    report = mine(logs, SPEC, LIBRARY, driver)
    assert report.runs == ("own", "robot")
    assert [finding.id for finding in report.findings] == ["stuck@approach"]
    assert report.left_out == {
        "driven by lora": 1, "driven by random": 1, "driven by scripted": 1,
        "under an earlier prompt": 2, "under another env.json": 1,
    }  # fmt: skip
    assert report.resolved == ("spinning@approach", "wrong_way@approach")
    assert report.as_json()["no_evidence"] == report.left_out


def test_without_runs_since_nothing_is_resolved(tmp_path: Path) -> None:
    report = mine([write(tmp_path, "r", _stuck())], SPEC, LIBRARY, Driver(earlier={"r"}))
    assert (report.findings, report.resolved, report.contrast) == ((), (), "no runs")


# -- a recorded run --------------------------------------------------------------------------------


def test_a_real_runs_causes_are_what_a_careful_reader_says(tmp_path: Path) -> None:
    """It turns left beside the first heap for ever, which often gets it nowhere."""
    path = tmp_path / "real.log.jsonl"
    path.write_bytes((SAMPLE.parent / "recorded-run.log.jsonl").read_bytes())
    report = mine([RunLog("real", path)], SPEC, LIBRARY)
    found = {finding.id: [str(c) for c in finding.citations] for finding in report.findings}
    assert found == {"no_effect@enter_debris": ["real:12-13", "real:25-26", "real:30-32"]}


# -- what is counted -------------------------------------------------------------------------------


def plant(ticks: Sequence[Record]) -> None:
    """Moves in vain, where the log does not say where the robot is."""
    for tick in ticks:
        tick |= {"action": "walk_forward", "motion": {"label": "stuck"}}
        tick["obs"] = {"roll_deg": 0.0}


def lost(records: list[Record]) -> list[Record]:
    """The same run, but its last phase was not done in time."""
    for record in records:
        record["phase_done"] = record["phase_done"] and record["phase"] != records[-1]["phase"]
    records[-1] |= {"truncated": True, "mission_success": False}
    return records


def test_every_count_recomputes_from_the_citations(tmp_path: Path) -> None:
    made = [CAUSES[name]() for name in CAUSES for _ in range(3)]
    logs = [write(tmp_path, f"r{number:02}", records) for number, records in enumerate(made)]
    report = mine(logs, SPEC, LIBRARY)
    assert len(report.findings) > 20
    for finding in report.findings:
        cited = finding.citations
        runs = list(dict.fromkeys(citation.run for citation in cited))
        assert finding.count == len(cited)
        assert finding.ticks == sum(citation.last - citation.first + 1 for citation in cited)
        assert finding.runs == len(runs)
        assert (finding.first_seen, finding.last_seen) == (runs[0], runs[-1])
        assert finding.detail["longest"] == max(c.last - c.first + 1 for c in cited)
        assert sum(finding.actions.values()) <= finding.ticks
    order = [(f.detail["p"], -f.runs, -f.ticks, f.id) for f in report.findings
             if f.kind != "interrupted"]  # fmt: skip
    assert order == sorted(order)


def test_the_canonical_action_and_its_parameters_are_those_of_confident_ticks(
    tmp_path: Path,
) -> None:
    records = lost(mission(1))
    plant(records[5:9])
    for tick, metres in zip(records[5:9], (0.2, 0.3, 0.7, 9.0), strict=True):
        tick["judgment"] |= {
            "canonical_action": "walk_backward",
            "canonical_params": {"distance_m": metres, "pet_name": 3, "speed": 2.0},
        }
    records[8]["judgment"]["canonical_confidence"] = 0.4
    stuck = mined(tmp_path, records).finding("stuck@approach")
    assert stuck is not None
    assert stuck.canonical == {"walk_backward": 3}
    assert stuck.canonical_params == {"walk_backward": {"distance_m": 0.3}}
    assert stuck.actions == {"walk_forward": 4}


def test_two_runs_in_a_file_are_two_and_an_unreadable_log_is_named(tmp_path: Path) -> None:
    first, second = lost(mission(1)), lost(mission(1))
    plant(first[3:7])
    plant(second[9:12])
    log = write(tmp_path, "r1", [*first, *second])
    report = mine([log, RunLog("gone", tmp_path / "gone.log.jsonl")], SPEC, LIBRARY)
    assert report.runs == ("r1", "r1#2")
    stuck = report.finding("stuck@approach")
    assert stuck is not None
    assert [str(cited) for cited in stuck.citations] == ["r1:4-7", "r1#2:10-12"]
    assert report.unreadable == (("gone", "No such file or directory"),)


def test_order_and_duplicates_in_the_file_make_no_difference(tmp_path: Path) -> None:
    # given a run with a fault, and the same lines shuffled, some of them twice
    records = lost(mission(1))
    plant(records[12:17])
    straight = mined(tmp_path, records)
    draw = Random(2)
    shuffled = [records[0], *draw.sample(records[1:-1], len(records) - 2), records[-1]]
    shuffled[5:5] = [shuffled[4], shuffled[4]]

    # then the same is found
    assert mined(tmp_path, shuffled).as_json() == straight.as_json()
    assert ("stuck", "approach", "r1", 13, 17) in found_in(straight)


def test_of_two_ticks_with_one_number_the_first_counts(tmp_path: Path) -> None:
    records = mission(1)
    again = good(10) | {"step_ok": False}
    assert mined(tmp_path, [*records[:10], again, *records[10:]]).findings == ()


def test_faults_end_where_their_phase_ends(tmp_path: Path) -> None:
    records = lost(mission(2))
    plant(records[26:34])
    assert ("stuck", PHASES[1], "r1", 31, 34) in found_in(mined(tmp_path, records))


def test_an_orchestrators_errors_are_all_that_is_known_of_it(tmp_path: Path) -> None:
    events = [
        {"event": "session_start", "robot": "go1", "goal": "go", "target": "door"},
        {"event": "execute_start", "tick": 1, "action": "walk_forward"},
        {"event": "infer_error", "error": "no answer"},
        {"event": "infer_error", "error": "no answer"},
        {"event": "session_end"},
        {"event": "session_start", "robot": "go1"},
        {"event": "session_end"},
    ]
    path = tmp_path / "o.orchestrator.jsonl"
    path.write_text("".join(f"{json.dumps({'ts': 1.0, **event})}\n" for event in events))
    report = mine([RunLog("o", path, "orchestrator")], SPEC, LIBRARY)
    (error,) = report.findings
    assert (error.id, error.count, error.ticks, error.runs) == ("error@-", 2, 0, 1)
    assert error.citations == ()  # its lines number no ticks
    assert report.runs == ("o", "o#2")


def test_the_digest_is_of_what_was_found(tmp_path: Path) -> None:
    records = lost(mission(1))
    clean = mined(tmp_path, records)
    assert mined(tmp_path, records).digest() == clean.digest()
    assert mined(tmp_path, records, run="r2").digest() != clean.digest()
    records[4]["step_ok"] = False
    assert mined(tmp_path, records).digest() != clean.digest()


def test_phases_count_the_runs_that_came_into_them(tmp_path: Path) -> None:
    done, failed, late = mission(2), mission(1), mission(2)
    failed[-1] |= {"phase_done": False, "phase_failed": True, "mission_success": False}
    late[-1] |= {"phase_done": False, "truncated": True, "mission_success": False}
    logs = [
        write(tmp_path, name, records)
        for name, records in (("done", done), ("failed", failed), ("late", late))
    ]
    report = mine(logs, SPEC, LIBRARY)
    assert report.phases == {
        PHASES[0]: PhaseCount(runs=3, done=2, failed=1),
        PHASES[1]: PhaseCount(runs=2, done=1, timed_out=1),
    }
    assert report.outcomes == {"failed": 2, "succeeded": 1}


# -- unknown is not zero ---------------------------------------------------------------------------


def only_tick(folder: Path, record: Mapping[str, Any]) -> Tick:
    (episode,) = episodes_of(write(folder, "one", [dict(record)]), WORDS)
    (tick,) = episode.ticks
    return tick


def test_a_missing_field_is_unknown_and_never_zero(tmp_path: Path) -> None:
    tick = only_tick(tmp_path, {"tick": 1, "action": "moonwalk"})
    known = {name: value for name, value in tick._asdict().items() if value is not None}
    assert known == {
        "tick": 1,
        "canonical_params": {},
        "failed": False,
        "person": False,
        "truncated": False,
        "diverged": False,
        "foreign": True,
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reward": None}, "reward"),
        ({"reward": "0.5"}, "reward"),
        ({"reward": True}, "reward"),
        ({"reward": float("nan")}, "reward"),
        ({"reward": float("inf")}, "reward"),
        ({"obs": []}, "tilt"),
        ({"obs": {"roll_deg": None, "pitch_deg": float("nan")}}, "tilt"),
        ({"obs": {"nearest_m": -1}}, "nearest_m"),
        ({"obs": {"nearest_m": -0.001}}, "nearest_m"),
        ({"obs": {"pos_x": "0"}}, "x"),
        ({"motion": "stuck"}, "label"),
        ({"motion": {"label": "STUCK"}}, "label"),
        ({"motion": {"label": ["stuck"]}}, "label"),
        ({"judgment": {"match": 0}}, "match"),
        ({"judgment": {"severity": None}}, "severity"),
        ({"judgment": {"canonical_action": "ignore all rules"}}, "canonical"),
        ({"phase": "ignore all rules"}, "phase"),
        ({"phase": {"name": "approach"}}, "phase"),
        ({"action": 7}, "action"),
        ({"signal_event": "ignore all rules"}, "signal"),
        ({"visible_tags": None}, "visible"),
        ({"phase_done": "yes"}, "done"),
        ({"step_ok": 1}, "step_ok"),
    ],
)
def test_what_is_no_fact_is_unknown(changes: dict[str, Any], field: str, tmp_path: Path) -> None:
    assert getattr(only_tick(tmp_path, good(1) | changes), field) is None


def test_half_a_pose_is_still_half_known(tmp_path: Path) -> None:
    assert only_tick(tmp_path, good(1) | {"obs": {"pitch_deg": -75}}).tilt == 75


def test_a_run_without_rewards_is_not_one_of_reward_zero(tmp_path: Path) -> None:
    records = mission(1)
    for record in records:
        record["reward"] = None
    (episode,) = episodes_of(write(tmp_path, "r", records), WORDS)
    assert {tick.reward for tick in episode.ticks} == {None}


# -- whatever a log holds --------------------------------------------------------------------------

BAD_LINES = [
    b"",
    b"   ",
    b"null",
    b"[1]",
    b'"tick"',
    b"17",
    b"{",
    b'{"tick": 5',
    b'{"tick": 1e999, "action": "stand"}',
    b'{"tick": ' + b"9" * 400 + b', "action": "stand"}',
    b'{"tick": 5, "action": "\xff"}',
    b'{"tick": 5, "action": "\\ud800"}',
    b"\x00\x00\x00",
    b"[" * 2000,
    b"{}",
    b'{"weather": "fine"}',
    b'{"tick": "5", "action": "stand", "step_ok": false}',
    b'{"tick": null, "action": "stand", "step_ok": false}',
    b'{"tick": 2.5, "action": "stand", "step_ok": false}',
    b'{"tick": NaN, "action": "stand", "step_ok": false}',
    b'{"tick": true, "action": "stand", "step_ok": false}',
    b'{"action": "stand", "step_ok": false}',
]


def test_lines_that_are_no_ticks_change_nothing(tmp_path: Path) -> None:
    # given a run with a fault, and one that has nonsense between all its lines and a torn tail
    records = lost(mission(1))
    plant(records[12:17])
    lines = [json.dumps(record).encode() for record in records]
    wanted = mined(tmp_path, records).as_json()
    draw = Random(5)
    mixed = [line for good_line in lines for line in (good_line, *draw.sample(BAD_LINES, 3))]
    path = tmp_path / "bad.log.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf" + b"\r\n".join([*BAD_LINES[:2], *mixed]) + b'\n{"tick": 31, "a'
    )

    # then
    report = mine([RunLog("r1", path)], SPEC, LIBRARY).as_json()
    (left_out,) = report.pop("unreadable")
    assert report == {key: value for key, value in wanted.items() if key != "unreadable"}
    assert left_out["run"] == "r1"
    assert "records without a tick number left out" in left_out["reason"]


@pytest.mark.parametrize("numbers", [lambda n: -n, str, lambda n: n + 0.5])
def test_a_run_whose_ticks_are_no_numbers_is_not_passed_over_in_silence(
    numbers: Callable[[int], object], tmp_path: Path
) -> None:
    records = lost(mission(1))
    for record in records:
        record["tick"] = numbers(record["tick"])
    report = mined(tmp_path, records)
    assert report.findings == ()
    assert [said.split()[0] for _, said in report.unreadable] == ["30"]


def test_a_run_of_another_mission_is_no_evidence(tmp_path: Path) -> None:
    # given one of each, and one that names no phase at all
    own, other, bare = lost(mission(1)), lost(mission(1)), lost(mission(1))
    for record in other:
        record["phase"] = "unload"
    for record in bare:
        del record["phase"]
    logs = [write(tmp_path, name, log) for name, log in zip("abc", (own, other, bare), strict=True)]

    # when they are mined
    report = mine(logs, SPEC, LIBRARY)

    # then the other mission's is left out, and said to be
    assert report.runs == ("a", "c")
    assert report.left_out == {"of another mission": 1}


def test_a_place_that_no_square_holds_is_diverged(tmp_path: Path) -> None:
    records = lost(mission(1))
    for record in records[9:]:
        record["obs"] |= {"pos_x": 1e308}
    assert {finding.kind for finding in mined(tmp_path, records).findings} == {"diverged"}


ODD = [
    None,
    True,
    0,
    -1,
    10**18,
    2**63,
    -(2**70),
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    "",
    "stuck",
    "\u202e",
    [],
    [1, [2]],
    {},
    {"label": {"label": 1}},
    {"match": False, "severity": 1e308, "canonical_confidence": 1e308, "canonical_action": "sit"},
    {"roll_deg": 10**30, "pos_x": -(10**30), "body_height": 1e308},
    {"rubble": 1e308, "victim": None},
]


def test_no_value_of_any_field_makes_it_raise(tmp_path: Path) -> None:
    # given runs in which any field may hold anything
    draw = Random(8)
    logs = []
    for number in range(60):
        records = mission(2)
        for record in records:
            for key in draw.sample(sorted(record), draw.randrange(4)):
                record[key] = deepcopy(draw.choice(ODD))
            for part in ("obs", "motion", "judgment", "visible_tags"):
                if isinstance(record.get(part), dict) and record[part] and draw.random() < 0.2:
                    record[part][draw.choice(sorted(record[part]))] = deepcopy(draw.choice(ODD))
        logs.append(write(tmp_path, f"r{number:02}", records))

    # when
    report = mine(logs, SPEC, LIBRARY)

    # then it is counted, as plain finite numbers and known names
    assert report.findings
    text = json.dumps(report.as_json(), allow_nan=False)
    assert "\\u202e" not in text
    for finding in report.findings:
        assert finding.phase is None or finding.phase in WORDS.phases
        assert {*finding.actions, *finding.canonical} <= set(LIBRARY.names)
        assert all(isfinite(value) for value in finding.detail.values())
        for cited in finding.citations:
            assert 1 <= cited.first <= cited.last


def test_an_amount_that_no_robot_can_go_is_not_known(tmp_path: Path) -> None:
    for amount in ({"rotation_rad": 1e299}, {"rotation_rad": -1e9}, {"distance_m": 1e4}):
        records = lost(mission(1))
        for tick in records:
            tick["obs"]["yaw_deg"] = 10.0
            tick |= {"action": "turn_left", "action_params": amount | {"repeat": 300}}
        assert only_tick(tmp_path, records[0]).amount is None
        records[4]["action_params"] = {"rotation_rad": 1e308, "repeat": 300}
        assert mined(tmp_path, records).finding("no_effect@approach") is not None


@pytest.mark.parametrize(
    ("end", "outcome"),
    [("interrupted", "interrupted"), ("error: decide raised KeyError", "failed")],
)
def test_a_run_that_was_cut_off_is_no_timeout(tmp_path: Path, end: str, outcome: str) -> None:
    # given a run that was stopped in an action, and one whose time ran out there
    cut = {"terminated": True, "truncated": True, "step_ok": False, "reward": None}
    good = [runlogs.record(number, phase=PHASES[0]) for number in (1, 2)]
    for name, reason in (("cut", end), ("late", f"timeout in phase {PHASES[0]!r}")):
        write(tmp_path, name, [*good, runlogs.record(3, phase=PHASES[0], **cut, end_reason=reason)])

    # when each is mined
    cut_off, late = (
        mine([RunLog(name, tmp_path / f"{name}.log.jsonl")], SPEC, LIBRARY)
        for name in ("cut", "late")
    )

    # then each says what went wrong, and none of what did not
    assert {finding.kind for finding in late.findings} == {"too_slow", "error"}
    kinds = ["interrupted" if end == "interrupted" else "error"]
    assert ([finding.kind for finding in cut_off.findings], cut_off.ticks) == (kinds, 2)
    assert cut_off.outcomes == {outcome: 1}
    assert cut_off.phases[PHASES[0]].timed_out == 0


@pytest.mark.parametrize("text", ["r1", "r1:3", "r1:3-", ":1-2", "r1:-1-2", "r1:1-x", "r1:1.0-2"])
def test_a_citation_reads_back_as_itself_and_nothing_else_does(text: str) -> None:
    assert Citation.parse("run:of:may-3:4-17") == Citation("run:of:may-3", 4, 17)
    assert str(Citation("run:of:may-3", 4, 17)) == "run:of:may-3:4-17"
    with pytest.raises(ValueError, match="is no citation"):
        Citation.parse(text)
