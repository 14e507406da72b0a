"""What the author's prompt forbids: its "never", "do not", "must not" and "avoid", as actions.

What such a sentence is about is read by the one reader of goals; a name of an action or a signal in
it counts as it stands. Conditions in it ("while a person is near") are not weighed: a rule that may
go against the author is one for a person to decide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from handlers.goals.reading import read_goal
from handlers.judge.evidence.mission import acts_of
from handlers.judge.prompt.block import find_block
from handlers.judge.prompt.rules.grammar import parse
from handlers.judge.prompt.rules.rule import Rule
from handlers.project.library import ActionLibrary, library_for

_FORBIDS = re.compile(
    r"\b(?:never\b|(?:do|must|may|shall|should|can|will)\s+not\b|cannot\b|not\s+(?:allowed\s+)?to"
    r"|(?:do|must|should|can|wo)n['’]?t|refrain\s+from|avoid(?:ing)?\b|under\s+no\s+circumstances"
    r"|(?:no|stop|without)\s+(?=\w+ing\b|signals?\b))",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"(?P<what>.*)\b(?:is|are)\s+(?:strictly\s+)?"
    r"(?:forbidden|prohibited|not\s+allowed(?!\s+to)|dangerous|unsafe)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[^.;:!?()\n]+")
_EXCEPT = re.compile(r"\b(?:unless|until|before|except|without)\b(?P<what>.*)", re.IGNORECASE)
_WHILE = re.compile(r"\b(?:if|when|while|where|because|as long as)\b.*", re.IGNORECASE)
_JOINED = re.compile(r"\s*(?:,|\bor\b|\bnor\b|\band\b)\s*", re.IGNORECASE)
_BUILT_IN = acts_of(library_for("go1", None))


@dataclass(frozen=True, slots=True)
class Ban:
    """Actions that a line of the prompt (counted from 1) forbids, and its words.

    `unless`: what it makes an exception of, "" for none.
    """

    line: int
    actions: frozenset[str]
    words: str
    unless: str = ""

    def forbids(self, rule: Rule) -> bool:
        """Whether a rule goes against it. One that waits for what it makes an exception of, by the
        name of a tag, does not."""
        if rule.action not in self.actions:
            return False
        names = [said.name for said in rule.conditions if said.kind in _SEEN and said.name]
        return not any(_says(name, self.unless) for name in names)


_SEEN = frozenset({"seeing", "near", "within", "bearing"})


def bans_of(prompt_text: str, library: ActionLibrary) -> list[Ban]:
    """What the author's part of a prompt forbids. Rules, the author's or ours, forbid nothing."""
    block = find_block(prompt_text)
    ours = range(0) if block is None else range(block.start, block.end)
    found, start = [], 0
    for number, line in enumerate(prompt_text.split("\n"), 1):
        if start not in ours and parse(line) is None:
            for clause in _CLAUSE.findall(line):
                found += _ban(number, clause, library)
        start += len(line) + 1
    return found


def _ban(line: int, clause: str, library: ActionLibrary) -> list[Ban]:
    told, match = _FORBIDDEN.search(clause), _FORBIDS.search(clause)
    if told is not None:
        rest = told["what"]
    elif match is not None:
        rest = clause[match.end() :]
    else:
        return []
    exception = _EXCEPT.search(rest)
    what = _WHILE.sub("", rest[: exception.start()] if exception is not None else rest).strip()
    actions = spoken_of(what, library)
    if not actions:
        return []
    unless = exception["what"].strip() if exception is not None else ""
    return [Ban(line, frozenset(actions), clause.strip(), unless)]


def forbids(clause: str) -> bool:
    """Whether a clause forbids anything, if only what no action of the robot's does."""
    return _FORBIDDEN.search(clause) is not None or _FORBIDS.search(clause) is not None


def clauses(text: str) -> list[str]:
    """The parts of a text that may each forbid something."""
    return [clause.strip() for clause in _CLAUSE.findall(text) if clause.strip()]


def spoken_of(text: str, library: ActionLibrary) -> set[str]:
    """The robot's actions that a text names or asks for."""
    return _named(text, library) | _meant(text, library)


def _named(text: str, library: ActionLibrary) -> set[str]:
    """Actions that are called by their own names; any signal where signalling is spoken of."""
    signals = {name for name, spec in library.actions.items() if spec.kind == "signal"}
    telling = [name for name in library.names if "_" in name or name in signals]
    found = {name for name in telling if _says(name, text)}
    if re.search(r"\bsignal(?:l?ing|s)?\b", text, re.IGNORECASE) and not found:
        found |= signals
    return found


def _meant(text: str, library: ActionLibrary) -> set[str]:
    """The robot's actions of the kind that the words ask for: any way to go backward, say."""
    found: set[str] = set()
    verb = ""
    for part in _JOINED.split(text):
        steps = read_goal(part, aimed=True).steps
        if not steps and verb:
            steps = read_goal(f"{verb} {part}", aimed=True).steps
        elif steps:
            verb = part.split()[0]
        for step in steps:
            found |= _alike(step.action, library, part)
    return found


def _alike(action: str, library: ActionLibrary, words: str) -> set[str]:
    """The actions that do what one of the reader's does: turns and moves by their direction."""
    meant = _BUILT_IN.get(action)
    found = {action} & {*library.names}
    if meant is None or not meant.axis:
        return found
    if meant.axis == "forward" and action not in ("walk_forward", "walk_backward"):
        return found  # trotting is one way to go forward, and the others are not spoken of
    unsaid = meant.axis != "forward" and not re.search(
        r"(?<![a-z])(?:left|right)", words, re.IGNORECASE
    )
    # "Go left" may be a step aside, or a turn and a walk.
    axes = {"side", "turn"} if meant.axis == "side" and _GO.match(words.strip()) else {meant.axis}
    for name, act in acts_of(library).items():
        if name is None or act.axis not in axes or name.startswith("climb"):
            continue
        if unsaid or act.sign == meant.sign:
            found.add(name)
    return found


_SIDE = re.compile(r"(?<![a-z])(?:left|right)", re.IGNORECASE)
_GO = re.compile(r"(?:go|move|walk|head)", re.IGNORECASE)


def _says(name: str, text: str) -> bool:
    """Whether a text has a name, whole; spaces may stand for its underscores."""
    words = re.escape(name).replace("_", "[ _]")
    return re.search(rf"(?<![\w]){words}(?![\w])", text, re.IGNORECASE) is not None


def contradicted(rules: Sequence[Rule], bans: Sequence[Ban]) -> tuple[int, ...]:
    """The lines that rules go against."""
    return tuple(dict.fromkeys(ban.line for ban in bans if any(map(ban.forbids, rules))))
