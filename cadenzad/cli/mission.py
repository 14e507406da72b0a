"""`cadenza env run`, `env show` and `env stats`: missions for people.

The parsers are added to the `cadenza env` parser with `add_parsers`; what lies outside this module
(finding a project by name, a deployed adapter's decoder, the state view's runs) comes in through
`Services`. Data goes to stdout, talk to stderr; CadenzaErrors pass through to the caller.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from handlers.mission.drivers.lora import Decode, Lora, deployed_adapter
from handlers.mission.drivers.protocol import Driver
from handlers.mission.drivers.random import RandomDriver
from handlers.mission.drivers.scripted import Scripted
from handlers.mission.environment import Mission
from handlers.mission.episode import EpisodeResult, PhaseResult, run_episode
from handlers.mission.history import (
    ProjectStats,
    RunStats,
    path_of,
    project_stats,
    read_runs,
    records,
)
from handlers.mission.mapview import text_map, write_map
from handlers.mission.model import ROBOTS, SceneModel, compile_scene
from handlers.mission.runlog import RunLog
from handlers.mission.sim import Simulator
from handlers.mission.video import Film
from handlers.project.library import library_for
from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX, inside
from handlers.project.spec import ProjectSpec, load_spec
from store.errors import ProjectError, ProjectNotFound

INTERRUPTED = 130
POLICIES = ("scripted", "lora", "random")


def _no_decoder(project: Path) -> Decode:
    raise ProjectError(
        f"{project}: an adapter is deployed, but nothing here can decode with it",
        hint="pip install 'cadenzad[lora]'",
    )


@dataclass(frozen=True, slots=True)
class Services:
    """What the commands need from elsewhere."""

    find_project: Callable[[str], Path] = Path
    decoder: Callable[[Path], Decode] = _no_decoder
    runs: Callable[[Path], Sequence[RunStats]] = read_runs


def add_parsers(subparsers: Any, services: Services | None = None) -> None:
    """Add `run`, `show` and `stats`; each sets `handler` (args -> exit code)."""
    common = {"services": services or Services()}
    run = subparsers.add_parser("run", help="drive the mission in MuJoCo and log it")
    run.add_argument("project")
    run.add_argument("--headless", action="store_true", help="no window")
    run.add_argument("--policy", choices=POLICIES, default="scripted")
    run.add_argument("--episodes", type=_positive, default=1, metavar="N")
    run.add_argument(
        "--seed", type=int, default=0, metavar="S", help="of the first episode; each adds one"
    )
    run.add_argument("--max-ticks", type=_positive, default=None, metavar="N")
    run.add_argument("--xml", type=Path, default=None, metavar="PATH", help="your own model")
    run.add_argument("--video", type=Path, default=None, metavar="FILE", help=".mp4 or .gif")
    run.add_argument("--json", action="store_true")
    run.set_defaults(handler=run_command, **common)
    show = subparsers.add_parser("show", help="draw the mission's map")
    show.add_argument("project")
    show.add_argument(
        "-o", "--output", type=Path, default=None, metavar="FILE", help=".svg or .png"
    )
    show.add_argument("--run", default=None, metavar="ID", help="overlay the path of a run")
    show.add_argument("--json", action="store_true")
    show.set_defaults(handler=show_command, **common)
    stats = subparsers.add_parser("stats", help="what all runs say together")
    stats.add_argument("project")
    stats.add_argument("--json", action="store_true")
    stats.set_defaults(handler=stats_command, **common)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


# -- run -------------------------------------------------------------------------------------------


def run_command(args: argparse.Namespace) -> int:
    """Run episodes. Exit code 0 when every one succeeded, 1 when one did not, 130 interrupted."""
    project = args.services.find_project(args.project)
    spec = load_spec(project)
    driver = _driver(args.policy, project, args.services)
    film = Film(args.video) if args.video else None
    scene = _scene(spec, project, args.xml)
    results: list[EpisodeResult] = []
    try:
        with ExitStack() as stack, _stoppable():
            if film is not None:
                stack.callback(film.close)
            watch = film or (None if args.headless else _window(stack))
            for episode in range(args.episodes):
                results.append(
                    _episode(args, project, spec, scene, driver, args.seed + episode, watch)
                )
    except KeyboardInterrupt:
        print("interrupted: the log holds what was done", file=sys.stderr)
        _report(args, results, spec)
        return INTERRUPTED
    _report(args, results, spec)
    return 0 if all(result.success for result in results) else 1


def _driver(policy: str, project: Path, services: Services) -> Driver:
    if policy == "lora":
        deployed_adapter(project)
        return Lora(services.decoder(project))
    return RandomDriver() if policy == "random" else Scripted()


def _scene(spec: ProjectSpec, project: Path, xml: Path | None) -> SceneModel:
    """The mission's model. `--xml` is any file; `xml_path` must lie in the project."""
    if xml is None and spec.xml_path is not None:
        xml = inside(project, Path(spec.xml_path))
    if xml is None and spec.robot.lower() not in ROBOTS:
        raise ProjectError(
            f"robot {spec.robot!r} has no model here (built in: {', '.join(ROBOTS)})",
            hint="give a model of a robot with Go1's joints with --xml",
        )
    return compile_scene(spec.scene.objects, xml)


