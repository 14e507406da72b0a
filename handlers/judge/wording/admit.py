"""Which candidates with free text may be tried: what is plain, and nobody's but the model's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from handlers.judge.candidates.candidate import Candidate, Dropped
from handlers.judge.prompt.block import without_block
from handlers.judge.prompt.wording import MOST_SENTENCES
from handlers.judge.wording.copied import Copied
from handlers.judge.wording.logtext import TooMuch, texts_in
from handlers.judge.wording.plain import Plain
from handlers.project.library import PARAMETERS, ActionLibrary
from handlers.project.spec import ProjectSpec


def admitted(
    candidates: Sequence[Candidate],
    prompt_text: str,
    spec: ProjectSpec,
    library: ActionLibrary,
    logs: Iterable[Path],
    secrets: Sequence[str] = (),
) -> tuple[list[Candidate], list[Dropped]]:
    """The candidates whose free text may stand in the prompt, and the others with the reason.

    Those without any pass. `logs`: all that were read, held-out ones too.
    """
    own = without_block(prompt_text)
    names = {*names_of(spec, library), *PARAMETERS}
    plain = Plain(own, names, secrets)
    kept, dropped = [], []
    for candidate in candidates:
        why = _problem(candidate, plain) if candidate.wording else ""
        (dropped.append(Dropped(candidate, "unfit", why)) if why else kept.append(candidate))
    worded = [candidate for candidate in kept if candidate.wording]
    if not worded:
        return kept, dropped
    goals = [phase.goal_prompt for phase in spec.phases]
    copied = Copied([one.wording.text for one in worded], "\n".join([own, *goals, *names]))
    unread = ""
    try:
        for text in texts_in(logs):
            copied.look_at(text)
    except TooMuch as error:
        unread = f"that nothing in it is copied cannot be told: {error}"
    for candidate in worded:
        why = unread or copied.problem(candidate.wording.text)
        if why:
            kept.remove(candidate)
            dropped.append(Dropped(candidate, "unfit", why))
    return kept, dropped


def _problem(candidate: Candidate, plain: Plain) -> str:
    wording = candidate.wording
    if len(wording.sentences) > MOST_SENTENCES:
        return f"{len(wording.sentences)} sentences, more than {MOST_SENTENCES}"
    found = [plain.problem_of_sentence(sentence) for sentence in wording.sentences]
    found += [plain.problem_of_paragraph(one.after, one.before) for one in wording.rewrites]
    return next((problem for problem in found if problem), "")


def names_of(spec: ProjectSpec, library: ActionLibrary) -> set[str]:
    """The names that the mission and the robot have."""
    tags = {item.tag for item in spec.scene.objects if item.tag}
    zones = {zone.name for zone in spec.scene.zones}
    return {spec.name, *spec.phase_names, *tags, *zones, *library.names, *spec.signals}
