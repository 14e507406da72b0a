"""`cadenza env dataset`: a project's runs as one typed dataset."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state, filled
from cadenzad.cli.base.requests import run_by_hand
from cadenzad.cli.env.lora.common import folder_of
from cadenzad.cli.terminal.bars import job_bar
from cadenzad.config.paths import expand
from store.errors import DaemonError, UsageError
from store.text import counted

DESCRIPTION = """A project's runs as one dataset in .cadenza-env/dataset: Parquet that datasets,
pandas, polars and DuckDB load, with a config for each kind of training (steps, sft, dpo, kto, rl).
update brings it in line with the runs there are. show counts rows, actions, rewards, preferences,
and prompts that both splits have. curate lists episodes that are bad to train on and why: exit
code 1 when there are some. card draws plots into FOLDER (dataset/card). push copies the dataset to
FOLDER; nothing is sent anywhere."""
EXAMPLE = "cadenza env dataset rescue show"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project", type=filled, help="the project's folder, or its name in a watched workspace"
    )
    parser.add_argument("what", choices=tuple(_ACTIONS), metavar="WHAT", help=", ".join(_ACTIONS))
    parser.add_argument("folder", nargs="?", type=filled, help="for card and push: where to")
    add_json_and_state(parser)


def command(arguments: argparse.Namespace) -> int:
    if arguments.folder is not None and arguments.what not in ("card", "push"):
        raise UsageError(
            f"{arguments.what} takes no folder, and was given {arguments.folder!r}",
            hint=f"cadenza env dataset {arguments.project} {arguments.what}",
        )
    return _ACTIONS[arguments.what](arguments, folder_of(arguments))


def _update(arguments: argparse.Namespace, project: Path) -> int:
    from store.events.exports import DatasetUpdated

    reason = "cadenza env dataset"
    ended = run_by_hand(arguments, "dataset", project, {}, reason, with_files=True)
    if ended.job.state != "succeeded":
        raise DaemonError(ended.job.result)
    event = ended.of(DatasetUpdated)
    changed = event.as_shape() if isinstance(event, DatasetUpdated) else None
    if arguments.json:
        say_json({"summary": ended.job.result, "changed": changed})
    else:
        say(ended.job.result)
    return FAILED if isinstance(event, DatasetUpdated) and event.failed else OK


def _show(arguments: argparse.Namespace, project: Path) -> int:
    from handlers.dataset.folder.place import Place
    from handlers.dataset.looks.summary import Spread, in_force, summarise

    place = Place(project)
    manifest = in_force(place)
    summary = summarise(place, manifest)
    if arguments.json:
        shown = {"folder": str(place.root), "manifest": place.manifest_name()}
        say_json({**shown, **summary.as_json()}, indent=2)
        return OK

    def in_short(spread: Spread) -> str:
        if not spread.known:
            return "none known"
        unknown = f", {spread.unknown} unknown" if spread.unknown else ""
        return f"{spread.least:g} to {spread.greatest:g}, mean {spread.mean:.4g}{unknown}"

    say(f"{place.root}: {counted(summary.runs, 'run')}, {counted(summary.episodes, 'episode')}")
    if summary.copies:
        say(f"left out as copies: {counted(summary.copies, 'run')}; `curate` names them")
    rows = [(config, *counts.values()) for config, counts in summary.rows.items()]
    say_table(("config", "train", "test"), rows)
    say(f"episodes: {_counts(summary.outcomes)}")
    say(f"failure modes: {_counts(summary.causes)}")
    say(f"actions: {_counts(summary.actions)}")
    say(f"rewards: {in_short(summary.rewards)}")
    say(f"returns: {in_short(summary.returns)}")
    say(f"preferences: severity {in_short(summary.severity)}")
    say(f"kto labels: {_counts(summary.labels)}")
    for config, reasons in summary.left_out.items():
        if reasons:
            say(f"not in {config}: {_counts(reasons)}")
    for config, (both, of) in summary.collisions.items():
        if both:
            say(f"{config}: {both} of {of} prompts of the test split are in training too")
    return OK


def _card(arguments: argparse.Namespace, project: Path) -> int:
    from handlers.dataset.folder.place import Place
    from handlers.dataset.looks.page import write_page
    from handlers.dataset.looks.summary import in_force, summarise

    place = Place(project)
    manifest = in_force(place)
    folder = expand(arguments.folder).absolute() if arguments.folder else place.root / "card"
    names = write_page(folder, manifest, summarise(place, manifest))
    if arguments.json:
        say_json({"folder": str(folder), "files": names})
    else:
        say(f"{folder / names[0]} and {len(names) - 1} plots")
    return OK


def _curate(arguments: argparse.Namespace, project: Path) -> int:
    from handlers.dataset.folder.place import Place
    from handlers.dataset.looks.curate import bad_episodes
    from handlers.dataset.looks.summary import in_force

    place = Place(project)
    bad = list(bad_episodes(place, in_force(place)))
    if arguments.json:
        say_json({"episodes": [item.as_json() for item in bad]}, indent=2)
    elif not bad:
        say("nothing is bad")
    else:
        rows = [
            (item.episode, item.steps, item.outcome, f"{kind}: {words}")
            for item in bad
            for kind, words in item.problems.items()
        ]
        say_table(("episode", "steps", "outcome", "what"), rows)
    return FAILED if bad else OK


def _push(arguments: argparse.Namespace, project: Path) -> int:
    from handlers.dataset.folder.place import Place
    from handlers.dataset.looks.push import push
    from handlers.dataset.looks.summary import in_force

    if arguments.folder is None:
        hint = f"cadenza env dataset {arguments.project} push to-upload"
        raise UsageError("push needs a folder to copy to", hint=hint)
    place, folder = Place(project), expand(arguments.folder).absolute()
    manifest = in_force(place)
    step = {"step": "copying", "total": len(manifest.shards)}
    with job_bar() as show:
        copied, count = push(place, manifest, folder, lambda done: show({**step, "done": done}))
    if arguments.json:
        say_json({"folder": str(folder), "copied": copied, "files": count})
    else:
        say(f"{folder}: {copied} of {count} files copied")
    return OK


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


_ACTIONS: Mapping[str, Callable[[argparse.Namespace, Path], int]] = {
    "show": _show,
    "card": _card,
    "curate": _curate,
    "update": _update,
    "push": _push,
}
