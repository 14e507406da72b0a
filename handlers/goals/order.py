"""What is done first: clauses as one list of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from handlers.goals.clause import Heard, hear
from handlers.goals.clauses import CONDITIONS, Clause, Tag
from handlers.goals.doubts import DoubtKind
from handlers.goals.repetition import Draft, Sequenced, says_only_how_often
from handlers.goals.steps import GoalStep, Kept, step_of
from handlers.goals.tempo import SPEEDS

_WHY = {
    "negated": "what is not to be done: nothing is done for it",
    "conditional": "hangs on a condition, and no condition is looked at: not carried out",
}


def sequence(clauses: Sequence[Clause], goal: str, aimed: bool) -> Sequenced:
    """The steps of a goal's clauses. `aimed`: see read_goal."""
    found = Sequenced()
    for sentence in _sentences(clauses):
        _Sentence(found, goal, aimed).read(sentence)
    return found


def _sentences(clauses: Sequence[Clause]) -> Iterator[list[Clause]]:
    here: list[Clause] = []
    for clause in clauses:
        in_brackets = bool(here) and here[-1].opens > here[-1].closes
        if here and clause.begins_sentence and not in_brackets and not _lists(here, clause):
            yield here
            here = []
        here.append(clause)
    if here:
        yield here


def _lists(here: Sequence[Clause], clause: Clause) -> bool:
    """ "Repeat twice: A; B": after a colon a semicolon parts what is to be repeated."""
    return clause.glue == [";"] and len(here) > 1 and here[0].has("repeat") and ":" in here[1].glue


