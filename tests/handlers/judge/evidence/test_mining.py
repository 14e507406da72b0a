"""Mining: planted faults are found where they were planted, and nothing is found anywhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from importlib.resources import files
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

import pytest
import runlogs

from handlers.judge.evidence.findings import Citation
from handlers.judge.evidence.mining import MiningReport, PhaseCount, mine, vocabulary
from handlers.judge.evidence.ticks import RunLog, Tick, episodes_of
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

SLOT = 10
SLOTS = 3
"""A fault or a decoy lies within a slot of ten ticks of a phase, with good ticks around it."""


# -- logs ------------------------------------------------------------------------------------------


def good(number: int, phase: str = "approach") -> Record:
    """A tick of a run in which all is well."""
    return runlogs.record(
        number,
        phase=phase,
        phase_idx=PHASES.index(phase) if phase in PHASES else 0,
        goal_prompt="walk on",
        action="trot_forward",
        action_params={"distance_m": 1.0},
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
        good(index * SLOTS * SLOT + step + 1, phase)
        for index, phase in enumerate(PHASES[:phases])
        for step in range(SLOTS * SLOT)
    ]
    for last in range(SLOTS * SLOT - 1, len(made), SLOTS * SLOT):
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


# -- faults, and what only looks like one ----------------------------------------------------------

Planter = Callable[[Random, list[Record]], None]


def _stuck(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick["action"] = draw.choice(("walk_forward", "crawl_forward", "climb_step"))
        tick["motion"] = {"label": "stuck"}


def _stuck_while_turning(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick["action"] = draw.choice(("turn_left", "stand", "sit", "signal_victim_found"))
        tick["motion"] = {"label": "stuck"}
    ticks[0]["action"] = "stand"
    for tick in ticks[1::2]:
        tick["action"] = "turn_left"  # never in turn with its opposite


def _fall(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        axis = draw.choice(("roll_deg", "pitch_deg"))
        tick["obs"][axis] = draw.choice((-1, 1)) * draw.uniform(60.1, 180)


def _lean(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick["obs"] |= {"roll_deg": draw.choice((-60, 60, 59.9)), "pitch_deg": -60.0}


def _mismatch(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick["judgment"] |= {
            "match": False,
            "severity": draw.uniform(0.5, 1),
            "canonical_action": "walk_backward",
            "canonical_confidence": draw.uniform(0.5, 1),
        }


def _unsure_mismatch(draw: Random, ticks: list[Record]) -> None:
    """Without confidence, severity, or a word on whether it matched, it is none."""
    for tick in ticks:
        _mismatch(draw, [tick])
        tick["judgment"] |= draw.choice(
            (
                {"canonical_confidence": draw.uniform(0, 0.49)},
                {"canonical_confidence": None},
                {"severity": draw.uniform(0, 0.49)},
                {"severity": None},
                {"severity": "0.9"},
                {"match": None},
                {"match": "false"},
                {"match": 0},
            )
        )


def _swings(draw: Random, ticks: list[Record], x: Callable[[int], float]) -> None:
    there, back = draw.choice(
        (
            ("turn_left", "turn_right"),
            ("precision_turn_right", "precision_turn_left"),
            ("side_step_left", "side_step_right"),
            ("walk_backward", "walk_forward"),
        )
    )
    for index, tick in enumerate(ticks):
        tick["action"] = back if index % 2 else there
        tick["obs"] |= {"pos_x": x(index), "pos_y": 0.5}


def _oscillation(draw: Random, ticks: list[Record]) -> None:
    _swings(draw, ticks, lambda index: -1.0 + 0.1 * (index % 2))


def _swings_away(draw: Random, ticks: list[Record]) -> None:
    _swings(draw, ticks, lambda index: -1.0 - 0.1 * index)


def _swings_nowhere_known(draw: Random, ticks: list[Record]) -> None:
    _swings(draw, ticks, lambda index: -1.0)
    del ticks[draw.choice((0, -1))]["obs"]["pos_x"]


def _missed(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick["signal_event"] = "missed"


def _false_signal(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick |= {"signal_event": "false_positive", "is_signal": True}


def _right_signal(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick |= {"signal_event": "correct", "action": "signal_victim_found", "is_signal": True}


def _diverged(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        wild = draw.choice(
            (
                {"pos_x": -59_000.0},
                {"pos_y": 1000},
                {"body_height": 934.0},
                {"pos_x": float("nan")},
                {"body_height": float("-inf")},
                None,
            )
        )
        if wild is None:
            tick["finite"] = False
        else:
            tick["obs"] |= wild
        tick["step_ok"] = draw.choice((True, False))


def _far_but_possible(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick["obs"] |= {"pos_x": 999.0, "pos_y": -999.0, "body_height": 99.0}
        tick["finite"] = draw.choice((True, None))


def _error(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick["step_ok"] = False


def _nothing_known(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        for key in ("obs", "motion", "judgment", "reward", "step_ok", "signal_event"):
            tick[key] = draw.choice((None, [], "?", 3))


def _failed(draw: Random, ticks: list[Record]) -> None:
    for tick in ticks:
        tick["phase_failed"] = True


FAULTS: dict[str, tuple[Planter, int, int]] = {
    "stuck": (_stuck, 3, 8),
    "fall": (_fall, 1, 8),
    "mismatch": (_mismatch, 1, 8),
    "oscillation": (_oscillation, 6, 8),
    "missed_signal": (_missed, 1, 3),
    "false_signal": (_false_signal, 1, 3),
    "diverged": (_diverged, 1, 4),
    "error": (_error, 1, 4),
    "phase_failed": (_failed, 1, 2),
}
"""Kind -> how it is planted, and in how many ticks in a row."""

DECOYS: dict[str, tuple[Planter, int, int]] = {
    "stuck for two ticks": (_stuck, 1, 2),
    "no gait": (_stuck_while_turning, 3, 8),
    "sixty degrees are no fall": (_lean, 1, 8),
    "unsure": (_unsure_mismatch, 1, 8),
    "five swings": (_oscillation, 2, 5),
    "swings that get away": (_swings_away, 6, 8),
    "swings at an unknown place": (_swings_nowhere_known, 6, 8),
    "a right signal": (_right_signal, 1, 3),
    "far": (_far_but_possible, 1, 4),
    "unknown": (_nothing_known, 1, 8),
}


def plant(draw: Random, run: str, faults: float, decoys: float) -> tuple[list[Record], set[Found]]:
    """A run with faults in some slots, decoys in others, and what there is to find."""
    records, planted = mission(), set[Found]()
    for index, phase in enumerate(PHASES):
        for slot in range(SLOTS):
            roll = draw.random()
            if roll >= faults + decoys:
                continue
            names = FAULTS if roll < faults else DECOYS
            kind = draw.choice(list(names))
            planter, least, most = names[kind]
            length = draw.randint(least, most)
            start = (index * SLOTS + slot) * SLOT + draw.randint(1, SLOT - 1 - length)
            planter(draw, records[start : start + length])
            if roll < faults:
                planted.add((kind, phase, run, start + 1, start + length))
    if draw.random() < faults:  # the time runs out at the end of some slot
        end = SLOT * draw.randrange(1, SLOTS * len(PHASES) + 1)
        phase = str(records[end - 1]["phase"])
        del records[end:]
        records[-1] |= {"terminated": True, "truncated": True, "mission_success": False}
        planted = {item for item in planted if item[-1] <= end}
        planted.add(("timeout", phase, run, PHASES.index(phase) * SLOTS * SLOT + 1, end))
    return records, planted


def test_planted_faults_are_found_where_they_are_and_nothing_else_is(tmp_path: Path) -> None:
    # given a hundred runs with every kind of fault, and with what only looks like one
    draw = Random(20260214)
    planted: set[Found] = set()
    logs = []
    for number in range(100):
        records, there = plant(draw, f"r{number:03}", faults=0.4, decoys=0.35)
        logs.append(write(tmp_path, f"r{number:03}", records))
        planted |= there
    per_kind = {kind: sum(item[0] == kind for item in planted) for kind in {*FAULTS, "timeout"}}
    assert min(per_kind.values()) >= 25

    # when
    found = found_in(mine(logs, SPEC, LIBRARY))

    # then precision and recall are 1, tick for tick
    assert found - planted == set()
    assert planted - found == set()


@pytest.mark.parametrize("kind", FAULTS)
def test_a_single_fault_is_the_only_finding(kind: str, tmp_path: Path) -> None:
    planter, least, most = FAULTS[kind]
    for length in (least, most):
        records = mission(2)
        planter(Random(length), records[40 : 40 + length])
        report = mined(tmp_path, records)
        assert found_in(report) == {(kind, PHASES[1], "r1", 41, 40 + length)}
        assert report.findings[0].id == f"{kind}@{PHASES[1]}"


@pytest.mark.parametrize("decoy", DECOYS)
def test_what_only_looks_like_a_fault_is_none(decoy: str, tmp_path: Path) -> None:
    planter, _, most = DECOYS[decoy]
    for seed in range(20):
        records = mission(2)
        planter(Random(seed), records[40 : 40 + most])
        assert mined(tmp_path, records).findings == ()


def test_clean_logs_have_no_findings(tmp_path: Path) -> None:
    # given runs of good ticks, in which all that may vary does
    draw = Random(3)
    logs = []
    for number in range(40):
        records = mission()
        for record in records:
            record["action"] = draw.choice(("trot_forward", "crawl_forward", "stand", "jump"))
            record["motion"] = {"label": draw.choice(("moving", "navigating", "reaching_goal"))}
            record["reward"] = draw.gauss(0, 1)
            record["obs"] |= {"roll_deg": draw.gauss(0, 9), "nearest_m": draw.choice((-1, 0.1, 2))}
        logs.append(write(tmp_path, f"r{number}", records))

    # then
    report = mine(logs, SPEC, LIBRARY)
    assert report.findings == ()
    assert report.outcomes == {"succeeded": 40}
    assert report.phases["patrol"] == PhaseCount(runs=40, done=40)


def test_a_real_runs_findings_are_what_its_lines_say(tmp_path: Path) -> None:
    # given the recorded run of the sample project
    path = tmp_path / "real.log.jsonl"
    path.write_bytes((SAMPLE.parent / "recorded-run.log.jsonl").read_bytes())
    records = {record["tick"]: record for record in map(json.loads, path.read_text().splitlines())}
    says: dict[str, Callable[[Record], bool]] = {
        "stuck": lambda record: record["motion"]["label"] == "stuck",
        "missed_signal": lambda record: record["signal_event"] == "missed",
        "false_signal": lambda record: record["signal_event"] == "false_positive",
    }

    # when
    report = mine([RunLog("real", path)], SPEC, LIBRARY)

    # then every cited tick shows its finding, and every such tick is cited but for short pauses
    assert {"stuck", "timeout", "false_signal"} <= {finding.kind for finding in report.findings}
    for kind, shows in says.items():
        cited = {
            number
            for finding in report.findings
            for span in finding.citations
            if finding.kind == kind
            for number in range(span.first, span.last + 1)
        }
        assert all(shows(records[number]) for number in cited)
        if kind != "stuck":
            assert cited == {number for number in records if shows(records[number])}


# -- what is counted -------------------------------------------------------------------------------


def test_every_count_recomputes_from_the_citations(tmp_path: Path) -> None:
    draw = Random(11)
    logs = [
        write(tmp_path, f"r{number:02}", plant(draw, f"r{number:02}", 0.5, 0.2)[0])
        for number in range(20)
    ]
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
        assert sum(finding.actions.values()) == finding.ticks
    order = [(-finding.runs, -finding.ticks, finding.id) for finding in report.findings]
    assert order == sorted(order)


def test_the_canonical_action_and_its_parameters_are_those_of_confident_ticks(
    tmp_path: Path,
) -> None:
    records = mission(1)
    for tick, metres in zip(records[5:9], (0.2, 0.3, 0.7, 9.0), strict=True):
        tick["motion"] = {"label": "stuck"}
        tick["action"] = "walk_forward"
        tick["judgment"] |= {
            "canonical_action": "walk_backward",
            "canonical_params": {"distance_m": metres, "pet_name": 3, "speed": 2.0},
        }
    records[8]["judgment"]["canonical_confidence"] = 0.4
    (stuck,) = mined(tmp_path, records).findings
    assert stuck.canonical == {"walk_backward": 3}
    assert stuck.canonical_params == {"walk_backward": {"distance_m": 0.3}}
    assert stuck.actions == {"walk_forward": 4}


def test_two_runs_in_a_file_are_two_and_an_unreadable_log_is_named(tmp_path: Path) -> None:
    first, second = mission(1), mission(1)
    _stuck(Random(1), first[3:7])
    _stuck(Random(1), second[9:12])
    log = write(tmp_path, "r1", [*first, *second])
    report = mine([log, RunLog("gone", tmp_path / "gone.log.jsonl")], SPEC, LIBRARY)
    assert report.runs == ("r1", "r1#2")
    assert [str(cited) for cited in report.findings[0].citations] == ["r1:4-7", "r1#2:10-12"]
    assert report.unreadable == (("gone", "No such file or directory"),)


def test_order_and_duplicates_in_the_file_make_no_difference(tmp_path: Path) -> None:
    # given a run with a fault, and the same lines shuffled, some of them twice
    records = mission(1)
    _stuck(Random(1), records[12:17])
    straight = mined(tmp_path, records)
    draw = Random(2)
    shuffled = [records[0], *draw.sample(records[1:-1], len(records) - 2), records[-1]]
    shuffled[5:5] = [shuffled[4], shuffled[4]]

    # then the same is found
    assert mined(tmp_path, shuffled).as_json() == straight.as_json()
    assert found_in(straight) == {("stuck", "approach", "r1", 13, 17)}


def test_of_two_ticks_with_one_number_the_first_counts(tmp_path: Path) -> None:
    records = mission(1)
    again = good(10) | {"step_ok": False}
    assert mined(tmp_path, [*records[:10], again, *records[10:]]).findings == ()


def test_faults_end_where_their_phase_ends(tmp_path: Path) -> None:
    records = mission(2)
    _stuck(Random(1), records[26:34])
    assert found_in(mined(tmp_path, records)) == {
        ("stuck", PHASES[0], "r1", 27, 30),
        ("stuck", PHASES[1], "r1", 31, 34),
    }


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
    records = mission(1)
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
        "visible": {},
        "done": False,
        "failed": False,
        "truncated": False,
        "diverged": False,
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
        ({"signal_event": "none"}, "signal"),
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
    records = mission(1)
    _stuck(Random(1), records[12:17])
    lines = [json.dumps(record).encode() for record in records]
    wanted = mined(tmp_path, records).as_json()
    draw = Random(5)
    mixed = [line for good_line in lines for line in (good_line, *draw.sample(BAD_LINES, 3))]
    path = tmp_path / "bad.log.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf" + b"\r\n".join([*BAD_LINES[:2], *mixed]) + b'\n{"tick": 31, "a'
    )

    # then
    assert mine([RunLog("r1", path)], SPEC, LIBRARY).as_json() == wanted


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


@pytest.mark.parametrize(
    ("end", "outcome"),
    [("interrupted", "interrupted"), ("error: decide raised KeyError", "failed")],
)
def test_a_run_that_was_cut_off_shows_neither_a_timeout_nor_an_error(
    tmp_path: Path, end: str, outcome: str
) -> None:
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

    # then only the second one says that something went wrong
    assert {finding.kind for finding in late.findings} == {"timeout", "error"}
    assert (cut_off.findings, cut_off.ticks) == ((), 2)
    assert cut_off.outcomes == {outcome: 1}
    assert cut_off.phases[PHASES[0]].timed_out == 0


@pytest.mark.parametrize("text", ["r1", "r1:3", "r1:3-", ":1-2", "r1:-1-2", "r1:1-x", "r1:1.0-2"])
def test_a_citation_reads_back_as_itself_and_nothing_else_does(text: str) -> None:
    assert Citation.parse("run:of:may-3:4-17") == Citation("run:of:may-3", 4, 17)
    assert str(Citation("run:of:may-3", 4, 17)) == "run:of:may-3:4-17"
    with pytest.raises(ValueError, match="is no citation"):
        Citation.parse(text)
