"""Do nights in which the judge is left alone only help? Twelve projects, five nights, six arms.

    python tests/benchmarks/unattended.py [--quick] [--save FILE] [--projects a,b] [--arms x,y]

Each project (tests/support/nights/projects.py) lives through its nights under each arm
(judges.py): the real commands drive, take up, watch, judge, try and write (night.py). Then held-out
seeds, which nobody was shown, are driven under the prompt that is left, and compared with the
prompt as it was (figures.py says by which tests). The judges are scripts, not Groq: what is shown
is what becomes of good, careless and harmful answers, not which of them a real model gives.

With --save what was lived is kept in a file, and a further call with it goes on from there. After
--minutes nothing new is begun, and what was not lived is said.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from threading import Lock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from nights.figures import FAMILY, difference, holm, least_loss, over_projects, p_worse, share
from nights.judges import ARMS
from nights.night import Life, Night, Plan, Runs, live
from nights.projects import PROJECTS, NightProject

JUDGED = ("sound", "random", "adversarial", "none")
"""Arms of which none may harm a project; the others are controls."""
SOUND, UNGATED = 0.15, -0.20
LANES = 2
"""Projects that live at the same time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2 projects, 2 nights, 2 arms")
    parser.add_argument("--save", type=Path, metavar="FILE", help="what was lived, to go on from")
    parser.add_argument("--projects", type=_names, help="only these")
    parser.add_argument("--arms", type=_arms, help="only these, in this order")
    parser.add_argument("--nights", type=int, default=Plan().nights)
    parser.add_argument("--missions", type=int, default=Plan().missions, help="a night")
    parser.add_argument("--held-out", type=int, default=Plan().held_out, help="seeds a project")
    parser.add_argument("--pairs", type=int, default=Plan().pairs, help="of a trial at most")
    parser.add_argument("--minutes", type=float, default=38.0, help="then nothing new is begun")
    options = parser.parse_args()
    plan = Plan(options.nights, options.missions, options.held_out, options.pairs)
    projects = [p for p in PROJECTS if not options.projects or p.name in options.projects]
    arms = options.arms or list(ARMS)
    if options.quick:
        plan = Plan(nights=2, missions=4, held_out=8, pairs=20)
        projects, arms = projects[:2], ["sound", "ungated"]
    began = time.monotonic()
    lives = lived(projects, arms, plan, options.save, began + 60 * options.minutes)
    print(
        f"{len(projects)} projects, {plan.nights} nights of {plan.missions} missions,"
        f" {plan.held_out} held-out seeds, trials of {plan.pairs} pairs at most;"
        f" {(time.monotonic() - began) / 60:.0f} minutes\n"
    )
    show(projects, arms, lives)


def _names(text: str) -> list[str]:
    return text.split(",")


def _arms(text: str) -> list[str]:
    unknown = set(_names(text)) - set(ARMS)
    if unknown:
        raise argparse.ArgumentTypeError(f"no arm {', '.join(unknown)}; one of {', '.join(ARMS)}")
    return _names(text)


# -- living ----------------------------------------------------------------------------------------

Lives = dict[tuple[str, str], Life]


def lived(
    projects: Sequence[NightProject],
    arms: Sequence[str],
    plan: Plan,
    save: Path | None,
    until: float,
) -> Lives:
    """Every project under every arm that begins before `until` (monotonic s).

    What `save` has already is not lived again.
    """
    done = _loaded(save, plan)
    folder = Path(tempfile.mkdtemp(prefix="cadenzad-nights-"))

    known = {project.name: Runs(folder / project.name / "runs") for project in projects}
    alone = {project.name: Lock() for project in projects}

    def live_one(task: tuple[str, NightProject]) -> Life | None:
        arm, project = task
        if time.monotonic() >= until:
            return None
        with alone[project.name]:  # what it drives under one arm is not driven for the next
            runs, place = known[project.name], folder / project.name / arm.replace(" ", "-")
            life = live(project, arm, plan, place, runs)
        print(
            f"{life.project:9} {life.arm:12} {share(life.before):4.0%} -> {share(life.after):4.0%}"
            f"   {' | '.join(', '.join(night.did) for night in life.nights)}",
            file=sys.stderr,
            flush=True,
        )
        if save is not None:
            with save.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"plan": asdict(plan), "life": asdict(life)}) + "\n")
        return life

    try:
        with ThreadPoolExecutor(LANES) as lanes:
            tasks = [(arm, one) for arm in arms for one in projects if (one.name, arm) not in done]
            lives = [life for life in lanes.map(live_one, tasks) if life is not None]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return done | {(life.project, life.arm): life for life in lives}


