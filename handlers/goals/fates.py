"""Which clauses are not carried out: forbidden, or on a condition that nobody looks at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handlers.goals.clauses import CONDITIONS, SAID, Clause, Fate


def decide(made: list[Clause], aimed: bool) -> None:
    """Mark the clauses that are forbidden, or hang on a condition."""
    fate: Fate = ""
    for index, clause in enumerate(made):
        fate = _goes_on(fate, clause, made, index)
        if (clause.has("not") and not _describes(clause, index)) or "instead" in clause.glue:
            fate = "negated"
            if index and _is_of(clause, made[index - 1]):
                made[index - 1].fate = made[index - 1].fate or "negated"
        if aimed and "until" in clause.glue and not clause.begins_sentence:
            fate = "aim"
        elif not CONDITIONS.isdisjoint(clause.glue):
            fate = "conditional"
            _reach_back(made, index)
        clause.fate = fate


_DESCRIBING = frozenset({"safe", "dangerous", "unsafe", "secure"})


def _describes(clause: Clause, index: int) -> bool:
    """Whether a "not" says what some place is like ("this place is not safe") and forbids nothing:
    "turning is dangerous" and "that is not safe" are about something to do.
    """
    at = next(index for index, tag in enumerate(clause.tags) if tag.role == "not")
    names_thing = index == 0 or any(tag.role == "word" for tag in clause.tags[:at])
    told = {word for tag in clause.tags[at:] for word in tag.text.split()}
    is_plain = not clause.has("order", "verb", *SAID)
    return names_thing and is_plain and not _DESCRIBING.isdisjoint(told)


def _is_of(clause: Clause, before: Clause) -> bool:
    """Whether a "not" forbids what stands before it: "jump? no!", "walk neither forward nor
    backward" (the walk has no other direction that could be meant).
    """
    if all(tag.role in ("not", "filler") for tag in clause.tags):
        return True
    open_verb = before.has("order", "verb") and not before.has(*SAID)
    turns_it_down = clause.has("side", "way") and not clause.has("order", "verb", "manner")
    return clause.glue == ["not"] and turns_it_down and open_verb


def _goes_on(fate: Fate, clause: Clause, made: list[Clause], index: int) -> Fate:
    """Whether what was said of the clause before holds for this one."""
    if clause.begins_sentence or (fate == "negated" and _resets(clause.glue)):
        return ""
    if fate == "negated" and "," in clause.glue and "or" not in clause.glue:
        before = made[index - 1]
        goes_with = any("or" in later.glue for later in _rest(made, index))
        is_order = clause.has("order") or "instead" in before.glue
        if _is_amount(clause) and not before.has("order", "verb", "amount"):
            return ""  # "turn left, not right, by 30 degrees"
        return "" if is_order and not goes_with else fate
    if fate == "aim" and not {"then", ","}.isdisjoint(clause.glue):
        return ""
    if fate == "conditional" and "then" in clause.glue and not _led(made, index):
        return ""
    return fate


def _is_amount(clause: Clause) -> bool:
    """Whether it says how far, and nothing else."""
    return all(tag.role in ("amount", "measure", "filler") for tag in clause.tags)


def _resets(glue: Sequence[str]) -> bool:
    return "then" in glue or "but" in glue or ":" in glue or "–" in glue


def _led(made: list[Clause], index: int) -> bool:
    """Whether the sentence of a clause begins with its condition: "if ..., A, then B"."""
    while index > 0 and not made[index].begins_sentence:
        index -= 1
    return not CONDITIONS.isdisjoint(made[index].glue)


def _rest(made: list[Clause], index: int) -> Iterable[Clause]:
    """The clauses of a sentence from one on."""
    for at in range(index, len(made)):
        if at > index and made[at].begins_sentence:
            return
        yield made[at]


def _reach_back(made: list[Clause], index: int) -> None:
    """ "A and B if C": neither A nor B is done without asking."""
    is_all = made[index].has("if")  # "sit. not now."
    follows = index + 1 < len(made) and not made[index + 1].begins_sentence
    if follows and made[index].glue[-2:] == ["and", "if"]:
        return  # "sit, and if it rains, get up"
    if made[index].begins_sentence and "else" not in made[index].glue and not is_all:
        return
    for at in range(index - 1, -1, -1):
        made[at].fate = made[at].fate or "conditional"
        if made[at].begins_sentence or "," in made[at].glue or "then" in made[at].glue:
            return
