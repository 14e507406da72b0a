"""`cadenza env run`: drive the mission in MuJoCo and log it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import find_project_folder
from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import add_json_and_state, add_project, exit_code_of, whole
from handlers.mission.episode.runlog import RunLog
from store.errors import CadenzaError, ConfigError

if TYPE_CHECKING:
    from cadenzad.cli.env.run_policy import Driver
    from handlers.mission.episode.environment import Record
    from handlers.mission.episode.episode import EpisodeResult, PhaseResult
    from handlers.mission.episode.sim import Simulator
    from handlers.mission.world.model import SceneModel
    from handlers.project.project import Project
    from handlers.project.spec import ProjectSpec

DESCRIPTION = """Drive the mission in MuJoCo and write its log to `.cadenza-env/`, where the daemon
picks it up like any dropped log. Exits with 0 when every episode succeeded."""
EXAMPLE = "cadenza env run rescue --headless --seed 7 --episodes 3"

POLICIES = ("prompt", "scripted", "lora", "random")


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--headless", action="store_true", help="no window, no waiting")
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        help="who decides (prompt: the project's own decide, where it may be run; else scripted)",
    )
    parser.add_argument(
        "--episodes", type=_positive, default=1, metavar="N", help="runs, one log each (1)"
    )
    parser.add_argument(
        "--seed", type=whole, default=0, metavar="S", help="of the first episode; each adds one"
    )
    parser.add_argument("--max-ticks", type=_positive, metavar="N", help="actions a run may take")
    parser.add_argument("--xml", type=Path, metavar="PATH", help="your own model of the robot")
    parser.add_argument("--video", type=Path, metavar="FILE", help="a film: .mp4 or .gif")
    add_json_and_state(parser)


def _positive(text: str) -> int:
    if (number := whole(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more, such as 5")


def command(args: argparse.Namespace) -> int:
    """Run episodes. Exit code 0: every one succeeded, 1: one did not, 130 or 143: interrupted."""
    from dataclasses import replace

    from cadenzad.cli.env.run_policy import driver_for
    from handlers.mission.episode.episode import EpisodeResult
    from handlers.mission.episode.setting import own_model, scene_of
    from handlers.mission.show.video import Film
    from handlers.project.code import read, sha256_of
    from handlers.project.project import Project

    if args.xml is not None and not args.xml.is_file():
        hint = "cadenza env run PROJECT --xml models/robot.xml"
        raise ConfigError(f"--xml {args.xml}: no such file", hint=hint)
    project = Project.open(find_project_folder(args.project, args.state))
    driver = driver_for(args.policy, project)
    film = Film(args.video) if args.video else None
    xml = own_model(project, args.xml)
    scene = scene_of(project, xml)
    stamp = {"max_ticks": args.max_ticks, "xml_sha256": xml and sha256_of(read(xml))}
    driver = replace(driver, stamp=driver.stamp.changed(**stamp))
    if args.policy is None:
        say(f"policy: {driver.stamp.policy} ({driver.reason})", err=True)
    results: list[EpisodeResult] = []
    try:
        with ExitStack() as stack:
            if film is not None:
                stack.callback(film.close)
            stack.enter_context(driver.session())
            watch = film or (None if args.headless else _window(stack))
            for episode in range(args.episodes):
                results.append(EpisodeResult(args.seed + episode, str(driver.stamp.policy)))
                _episode(project, scene, driver, results[-1], watch)
    except KeyboardInterrupt as stop:
        say("interrupted: the log holds what was done", err=True)
        _report(args, results, project.spec)
        return exit_code_of(stop)
    except CadenzaError:
        _report(args, results, project.spec)
        raise
    _report(args, results, project.spec)
    return 0 if all(result.success for result in results) else 1


def _episode(
    project: Project,
    scene: SceneModel,
    driver: Driver,
    result: EpisodeResult,
    watch: Callable[[Simulator], None] | None,
) -> None:
    """One episode, logged; `result` is filled as it goes."""
    from handlers.mission.episode.environment import Mission
    from handlers.mission.episode.episode import run_episode
    from handlers.mission.show.video import Film, caption_of

    mission = Mission(
        project.spec,
        project.library,
        scene,
        seed=result.seed,
        policy=result.policy,
        stamp=driver.stamp.changed(seed=result.seed),
        max_ticks=driver.stamp.max_ticks,
        on_control=watch,
    )
    if isinstance(watch, Film):
        watch.caption = lambda: caption_of(mission)
    with driver.episode() as (policy, note), RunLog(project.path) as log:
        result.run_id, result.log = log.run_id, str(log.path)

        def sink(record: Record) -> None:
            log.write(record)
            note(record)

        on_phase = _progress(project.spec, result.seed) if sys.stderr.isatty() else None
        run_episode(mission, policy, sink, on_phase, result)


def _progress(spec: ProjectSpec, seed: int) -> Callable[[PhaseResult], None]:
    from handlers.mission.show.history import mix

    def line(phase: PhaseResult) -> None:
        number = spec.phase_names.index(phase.name) + 1
        say(
            f"seed {seed}  {number}/{len(spec.phases)} {phase.name:<18} {phase.outcome:<8}"
            f"{phase.ticks:>3} ticks  {mix(phase.motion):<32} reward {phase.reward:+.2f}",
            err=True,
        )

    return line


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
    say("no display: running headless", err=True)
    return None


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _report(args: argparse.Namespace, every: list[EpisodeResult], spec: ProjectSpec) -> None:
    """What came of the episodes; one that was stopped before its first record is none."""
    results = [result for result in every if result.end]
    if args.json:
        say_json({"episodes": [result.as_dict() for result in results]}, indent=2)
    elif results:
        say_table(_HEADINGS, [_row(result, len(spec.phases)) for result in results])
        if len(results) > 1:
            say(f"{sum(result.success for result in results)} of {len(results)} succeeded")


_HEADINGS = (
    "run", "seed", "policy", "phases", "ticks", "time", "reward", "falls", "persons touched",
    "result",
)  # fmt: skip


def _row(run: EpisodeResult, phases: int) -> tuple[object, ...]:
    done, took, reward = (
        f"{run.phases_done}/{phases}",
        f"{run.sim_time_s:.0f}s",
        f"{run.reward:+.2f}",
    )
    of_run = (run.run_id or "-", run.seed, run.policy, done, run.ticks, took, reward)
    return *of_run, run.falls, run.touched_person, run.end
