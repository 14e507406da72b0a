"""Mining: why runs fail, found and counted in code.

Every leg of every run is looked at for the causes in causes/. A cause is a finding where it is
shown by runs that did not succeed, and not as much by those that did. `timeout` and `phase_failed`
are what is left to say of a leg for which no cause was found. What a log does not say is unknown,
and shows nothing. The kinds are defined in docs/causes.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from handlers.judge.driven import EARLIER, Driver, LeftOut
from handlers.judge.evidence.legs import Sight
from handlers.judge.evidence.reading import episodes_of
from handlers.judge.evidence.report import MiningReport, PhaseCount
from handlers.judge.evidence.shown import findings_of
from handlers.judge.evidence.ticks import Episode, RunLog, Vocabulary, column
from handlers.project.library import ActionLibrary
from handlers.project.spec import ProjectSpec
from store.text import counted


def vocabulary(spec: ProjectSpec, library: ActionLibrary) -> Vocabulary:
    """The names a log may speak of: the mission's phases and tags, the robot's actions."""
    return Vocabulary(
        frozenset(phase.name for phase in spec.phases),
        frozenset(library.names),
        frozenset(item.tag for item in spec.scene.objects if item.tag),
    )


def mine(
    runs: Sequence[RunLog],
    spec: ProjectSpec,
    library: ActionLibrary,
    driver: Driver | None = None,
    left_out: LeftOut | None = None,
) -> MiningReport:
    """Read every log and find out why runs failed. A log that cannot be read is named, not raised.

    `driver`: the prompt that it is about; None: whatever drove the runs. `left_out` are the logs
    that need not be read.
    """
    words = vocabulary(spec, library)
    left_out = left_out or LeftOut()
    episodes: list[Episode] = []
    earlier: list[Episode] = []
    unreadable = []
    for run in runs:
        try:
            found = episodes_of(run, words)
        except OSError as error:
            unreadable.append((run.run_id, error.strerror or str(error)))
            continue
        for episode in found:
            if episode.unnumbered:
                what = f"{counted(episode.unnumbered, 'record')} without a tick number left out"
                unreadable.append((episode.run, f"{what}: an integer from 1 on is one"))
            reason = driver.excludes(episode.run, episode.stamp) if driver else None
            if reason is None and episode.is_foreign:
                reason = "of another mission"
            if reason is None:
                episodes.append(episode)
            else:
                left_out.add(reason)
                earlier += [episode] if reason == EARLIER else []
    report = report_on(episodes, spec, library, unreadable)
    now = {finding.id for finding in report.findings}
    before = report_on(earlier, spec, library).findings if earlier and episodes else ()
    return MiningReport(
        **{name: getattr(report, name) for name in _REPORTED},
        left_out=left_out.as_json(),
        resolved=tuple(sorted({finding.id for finding in before} - now)),
    )


_REPORTED = ("findings", "runs", "ticks", "phases", "outcomes", "unreadable", "episodes")


def report_on(
    episodes: Sequence[Episode],
    spec: ProjectSpec,
    library: ActionLibrary,
    unreadable: Sequence[tuple[str, str]] = (),
) -> MiningReport:
    """The findings of runs that were read already."""
    phases: dict[str, Counter[str]] = {}
    for episode in episodes:
        _count_phases(episode, phases)
    return MiningReport(
        findings=tuple(findings_of(episodes, Sight(spec, library))),
        runs=tuple(episode.run for episode in episodes),
        ticks=sum(len(e.ticks) - any(t.cut_off for t in e.ticks[-1:]) for e in episodes),
        phases={name: PhaseCount(**count) for name, count in phases.items()},
        outcomes=dict(sorted(Counter(episode.outcome for episode in episodes).items())),
        unreadable=tuple(unreadable),
        episodes=tuple(episodes),
    )


def _count_phases(episode: Episode, phases: dict[str, Counter[str]]) -> None:
    seen: dict[str, set[str]] = {}
    columns = [column(episode.ticks, name) for name in ("phase", "done", "failed", "truncated")]
    for phase, done, failed, timed_out in dict.fromkeys(zip(*columns, strict=True)):
        if phase is None:
            continue
        marks = seen.setdefault(phase, {"runs"})
        if done:
            marks.add("done")
        if failed:
            marks.add("failed")
        if timed_out:
            marks.add("timed_out")
    for phase, marks in seen.items():
        phases.setdefault(phase, Counter()).update(marks)