class _Sentence:
    """Reads one sentence after others."""

    def __init__(self, found: Sequenced, goal: str, aimed: bool) -> None:
        self.found, self.goal, self.aimed = found, goal, aimed
        self.draft = Draft(found, goal)
        self.kept: Kept | None = None
        self.is_noun_open = False
        self.left_out = False  # whether the clause before was
        self.waits = False  # for what "after" speaks of, which is no step
        self.late: list[GoalStep] = []  # of "before X, Y": X

    def read(self, sentence: Sequence[Clause]) -> None:
        order: list[GoalStep] | None = None  # steps that "after" puts in front
        for index, clause in enumerate(sentence):
            if "after" in clause.glue and index and not _goes_on_after(clause):
                self._expect_one_before(clause)
                order, self.draft.steps = self.draft.steps, []
            elif order is not None and ("," in clause.glue or "then" in clause.glue):
                self.draft.steps += order
                order = None
            self._expect_plain_order(clause)
            before = len(self.draft.steps)
            self._clause(clause, sentence[index + 1] if index + 1 < len(sentence) else None)
            if self.waits:
                order = None
                for later in sentence[1:] if index == 0 else ():
                    later.fate = later.fate or "conditional"
                self.waits = False
            if "before" in clause.glue and index == 0 and len(sentence) > 1:
                self.late, self.draft.steps = self.draft.steps[before:], self.draft.steps[:before]
        if order is not None:
            self.draft.steps += order
        self.draft.steps += self.late
        self.draft.finish(sentence[0].start, sentence[-1].end)

    def _expect_one_before(self, clause: Clause) -> None:
        if len(self.draft.steps) > 1:
            self.draft.doubt(
                "ambiguous", clause.start, clause.end, "after this comes one step, or all?"
            )

    def _expect_plain_order(self, clause: Clause) -> None:
        """ "A, but before B, C" may be A, C, B; "A. First, B" may be B, A."""
        if self.draft.steps or self.found.steps:
            for first in _firsts(clause):
                self.draft.doubt(
                    "ambiguous", first.start, first.end, "before what was said as well?"
                )
        joins = clause.glue[: clause.glue.index("before")] if "before" in clause.glue else []
        if not {"but", "and", "then"}.isdisjoint(joins):
            self.draft.doubt("ambiguous", clause.start, clause.end, "before what? say A, then B")

    # -- a clause ----------------------------------------------------------------------------------

    def _clause(self, clause: Clause, following: Clause | None) -> None:
        self.draft.open(clause.opens)
        if clause.fate == "aim":
            self.found.aims = True
            return
        if clause.fate:
            self._leave_out(clause)
            return
        self.left_out = False
        heard = hear(clause, self.goal)
        self.found.aims |= heard.aims or heard.place is not None
        is_rest_of_noun = self._continues_noun(heard)
        self.is_noun_open = is_rest_of_noun or _ends_in_noun(heard)
        if is_rest_of_noun:
            return
        if says_only_how_often(heard):
            self.draft.repeat(heard, following)
        elif _says_only_how_fast(heard):
            self._at_tempo(heard)
        elif self._turns_finely(heard):
            pass
        elif not self._completes(heard):
            self._step(heard, following)
        self.found.doubts += heard.doubts
        self.draft.close(clause.closes)

    def _leave_out(self, clause: Clause) -> None:
        """What is forbidden or conditional: one doubt for all that goes together."""
        kind, start = _kind(clause), clause.start
        if clause.lead is not None and not {"instead", *CONDITIONS}.isdisjoint(clause.glue):
            start = clause.lead
        doubts = self.found.doubts
        if self.left_out and doubts and doubts[-1].kind == kind:
            start = doubts.pop().start
        self.draft.doubt(kind, start, clause.end, _WHY[clause.fate])
        self.is_noun_open, self.left_out = False, True
        if clause.has("order", "verb"):  # else "turn left, not right, by 30 degrees" goes on
            self.kept = None

    def _continues_noun(self, heard: Heard) -> bool:
        """ "between the wall and the door": the door is no thing to do."""
        tags = heard.clause.tags
        nothing = not (heard.says_action or heard.amounts or heard.counts or heard.aims)
        return (
            self.is_noun_open
            and nothing
            and heard.place is None
            and tags[0].role == "article"
            and set(heard.clause.glue) <= {"and", "or"}
        )

    def _completes(self, heard: Heard) -> bool:
        """ "turn left, 90 degrees": an amount that the step before it lacks; "sit and stay 8 s"."""
        if not self.draft.steps or self.kept is None:
            return False
        last = self.draft.steps[-1]
        bare = heard.amounts and not (heard.says_action or heard.counts or heard.aims)
        completes = bare and heard.clause.glue in _COMPLETING
        if not completes and not _stays(heard, last):
            return False
        is_speed = all(tag.amount and tag.amount.kind == "speed" for tag in heard.amounts)
        if is_speed and completes:
            if "speed" in last.parameters:
                return False
        elif any(name not in ("speed", "repeat") for name in last.parameters):
            return False
        made, _ = step_of(heard, self.kept, self.aimed)
        if made is not None:
            self.draft.steps[-1] = replace(
                last,
                parameters={**last.parameters, **made.parameters},
                words=self.goal[last.start : made.end],
                end=made.end,
            )
        return True

    def _at_tempo(self, heard: Heard) -> None:
        """ "walk forward 2 m, slowly": the step before it."""
        first, steps = heard.tempos[0], self.draft.steps
        if not steps or "speed" in steps[-1].parameters:
            self.draft.doubt("unknown", first.start, first.end, "what is to be done so?")
            return
        parameters = {**steps[-1].parameters, "speed": SPEEDS[first.value]}
        if len(steps) > 1:
            self.draft.doubt("ambiguous", first.start, first.end, "the last step alone, or all?")
        steps[-1] = replace(steps[-1], parameters=parameters)

    def _turns_finely(self, heard: Heard) -> bool:
        """ "turn left 10 degrees, carefully": the turn before it is the precise one."""
        steps, tags = self.draft.steps, heard.clause.tags
        if not steps or any(tag.role not in ("finely", "filler") for tag in tags):
            return False
        if steps[-1].action in ("turn_left", "turn_right") and heard.clause.has("finely"):
            steps[-1] = replace(steps[-1], action=f"precision_{steps[-1].action}")
        return True

    def _step(self, heard: Heard, following: Clause | None) -> None:
        clause = heard.clause
        if "after" in clause.glue and _is_time(heard):
            heard.verbs.append(Tag("order", "stand", "wait", clause.start, clause.start))
        made, kept = step_of(heard, self.kept, self.aimed)
        if "or" in clause.glue and (made is not None or heard.doubts):
            why = "one or the other: the first is taken"
            self.draft.doubt("ambiguous", clause.start, clause.end, why)
            return
        if heard.repeats is not None:
            self.draft.begin_scope()
        if made is None:
            self._without_step(heard)
        else:
            self._expect_own_amount(heard, made)
            self.draft.steps.append(made)
            self.draft.count(heard, following)
        self.kept = kept or (self.kept if heard.aims else None)

    def _without_step(self, heard: Heard) -> None:
        clause = heard.clause
        if heard.aims and not self.aimed and not heard.doubts:
            why = "what is to be done for it the words alone do not say"
            heard.doubt("place", clause.start, clause.end, why)
        elif heard.place and not self.aimed and not heard.doubts:
            heard.doubt("place", *heard.place, "no action is named")
        if heard.counts and not heard.doubts:
            heard.doubt("ambiguous", clause.start, clause.end, "what is to be done so often?")
        if {"after", "before"} & set(clause.glue) and not self.aimed:
            heard.doubt("conditional", clause.start, clause.end, "when that is nobody says")
            self.waits = "after" in clause.glue

    def _expect_own_amount(self, heard: Heard, made: GoalStep) -> None:
        """ "walk forward and backward 1 m": is the first 1 m as well? "2 m and back": how far?"""
        clause = heard.clause
        if clause.opens and not heard.says_action:
            heard.doubt("ambiguous", clause.start, clause.end, "the same again, or another step?")
        spoken = [tag.text for tag in [*heard.verbs, *heard.ways]]
        if spoken == ["back"] and self.draft.steps and not made.parameters:
            heard.doubt("ambiguous", clause.start, clause.end, "back how far?")
        if heard.verbs or not heard.amounts or not self.draft.steps or "then" in heard.clause.glue:
            return
        last = self.draft.steps[-1]
        is_joined = set(heard.clause.glue) <= {"and", ","}
        if is_joined and not last.parameters and _is_alike(last.action, made.action):
            self.draft.doubt("ambiguous", last.start, made.end, "does the amount hold for both?")


