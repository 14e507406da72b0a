"""`cadenza env stats`: what all runs say together."""

from __future__ import annotations

import argparse

from cadenzad.cli.base.lookup import find_project_folder
from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import add_json_and_state, add_project
from cadenzad.cli.shown.rewards import said_of_reward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from handlers.mission.show.history import ProjectStats
    from handlers.project.spec import ProjectSpec
    from store.events.files import RunStamp

DESCRIPTION = (
    """What all runs of a project say together: success rate, reward trend, motion mix, phases."""
)
EXAMPLE = "cadenza env stats rescue --json"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    add_json_and_state(parser)


def command(args: argparse.Namespace) -> int:
    """Success rate, reward trend, motion mix and a table by phase, over all runs."""
    from handlers.mission.show.history import project_stats, read_runs
    from handlers.project.project import Project

    project = Project.open(find_project_folder(args.project, args.state))
    unreadable: list[tuple[str, str]] = []
    history = read_runs(project.path, unreadable)
    stats = project_stats(history.runs)
    for name, reason in unreadable:
        say(f"{name}: {reason}", err=True)
    if history.copies:
        say(f"left out, with the bytes of another log: {history.copies}", err=True)
    if args.json:
        say_json(stats.as_dict(), indent=2)
    else:
        _show(stats, project.spec)
    return 0


def _show(stats: ProjectStats, spec: ProjectSpec) -> None:
    """What `stats` says to people: a few lines, and a table of phases in the mission's order."""
    from handlers.mission.show.history import mix

    if not stats.runs:
        say(f"{spec.name}: no runs yet")
        return
    rate = 100 * stats.succeeded / stats.runs
    others = {"interrupted": stats.interrupted, "unfinished": stats.unfinished}
    besides = "".join(f", {count} {word}" for word, count in others.items() if count)
    say(f"{spec.name}: {stats.succeeded} of {stats.runs} runs succeeded ({rate:.0f}%){besides}")
    if len(stats.conditions) > 1:
        for stamp, alike in stats.conditions.items():
            under = "no stamp" if stamp is None else _stamp_text(stamp)
            say(f"  {under}: {alike.succeeded} of {alike.runs}")
    trend = "" if stats.reward_trend is None else f", trend {said_of_reward(stats.reward_trend)}"
    say(f"reward {said_of_reward(stats.reward_mean)} a run{trend}")
    ticks = sum(stats.motion.values()) or 1
    shares = ", ".join(f"{k} {100 * n / ticks:.0f}%" for k, n in stats.motion.most_common())
    say(f"motion {shares or 'unknown'}")
    say(f"falls {_known(stats.falls)}, persons touched {_known(stats.touched_person)}")
    known = [name for name in spec.phase_names if name in stats.phases]
    rows: list[tuple[object, ...]] = []
    for name in [*known, *(n for n in stats.phases if n not in known)]:
        p = stats.phases[name]
        means = (f"{p.ticks / p.entered:.1f}", said_of_reward(p.reward / p.entered))
        rows.append((name, p.entered, p.done, p.failed, *means, mix(p.motion)))
    say_table(("phase", "entered", "done", "failed", "ticks", "reward", "motion"), rows)


def _known(count: int | None) -> str:
    return "unknown" if count is None else str(count)


def _stamp_text(stamp: RunStamp) -> str:
    """What a stamp says, for people: hashes by their first digits, what is unknown left out."""
    known = {name: value for name, value in stamp.values().items() if value is not None}
    return ", ".join(
        f"{name.removesuffix('_sha256')} {value[:8] if name.endswith('_sha256') else value}"
        for name, value in known.items()
    )