def _episode(
    args: argparse.Namespace,
    project: Path,
    spec: ProjectSpec,
    scene: SceneModel,
    driver: Driver,
    seed: int,
    watch: Callable[[Simulator], None] | None,
) -> EpisodeResult:
    library = library_for(spec.robot, project, spec.signals)
    mission = Mission(
        spec, library, scene, seed=seed, policy=driver.name, max_ticks=args.max_ticks,
        on_control=watch,
    )  # fmt: skip
    with RunLog(project) as log:
        on_phase = _progress(spec, seed) if sys.stderr.isatty() else None
        result = run_episode(mission, driver, log.write, on_phase)
    result.run_id, result.log = log.run_id, str(log.path)
    return result


def _progress(spec: ProjectSpec, seed: int) -> Callable[[PhaseResult], None]:
    def line(phase: PhaseResult) -> None:
        number = spec.phase_names.index(phase.name) + 1
        print(
            f"seed {seed}  {number}/{len(spec.phases)} {phase.name:<18} {phase.outcome:<8}"
            f"{phase.ticks:>3} ticks  {_mix(phase.motion):<32} reward {phase.reward:+.2f}",
            file=sys.stderr,
            flush=True,
        )

    return line


def _mix(motion: Counter[str]) -> str:
    return ", ".join(f"{label} {count}" for label, count in motion.most_common(2))