_FIRST = frozenset({"first", "firstly", "at first"})


def _firsts(clause: Clause) -> Iterator[Tag]:
    """What says that a clause comes first: not "the first 2 m", nor "twice: first A, then B"."""
    if not {"then", "after", ":", "open"}.isdisjoint(clause.glue):
        return
    for before, tag in zip([None, *clause.tags], clause.tags, strict=False):
        if tag.text in _FIRST and (before is None or before.role != "article"):
            yield tag


def _goes_on_after(clause: Clause) -> bool:
    """ "A, then after B, C": B follows A."""
    return "then" in clause.glue[: clause.glue.index("after")]


_COMPLETING = ([","], [":"], ["–"], ["-"], ["open"])


def _kind(clause: Clause) -> DoubtKind:
    return "negated" if clause.fate == "negated" else "conditional"


def _says_only_how_fast(heard: Heard) -> bool:
    says_more = heard.says_action or heard.amounts or heard.counts or heard.aims or heard.repeats
    return bool(heard.tempos) and not says_more and heard.place is None


def _is_time(heard: Heard) -> bool:
    """ "after 5 seconds": a wait."""
    kinds = [tag.amount.kind for tag in heard.amounts if tag.amount is not None]
    return kinds == ["s"] and not heard.says_action and not heard.aims


def _stays(heard: Heard, last: GoalStep) -> bool:
    """Whether a clause says to stay as one is, or how long: "sit and stay for 8 s"; "do not move,
    just stand still".
    """
    verbs = [tag.text.split()[0] for tag in heard.verbs if tag.value == "stand"]
    joined = set(heard.clause.glue) <= {"and", ",", "but"} and bool(heard.clause.glue)
    if not joined or not verbs or len(heard.verbs) > 1 or heard.ways or heard.sides:
        return False
    keeps = verbs[0] in ("stay", "remain", "hold", "keep", "staying", "remaining")
    return last.action == "stand" or (keeps and last.action in ("sit", "lie_down"))


def _ends_in_noun(heard: Heard) -> bool:
    """Whether a clause ends in what a preposition is about."""
    tags = heard.clause.tags
    return (heard.place is not None or heard.aims or heard.clause.has("context", "manner")) and (
        tags[-1].role in ("word", "aim", "object", "place")
    )


def _is_alike(one: str, other: str) -> bool:
    return one.split("_")[0] == other.split("_")[0]
