"""What was searched in vain is not searched anew every night, at a model's price.

Where every candidate was dropped, or none did better than the prompt as it is, the judging records
that (`RunsJudged.rejected`): for which case, which failure modes, and what the log knew then. The
case is what the outcome depends on besides the runs: prompt, env.json, the code that drives, who is
asked, and how much is searched. The evidence is equal while no other failure mode shows, and none
in as many further runs as had shown it then, 4 at least: as for a remedy that was taken back
(candidates/barred.py), it takes twice as many each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from handlers.judge.candidates.barred import missing
from handlers.judge.context import JudgeContext
from handlers.judge.groq.client import usable_key
from handlers.judge.groq.errors import NoKey
from handlers.judge.policy import Choice
from handlers.judge.prompt.source import PromptSource
from store.events.envelope import project_stream
from store.events.prompt import Rejection

CHANGES = (
    "what would change that: another failure mode, an edit of the prompt, of env.json or of the"
    " code that drives, trust in it, or another judge.model, text, share, search or seeds"
)


def case_of(context: JudgeContext, source: PromptSource | None, choice: Choice | None) -> str:
    """A hash of all that decides besides the runs. `choice`: who drives."""
    settings = context.settings
    try:
        usable_key(context.task.key)
        asked = settings.model
    except NoKey:
        asked = "enumeration"
    parts = [
        source.sha256 if source is not None else "",
        context.env_sha256,
        [choice.kind, choice.sha256, choice.reason] if choice is not None else [],
        [asked, settings.text, settings.share, settings.search, settings.seeds],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def rejection(context: JudgeContext, case: str, modes: Sequence[str]) -> Rejection:
    """What a judging of this case records if it is in vain. Modes that were so before stay so."""
    before = _last(context)
    known = before.modes if before is not None and before.case_sha256 == case else ()
    every = tuple(sorted({*known, *modes}))
    return Rejection(case_sha256=case, modes=every, head=context.state.head())


def in_vain(context: JudgeContext, case: str, seen: Mapping[str, Sequence[int]]) -> str:
    """Why nothing is tried, and what would change that; "" where there is news.

    `seen`: failure mode -> for each run that shows it, the position that first told of the run.
    """
    before = _last(context)
    if before is None or before.case_sha256 != case or not seen.keys() <= {*before.modes}:
        return ""
    further = {mode: missing(runs, before.head) for mode, runs in seen.items()}
    if not further or min(further.values()) == 0:
        return ""
    mode = min(further, key=lambda name: further[name])
    runs = "run" if further[mode] == 1 else "runs"
    return (
        "nothing is tried: every remedy for this prompt was rejected on equal evidence"
        f" ({', '.join(seen)}); {CHANGES}, or {further[mode]} further {runs} that show {mode}"
    )


def _last(context: JudgeContext) -> Rejection | None:
    """The last one that was recorded of the project."""
    query = (
        "SELECT data FROM events WHERE stream = ? AND type = 'RunsJudged' ORDER BY position DESC"
    )
    stream = project_stream(str(context.project))
    for (data,) in context.state.connection.execute(query, (stream,)):
        found = json.loads(data).get("rejected")
        if found is not None:
            return Rejection.of_shape(found)
    return None