@contextmanager
def _stoppable() -> Iterator[None]:
    """A polite stop (SIGTERM) is an interruption like Ctrl-C: the log is closed properly."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: nobody sends us signals there
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _window(stack: ExitStack) -> Callable[[Simulator], None] | None:
    """A window that follows the run in real time; None, with a word, where there is no display."""
    try:
        viewer_module = import_module("mujoco.viewer")
    except ImportError:
        return None  # compile_scene has already said so where MuJoCo itself is missing
    opened: dict[int, Any] = {}

    def follow(sim: Simulator) -> None:
        if id(sim) not in opened:
            while opened:
                opened.popitem()[1].close()
            opened[id(sim)] = stack.enter_context(viewer_module.launch_passive(sim.model, sim.data))
        opened[id(sim)].sync()
        time.sleep(0.02)

    if _has_display():
        return follow
    print("no display: running headless", file=sys.stderr)
    return None


def _has_display() -> bool:

    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _report(args: argparse.Namespace, results: list[EpisodeResult], spec: ProjectSpec) -> None:
    if args.json:
        json.dump({"episodes": [result.as_dict() for result in results]}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif results:
        print_summary(results, len(spec.phases), sys.stdout)


def print_summary(results: list[EpisodeResult], phases: int, out: TextIO) -> None:
    """One row per episode, and how many succeeded."""
    rows = [("run", "seed", "policy", "phases", "ticks", "time", "reward", "falls", "result")]
    for r in results:
        rows.append(
            (
                r.run_id or "-", str(r.seed), r.policy, f"{r.phases_done}/{phases}", str(r.ticks),
                f"{r.sim_time_s:.1f}s", f"{r.reward:+.2f}", str(r.falls), r.end,
            )
        )  # fmt: skip
    _table(rows, out)
    if len(results) > 1:
        won = sum(result.success for result in results)
        print(f"{won} of {len(results)} succeeded", file=out)


def _table(rows: Sequence[Sequence[str]], out: TextIO) -> None:
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(),
            file=out,
        )


# -- show and stats --------------------------------------------------------------------------------


def show_command(args: argparse.Namespace) -> int:
    """Draw the map, in the terminal or into a file, with the path of a run over it."""
    project = args.services.find_project(args.project)
    spec = load_spec(project)
    path = path_of(records(_log_of(project, args.run))) if args.run else []
    if args.output is not None:
        write_map(args.output, spec, path)
        print(f"wrote {args.output}", file=sys.stderr)
    elif args.json:
        json.dump({**spec.scene.model_dump(mode="json"), "path": path}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        print(text_map(spec, path))
    return 0


def _log_of(project: Path, run_id: str) -> Path:
    """The log of a run, by its id or the unique beginning of it."""
    folder = project / CADENZA_DIR
    found = [p for p in sorted(folder.glob(f"*{RUN_SUFFIX}")) if p.name.startswith(run_id)]
    exact = [p for p in found if p.name == f"{run_id}{RUN_SUFFIX}"]
    if len(exact or found) != 1:
        what = "no run" if not found else f"{len(found)} runs"
        raise ProjectNotFound(f"{folder}: {what} with the id {run_id!r}")
    return (exact or found)[0]


def stats_command(args: argparse.Namespace) -> int:
    """Success rate, reward trend, motion mix and a table by phase, over all runs."""
    project = args.services.find_project(args.project)
    spec = load_spec(project)
    stats = project_stats(args.services.runs(project))
    if args.json:
        json.dump(stats.as_dict(), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        print_stats(stats, spec, sys.stdout)
    return 0


def print_stats(stats: ProjectStats, spec: ProjectSpec, out: TextIO) -> None:
    """The tables of `stats`, phases in the mission's order."""
    if not stats.runs:
        print(f"{spec.name}: no runs yet", file=out)
        return
    rate = 100 * stats.succeeded / stats.runs
    print(
        f"{spec.name}: {stats.succeeded} of {stats.runs} runs succeeded ({rate:.0f}%)"
        + (f", {stats.unfinished} unfinished" if stats.unfinished else ""),
        file=out,
    )
    trend = "" if stats.reward_trend is None else f", trend {stats.reward_trend:+.2f}"
    print(f"reward {stats.reward_mean:+.2f} a run{trend}", file=out)
    ticks = sum(stats.motion.values()) or 1
    mix = ", ".join(f"{k} {100 * n / ticks:.0f}%" for k, n in stats.motion.most_common())
    print(f"motion {mix or 'unknown'}", file=out)
    rows = [("phase", "entered", "done", "failed", "ticks", "reward", "motion")]
    known = [name for name in spec.phase_names if name in stats.phases]
    for name in [*known, *(n for n in stats.phases if n not in known)]:
        p = stats.phases[name]
        rows.append(
            (
                name, str(p.entered), str(p.done), str(p.failed), f"{p.ticks / p.entered:.1f}",
                f"{p.reward / p.entered:+.2f}", _mix(p.motion),
            )
        )  # fmt: skip
    _table(rows, out)
