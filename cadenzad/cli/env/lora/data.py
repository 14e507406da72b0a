"""`cadenza env lora data`: what an adapter would be made of."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import open_state, project_folder
from cadenzad.cli.base.output import say, say_json, say_table
from cadenzad.cli.base.parser import OK, filled
from cadenzad.cli.env.lora.common import add_project
from cadenzad.config.paths import expand
from handlers.project.paths import ENCODER_FILE

if TYPE_CHECKING:
    from store.reads.state import State

DESCRIPTION = """The rows an adapter would be trained on, by where they are from, the project's own
encoder, the actions no example has, the exam's two parts, which of its rows do not count, or count
as wrong because they stood in it before and were taught, changed or taken out, rows whose steps go
against their own words, and every line that cannot be used. What lies near an example in meaning
alone is found when an adapter is scored."""
EXAMPLE = "cadenza env lora data rescue --json"


def configure(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument(
        "--finetune", type=filled, metavar="PATH", help="also mine this log or records file"
    )


def command(arguments: argparse.Namespace) -> int:
    from handlers.lora.data.dataset import load_dataset
    from handlers.lora.data.opposites import against_words
    from handlers.lora.exam.looks import looks_at
    from handlers.lora.exam.paper import set_paper
    from handlers.project.project import Project

    with open_state(arguments.state) as state:
        project = Project.open(project_folder(state, arguments.project))
        looks = looks_at(state.connection, str(project.path)) if state is not None else []
        encoder = _encoder(project.path, state)
    path: Path | None = expand(arguments.finetune) if arguments.finetune else None
    data = load_dataset(project, finetune=path)
    shown = [phase.goal_prompt for phase in project.spec.phases]
    paper = set_paper(data, looks=looks, shown=shown)
    taught = {step.action for row in data.train for step in row.actions}
    written = [row for row in (*data.train, *data.exam) if row.origin == "pattern"]
    against = [(row.where, why) for row in written if (why := against_words(row.goal, row.actions))]
    untaught = [name for name in project.library.names if name not in taught]
    if arguments.json:
        answer = {
            "rows": len(data.train),
            "exam_rows": len(data.exam),
            "exam": {
                "practice": len(paper.practice),
                "sealed": len(paper.sealed),
                "wrong": paper.wrong,
                "notes": paper.notes(),
                "unexamined": list(paper.unexamined),
            },
            "sources": data.sources,
            "encoder": encoder,
            "actions_without_examples": untaught,
            "left_out": dict(data.left_out),
            "conflicts": [asdict(conflict) for conflict in data.conflicts],
            "against_words": [{"where": where, "reason": why} for where, why in against],
            "problems": [{"where": where, "reason": reason} for where, reason in data.problems],
            "dataset_sha256": data.sha256,
            "train": [
                {
                    "goal": row.goal,
                    "actions": [step.as_json() for step in row.actions],
                    "origin": row.origin,
                    "where": row.where,
                    "corrected": row.corrected,
                }
                for row in data.train
            ],
        }
        say_json(answer, indent=2)
        return OK
    rows: list[tuple[object, ...]] = [(origin, count) for origin, count in data.sources.items()]
    rows += [
        ("exam (held out)", len(data.exam)),
        ("  practice", len(paper.practice)),
        ("  sealed", len(paper.sealed)),
    ]
    say_table(("ORIGIN", "ROWS"), rows)
    if encoder is not None:
        say(f"encoder: {encoder}")
    if untaught:
        say(f"no example has: {', '.join(untaught)}")
    for reason, count in data.left_out.items():
        say(f"left out: {count} ({reason})")
    for where, reason in data.problems:
        say(f"{where}: {reason}")
    for conflict in data.conflicts:
        say(str(conflict))
    for where, why in against:
        say(f"{where}: {why}")
    for line in [*paper.notes(), *paper.reasons()]:
        say(line)
    if not data.exam:
        say("there is no exam: an adapter cannot be deployed without one (lora/eval.jsonl)")
    return OK


def _encoder(project: Path, state: State | None) -> str | None:
    """The project's own encoder, or why it is not run; None where it has none."""
    from handlers.jobs import PermanentFailure
    from handlers.lora.serving import own_encoder

    try:
        code = own_encoder(project, state)
    except PermanentFailure as error:
        return f"{error.message} ({error.hint})"
    return None if code is None else ENCODER_FILE
