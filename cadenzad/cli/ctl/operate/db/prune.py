"""`cadenzactl db prune`: delete old exports, run logs and adapters; what is known of them stays."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from cadenzad.cli.base.lookup import find_project
from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import FAILED, OK, add_json_and_state
from cadenzad.config.paths import state_dir
from cadenzad.maintenance.sorts import WHAT
from store.errors import ConfigError
from store.reads.names import told_apart
from store.schema import connect_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from cadenzad.maintenance.candidate import Candidate
    from cadenzad.maintenance.retention import Kept, Plan, Policy
    from cadenzad.maintenance.sorts import What
    from store.reads.state import State

DESCRIPTION = """Delete old exports, run logs and adapters of some projects (default: all). What was
recorded of a deleted file stays in the history, and that it was deleted joins it.

Never deleted: the deployed adapter; a run log without a current export; an export that somebody
changed; anything that leads out of its project. Ages are those of `ls -l` (adapters are ordered by
their number). Files that no event speaks of are not ours and stay."""
EXAMPLE = "cadenzactl db prune rescue --keep-last 20 --older-than 30d --dry-run"
TIMEOUT_S = 600.0
BAR_FROM_FILES = 500

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", nargs="*", help="projects by name or path (default: all)")
    parser.add_argument("--keep-last", type=count, metavar="N", help="keep the newest N of each")
    parser.add_argument(
        "--older-than", type=duration, metavar="D", help="only what is older than: 30d, 12h, 2w"
    )
    parser.add_argument(
        "--what",
        type=sorts,
        default=frozenset(WHAT),
        metavar="SORTS",
        help=f"some of {','.join(WHAT)} (default: all)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser.add_argument(
        "--force",
        action="store_true",
        help="also logs without a current export, and exports that were changed by hand",
    )
    add_json_and_state(parser)


def count(text: str) -> int:
    """A number of files to keep."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of files")
    return int(text[:9])


def duration(text: str) -> float:
    """Seconds of a time span such as 30d, 12h, 90m, 45s, 2w."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time span such as 30d, 12h or 2w")
    return float(found[1]) * _UNITS[found[2]]


def sorts(text: str) -> frozenset[What]:
    """What to prune: names with commas between them."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in WHAT:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(WHAT)}")
    return frozenset(what for what in WHAT if what in names)


def command(arguments: argparse.Namespace) -> int:
    from cadenzad.maintenance.retention import Kept, Plan, Policy
    from cadenzad.requests.pruning import finish_prunes, prune
    from store.reads.state import State

    if arguments.keep_last is None and arguments.older_than is None:
        raise ConfigError("nothing says what is old", hint="--keep-last N, --older-than D, or both")
    directory = state_dir(arguments.state)
    policy = Policy(
        what=arguments.what,
        keep_last=arguments.keep_last or 0,
        older_than=arguments.older_than,
        force=arguments.force,
    )
    if not arguments.dry_run:
        finish_prunes(directory)
    with closing(connect_reader(directory)) as reader:
        plan = _plan(State(reader), arguments.project, policy)
    if arguments.dry_run:
        _report(arguments, plan)
        return OK
    with _bar(len(plan.to_go)) as progress:
        stayed = prune(
            directory, plan.to_go, force=policy.force, timeout=TIMEOUT_S, progress=progress
        )
    gone = [item for index, item in enumerate(plan.to_go) if index not in stayed]
    kept = [Kept.of(plan.to_go[index], reason) for index, reason in stayed.items()]
    _report(arguments, Plan(gone, plan.kept + kept))
    return FAILED if stayed else OK


def _plan(state: State, projects: Sequence[str], policy: Policy) -> Plan:
    """The plans of all projects meant, as one."""
    from cadenzad.maintenance.retention import Plan, make_plan

    if projects:
        chosen = list(dict.fromkeys(find_project(state, text).path for text in projects))
    else:
        chosen = [row.path for row in state.projects() if row.state != "removed"]
    whole = Plan([], [])
    for project in chosen:
        plan = make_plan(state, project, policy, time.time())
        whole.to_go.extend(plan.to_go)
        whole.kept.extend(plan.kept)
    return whole


@contextmanager
def _bar(files: int) -> Iterator[Callable[[int], object]]:
    """A progress bar on a terminal, for many files."""
    if files < BAR_FROM_FILES or not sys.stderr.isatty():
        yield lambda _files: None
        return
    from tqdm import tqdm

    with tqdm(total=files, unit="file", desc="pruning", file=sys.stderr) as bar:
        yield bar.update


def _report(arguments: argparse.Namespace, plan: Plan) -> None:
    total = sum(item.bytes for item in plan.to_go)
    if arguments.json:
        answer = {
            "dry_run": arguments.dry_run,
            "pruned": [_as_json(item) for item in plan.to_go],
            "bytes": total,
            "kept": [_as_json(item) for item in plan.kept],
        }
        say_json(answer, indent=2)
        return
    projects = {item.project for item in plan.to_go} | {item.project for item in plan.kept}
    names = {project: told_apart(project, list(projects)) for project in projects}
    if plan.to_go:
        rows = [(names[item.project], item.kind, item.path, item.bytes) for item in plan.to_go]
        say_table(("PROJECT", "KIND", "PATH", "BYTES"), rows)
        say()
    verb = "would delete" if arguments.dry_run else "deleted"
    number = len(plan.to_go)
    say(f"{verb} {number:,} {'file' if number == 1 else 'files'}, {total:,} bytes")
    for item in plan.kept:
        line = f"kept {names[item.project]}/{item.path}: {item.reason}"
        say(line, err=True)


def _as_json(item: Candidate | Kept) -> dict[str, Any]:
    """As programs see it: a file of a project, whose own path is `project_path`."""
    from cadenzad.maintenance.candidate import Candidate

    more = ("bytes", "sha256") if isinstance(item, Candidate) else ("reason",)
    return {
        "project": os.path.basename(item.project),
        "project_path": item.project,
        **{name: getattr(item, name) for name in ("path", "kind", *more)},
    }