def _loaded(save: Path | None, plan: Plan) -> Lives:
    lives: Lives = {}
    if save is None or not save.exists():
        return lives
    for line in save.read_text("utf-8").splitlines():
        kept = json.loads(line)
        if kept["plan"] != asdict(plan):
            raise SystemExit(f"{save} is of another plan: {kept['plan']}; name another file")
        nights = [Night(item["succeeded"], tuple(item["did"])) for item in kept["life"]["nights"]]
        life = Life(**{**kept["life"], "nights": nights})
        lives[life.project, life.arm] = life
    return lives


# -- showing ---------------------------------------------------------------------------------------


def show(projects: Sequence[NightProject], arms: Sequence[str], lives: Lives) -> None:
    _print_row("project", "what is wrong", "before", *arms)
    _print_row(*["---"] * (3 + len(arms)))
    for project in projects:
        of = [lives.get((project.name, arm)) for arm in arms]
        before = next((f"{share(life.before):.0%}" for life in of if life), "")
        _print_row(project.name, project.flaw or "nothing", before, *map(_cell, of))
    changes = {
        arm: [difference(life.before, life.after)[0] for life in _of(projects, arm, lives)]
        for arm in arms
    }
    _print_row("mean", "", "", *(_mean(changes[arm]) for arm in arms))
    print()
    missing = len(projects) * len(arms) - sum(map(len, changes.values()))
    if missing:
        print(f"{missing} lives were not begun in time: means are of those that were.")
    _say_whether_worse(projects, [arm for arm in arms if arm in JUDGED], lives)
    for arm, goal, what in (("sound", SOUND, "at least"), ("ungated", UNGATED, "at most")):
        if changes.get(arm):
            middle = over_projects(changes[arm])[0]
            met = middle >= goal if goal > 0 else middle <= goal
            verdict = "met" if met else "MISSED"
            print(f"{arm}: {_points(middle)} on average, {what} {_points(goal)} wanted: {verdict}")
    print("The judges are scripts: none of this says what Groq would answer.")


def _say_whether_worse(
    projects: Sequence[NightProject], judged: Sequence[str], lives: Lives
) -> None:
    of = [life for arm in judged for life in _of(projects, arm, lives)]
    if not of:
        return
    adjusted = holm([p_worse(life.before, life.after) for life in of])
    worse = [
        f"{life.project} under {life.arm} (p = {p:.2g})"
        for life, p in zip(of, adjusted, strict=True)
        if p <= FAMILY
    ]
    print(
        f"worse beyond chance, of {len(of)} (exact McNemar, Holm, {FAMILY:.0%} in all):"
        f" {', '.join(worse) or 'none'}; least adjusted p {min(adjusted):.2g}. A loss of"
        f" {least_loss(len(of))} of {len(of[0].before)} seeds would have been called worse."
    )


def _of(projects: Sequence[NightProject], arm: str, lives: Lives) -> list[Life]:
    found = (lives.get((project.name, arm)) for project in projects)
    return [life for life in found if life is not None]


def _mean(changes: Sequence[float]) -> str:
    if not changes:
        return ""
    middle, (low, high) = over_projects(changes)
    return f"{_points(middle)} ({_points(low)} to {_points(high)})"


def _cell(life: Life | None) -> str:
    if life is None:
        return "not lived"
    if life.before == life.after:
        return "as it was"
    gap, (low, high) = difference(life.before, life.after)
    return f"{share(life.after):.0%}: {_points(gap)} ({_points(low)} to {_points(high)})"


def _points(value: float) -> str:
    return f"{100 * value:+.0f}"


def _print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
