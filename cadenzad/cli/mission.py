"""`cadenza env run`, `env show` and `env stats`: missions for people.

The parsers are added to `cadenza env` with `add_parsers`, or one by one from `COMMANDS`; what lies
outside this module (finding a project by name, a deployed adapter's decoder, the state view's runs)
comes in through `Services`. Data goes to stdout, talk to stderr; CadenzaErrors pass through.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cadenzad.cli.select import project_folder
from handlers.mission.drivers.lora import Decode, Lora, deployed_adapter
from handlers.mission.drivers.protocol import Driver
from handlers.mission.drivers.random import RandomDriver
from handlers.mission.drivers.scripted import Scripted
from handlers.mission.environment import Mission
from handlers.mission.episode import EpisodeResult, PhaseResult, run_episode
from handlers.mission.history import (
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
from handlers.mission.tables import mix, print_stats, print_summary
from handlers.mission.video import Film
from handlers.project.library import library_for
from handlers.project.paths import CADENZA_DIR, RUN_SUFFIX, inside
from handlers.project.spec import ProjectSpec, load_spec
from store.errors import ProjectError, ProjectNotFound

INTERRUPTED = 130
POLICIES = ("scripted", "lora", "random")


def _by_path(text: str) -> Path:
    return project_folder(None, text)


def _no_decoder(project: Path) -> Decode:
    raise ProjectError(
        f"{project}: an adapter is deployed, but nothing here can decode with it",
        hint="pip install 'cadenzad[lora]'",
    )


@dataclass(frozen=True, slots=True)
class Services:
    """What the commands need from elsewhere."""

    find_project: Callable[[str], Path] = _by_path
    decoder: Callable[[Path], Decode] = _no_decoder
    runs: Callable[[Path], Sequence[RunStats]] = read_runs


def add_parsers(subparsers: Any, services: Services | None = None) -> None:
    """Add `run`, `show` and `stats`; each sets `command` (args -> exit code)."""
    for name, (line, configure, command) in COMMANDS.items():
        parser = subparsers.add_parser(name, help=line, description=line)
        configure(parser, services)
        parser.set_defaults(command=command)


def configure_run(parser: argparse.ArgumentParser, services: Services | None = None) -> None:
    """The arguments of `run`."""
    _add_project(parser)
    parser.add_argument("--headless", action="store_true", help="no window, no waiting")
    parser.add_argument(
        "--policy", choices=POLICIES, default="scripted", help="who decides (default: scripted)"
    )
    parser.add_argument(
        "--episodes", type=_positive, default=1, metavar="N", help="runs, one log each (1)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="of the first episode; each adds one"
    )
    parser.add_argument("--max-ticks", type=_positive, metavar="N", help="actions a run may take")
    parser.add_argument("--xml", type=Path, metavar="PATH", help="your own model of the robot")
    parser.add_argument("--video", type=Path, metavar="FILE", help="a film: .mp4 or .gif")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.set_defaults(services=services or Services())


def configure_show(parser: argparse.ArgumentParser, services: Services | None = None) -> None:
    """The arguments of `show`."""
    _add_project(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=".svg or .png")
    parser.add_argument("--run", metavar="ID", help="overlay the path of a run")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.set_defaults(services=services or Services())


def configure_stats(parser: argparse.ArgumentParser, services: Services | None = None) -> None:
    """The arguments of `stats`."""
    _add_project(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.set_defaults(services=services or Services())


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", help="the project's folder, or its name in a watched workspace")


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
            f"{phase.ticks:>3} ticks  {mix(phase.motion):<32} reward {phase.reward:+.2f}",
            file=sys.stderr,
            flush=True,
        )

    return line


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


COMMANDS = {
    "run": ("drive the mission in MuJoCo and log it", configure_run, run_command),
    "show": ("draw the mission's map", configure_show, show_command),
    "stats": ("what all runs say together", configure_stats, stats_command),
}
"""Subcommand -> its line of help, its arguments, what it does."""
