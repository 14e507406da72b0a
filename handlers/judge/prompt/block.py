"""The managed block: the part of a prompt that is ours, and whether somebody edited it.

    [cadenzad rules 3f9a2c1b0d4e]
    Found in run logs and kept up to date by cadenzad. Of the rules here and below, follow the first
    whose conditions all hold now. ... (two lines, for whoever reads them: a person or a model)
    - when in enter_debris and stuck for 3 ticks: walk_backward distance_m=0.3
    [end of cadenzad rules]

The first line carries a hash of those between it and the last. A person who edits them breaks it,
and from then on the block is theirs. The first rule that holds is followed, so the author's rules
about falling and about being near something stay above the block: nothing may silence those.
Where a prompt is prose, and no code looks for rules in it, ours are sentences (rules/grammar.py).
With `judge.text = "free"` sentences of a model's own come after the rules, `* ` before each.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from handlers.judge.prompt.opened import outside
from handlers.judge.prompt.rules.forms import BLOCKED_M, FALLEN_DEG, NEAR_M, SIDE_M
from handlers.judge.prompt.rules.grammar import parse, parse_all, render, render_sentence
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.wording import sentence_line, sentence_on

END = "[end of cadenzad rules]"
ABOUT = (
    "Found in run logs and kept up to date by cadenzad. Of all rules here and below, follow the"
    " first whose conditions hold now; what is unknown does not hold. A tick is one action.",
    "stuck: the last moves gained no ground. blocked: something is nearer than"
    f" {BLOCKED_M:g} m; on a side or ahead, than {SIDE_M:g} m. near: nearer than {NEAR_M:g} m."
    f" fallen: tilted over {FALLEN_DEG:g} degrees. target: where the phase is to be done.",
)
"""What the block says of itself, in two lines."""
_BEGIN = re.compile(r"^\[cadenzad rules ([0-9a-f]{12})\]$", re.MULTILINE)
_END = re.compile(rf"^{re.escape(END)}$", re.MULTILINE)
_TRACE = re.compile(r"^[ \t]*\[(?:end of )?cadenzad rules", re.MULTILINE)
"""What is left of a marker that somebody touched; prose that mentions our rules is none."""
_RULE = re.compile(r"^[ \t]*- when (?P<when>[^:\n]*).*$", re.MULTILINE)
_SAFETY = re.compile(r"\b(?:fall\w*|fell|tilt\w*|tipp\w*|flip\w*|near\w*|clos\w*)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """A block in a prompt: characters `start` to `end` of its value, its own newline included.

    `intact`: nobody edited it since it was written; `problem` says what is wrong otherwise.
    """

    start: int
    end: int
    lines: tuple[str, ...]
    intact: bool
    problem: str = ""

    @property
    def rules(self) -> list[Rule]:
        return parse_all(self.lines)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Its free text."""
        return tuple(text for line in self.lines if (text := sentence_on(line)) is not None)

    @property
    def said(self) -> list[str]:
        """Its rules and sentences as the lines of a version."""
        return [*map(render, self.rules), *map(sentence_line, self.sentences)]


def block_text(rules: Sequence[Rule], sentences: Sequence[str] = (), *, prose: bool = False) -> str:
    """The block that holds these, without a newline at its end; empty for none.

    `prose`: rules as sentences, too.
    """
    if not rules and not sentences:
        return ""
    lines = [*ABOUT, *(render_sentence(rule) if prose else render(rule) for rule in rules)]
    lines += map(sentence_line, sentences)
    return "\n".join([f"[cadenzad rules {_hash(lines)}]", *lines, END])


def find_block(value: str) -> Block | None:
    """The block in a prompt; not intact when it was edited or one of its markers is gone."""
    begins, ends = list(_BEGIN.finditer(value)), list(_END.finditer(value))
    if not begins and not ends and not _TRACE.search(value):
        return None
    if len(begins) != 1 or len(ends) != 1 or ends[0].start() < begins[0].end():
        return Block(0, 0, (), False, "the first or the last line of the managed block was changed")
    start, stop = begins[0].start(), ends[0].end()
    # At newlines alone: splitlines would take a form feed that somebody put in for one.
    lines = tuple(value[begins[0].end() + 1 : ends[0].start()].removesuffix("\n").split("\n"))
    if value[stop : stop + 1] == "\n":
        stop += 1
    elif start > 0:
        start -= 1  # at the end of a prompt without a last newline, ours comes before it
    if _hash(lines) != begins[0][1]:
        return Block(start, stop, lines, False, "somebody edited the managed block")
    return Block(start, stop, lines, True)


def place_for(value: str) -> tuple[int, bool]:
    """Where a new block goes: after the author's last safety rule, else before their first rule.

    Without any rule it goes to the end; never into a paragraph that is open to rewriting. Returns
    the place and whether the block's newline comes before it instead of after it.
    """
    rules = list(_RULE.finditer(value))
    safety = [match for match in rules if _is_safety(match)]
    if safety:
        place = safety[-1].end() + 1
    elif rules:
        place = rules[0].start()
    else:
        place = len(value)
    place = outside(value, place, after=bool(safety))
    if place < len(value):
        return place, False
    return len(value), bool(value) and not value.endswith("\n")


def silenced(value: str) -> str | None:
    """An author's safety rule that comes after the block, so that the block's may silence it."""
    block = find_block(value)
    if block is None:
        return None
    after = (match for match in _RULE.finditer(value, block.end) if _is_safety(match))
    return next((match[0].strip() for match in after), None)


def _is_safety(line: re.Match[str]) -> bool:
    """Whether a rule is about falling or nearness; in the author's own words, too."""
    rule = parse(line[0])
    if rule is not None:
        return rule.is_safety
    return _SAFETY.search(line["when"]) is not None


def without_block(value: str) -> str:
    """The part of a prompt that is its author's."""
    block = find_block(value)
    return value if block is None else value[: block.start] + value[block.end :]


def _hash(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
