"""What is done first, and what is done again: clauses as one list of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from handlers.goals.clause import Heard, hear
from handlers.goals.clauses import CONDITIONS, Clause, Tag
from handlers.goals.doubts import Doubt, DoubtKind
from handlers.goals.steps import GoalStep, Kept, step_of
from handlers.project.library import PARAMETERS

MOST = 64
"""Steps that a repetition may come to; one that would come to more is a doubt."""
_WHY = {
    "negated": "what is not to be done: nothing is done for it",
    "conditional": "hangs on a condition, and no condition is looked at: not carried out",
}


@dataclass(slots=True)
class Sequenced:
    """Steps in order, the doubts, and whether a clause says what for ("find the survivor")."""

    steps: list[GoalStep] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    aims: bool = False


def sequence(clauses: Sequence[Clause], goal: str, aimed: bool) -> Sequenced:
    """The steps of a goal's clauses. `aimed`: see read_goal."""
    found = Sequenced()
    for sentence in _sentences(clauses):
        _Sentence(found, goal, aimed).read(sentence)
    return found


def _sentences(clauses: Sequence[Clause]) -> Iterator[list[Clause]]:
    here: list[Clause] = []
    for clause in clauses:
        if here and clause.begins_sentence and not here[-1].opens > here[-1].closes:
            yield here
            here = []
        here.append(clause)
    if here:
        yield here


class _Sentence:
    """Reads one sentence after others."""

    def __init__(self, found: Sequenced, goal: str, aimed: bool) -> None:
        self.found, self.goal, self.aimed = found, goal, aimed
        self.steps: list[GoalStep] = []
        self.kept: Kept | None = None
        self.is_noun_open = False
        self.left_out = False  # whether the clause before was
        self.scope: int | None = None  # where what is to be repeated begins
        self.times: Tag | None = None  # how often the rest of the sentence is done
        self.brackets: list[int] = []
        self.closed: int | None = None  # where the bracket began that was closed last
        self.late: list[GoalStep] = []  # of "before X, Y": X

    def read(self, sentence: Sequence[Clause]) -> None:
        order: list[GoalStep] | None = None  # steps that "after" puts in front
        for index, clause in enumerate(sentence):
            if "after" in clause.glue and index:
                self._expect_one_before(clause)
                order, self.steps = self.steps, []
            elif order is not None and ("," in clause.glue or "then" in clause.glue):
                self.steps += order
                order = None
            before = len(self.steps)
            self._clause(clause, sentence[index + 1] if index + 1 < len(sentence) else None)
            if "before" in clause.glue and index == 0 and len(sentence) > 1:
                self.late, self.steps = self.steps[before:], self.steps[:before]
        if order is not None:
            self.steps += order
        self.steps += self.late
        if self.times is not None:
            self._again(self.scope or 0, self.times)
        elif self.scope is not None and self.scope < len(self.steps):
            self._doubt("ambiguous", sentence[0].start, sentence[-1].end, "how often?")
        self.found.steps += self.steps

    def _doubt(self, kind: DoubtKind, start: int, end: int, why: str) -> None:
        self.found.doubts.append(Doubt(kind, self.goal[start:end], start, end, why))

    def _expect_one_before(self, clause: Clause) -> None:
        if len(self.steps) > 1:
            self._doubt("ambiguous", clause.start, clause.end, "after this comes one step, or all?")

    # -- a clause ----------------------------------------------------------------------------------

    def _clause(self, clause: Clause, following: Clause | None) -> None:
        self.brackets += [len(self.steps)] * clause.opens
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
        if self._is_repetition(heard):
            self._repeat(heard, following)
        elif not self._completes(heard):
            self._step(heard, following)
        self.found.doubts += heard.doubts
        for _ in range(clause.closes):
            self.closed = self.brackets.pop() if self.brackets else None

    def _leave_out(self, clause: Clause) -> None:
        """What is forbidden or conditional: one doubt for all that goes together."""
        kind, start = _kind(clause), clause.start
        if clause.lead is not None and not {"instead", *CONDITIONS}.isdisjoint(clause.glue):
            start = clause.lead
        doubts = self.found.doubts
        if self.left_out and doubts and doubts[-1].kind == kind:
            start = doubts.pop().start
        self._doubt(kind, start, clause.end, _WHY[clause.fate])
        self.kept, self.is_noun_open, self.left_out = None, False, True

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
        if not self.steps or self.kept is None:
            return False
        last = self.steps[-1]
        bare = heard.amounts and not (heard.says_action or heard.counts or heard.aims)
        completes = bare and heard.clause.glue in _COMPLETING
        if not completes and not _stays(heard, last):
            return False
        if any(name not in ("speed", "repeat") for name in last.parameters):
            return False
        made, _ = step_of(heard, self.kept, self.aimed)
        if made is not None:
            self.steps[-1] = replace(
                last,
                parameters={**last.parameters, **made.parameters},
                words=self.goal[last.start : made.end],
                end=made.end,
            )
        return True

    def _step(self, heard: Heard, following: Clause | None) -> None:
        clause = heard.clause
        if "after" in clause.glue and _is_time(heard):
            heard.verbs.append(Tag("order", "stand", "wait", clause.start, clause.start))
        made, kept = step_of(heard, self.kept, self.aimed)
        if "or" in clause.glue and (made is not None or heard.doubts):
            why = "one or the other: the first is taken"
            self._doubt("ambiguous", clause.start, clause.end, why)
            return
        if heard.repeats is not None:
            self.scope = len(self.steps)
        if made is None:
            self._without_step(heard)
        else:
            self._expect_own_amount(heard, made)
            self.steps.append(made)
            self._count(heard, following)
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
        if {"after", "before"} & set(clause.glue) and not heard.doubts and not self.aimed:
            heard.doubt("conditional", clause.start, clause.end, "when that is nobody says")

    def _expect_own_amount(self, heard: Heard, made: GoalStep) -> None:
        """ "walk forward and backward 1 m": is the first 1 m as well? "2 m and back": how far?"""
        clause = heard.clause
        if clause.opens and not heard.says_action:
            heard.doubt("ambiguous", clause.start, clause.end, "the same again, or another step?")
        spoken = [tag.text for tag in [*heard.verbs, *heard.ways]]
        if spoken == ["back"] and self.steps and not made.parameters:
            heard.doubt("ambiguous", clause.start, clause.end, "back how far?")
        if heard.verbs or not heard.amounts or not self.steps or "then" in heard.clause.glue:
            return
        last = self.steps[-1]
        is_joined = set(heard.clause.glue) <= {"and", ","}
        if is_joined and not last.parameters and _is_alike(last.action, made.action):
            self._doubt("ambiguous", last.start, made.end, "does the amount hold for both?")

    # -- again -------------------------------------------------------------------------------------

    def _is_repetition(self, heard: Heard) -> bool:
        says_when = heard.counts or heard.repeats or heard.again
        return bool(says_when) and not (heard.says_action or heard.amounts or heard.aims)

    def _repeat(self, heard: Heard, following: Clause | None) -> None:
        """A clause that says how often what stands before or after it is done."""
        clause = heard.clause
        count = heard.counts[-1] if heard.counts else None
        nothing_yet = not self.steps and not self.found.steps
        begins_anew = clause.begins_sentence and heard.repeats is not None
        leads = (
            following is not None
            and not following.begins_sentence
            and (":" in following.glue or nothing_yet or begins_anew)
        )
        if len(heard.counts) > 1 or (count is None and heard.repeats is None):
            heard.doubt("vague", clause.start, clause.end, "how often?")
        elif leads or (nothing_yet and heard.repeats):
            self.scope, self.times = len(self.steps), count
            if count is None and following is None:
                heard.doubt("nothing", clause.start, clause.end, "what is to be repeated?")
        elif count is None:
            heard.doubt("ambiguous", clause.start, clause.end, "how often? say: 3 times")
        else:
            self._so_far(heard, count)

    def _so_far(self, heard: Heard, count: Tag) -> None:
        """ ", four times": what stands before it is done so often."""
        clause = heard.clause
        if heard.repeats is not None and count.amount is not None and count.amount.value == 1:
            heard.doubt("ambiguous", clause.start, clause.end, "once more, or once in all?")
            return
        if not self.steps:  # a sentence of its own
            self.steps, self.found.steps = self.found.steps, []
        start = self.closed if self.closed is not None else self.scope or 0
        if not self.steps[start:]:
            heard.doubt("ambiguous", clause.start, clause.end, "what is to be done so often?")
        self._again(start, count)
        self.scope = self.closed = None

    def _count(self, heard: Heard, following: Clause | None) -> None:
        """The count of a clause that has a step of its own."""
        if heard.again is not None and heard.again.text not in _ONCE_MORE:
            heard.doubt("vague", heard.again.start, heard.again.end, "how often?")
        if not heard.counts:
            return
        count = heard.counts[-1]
        if len(heard.counts) > 1:
            heard.doubt("ambiguous", count.start, count.end, "two counts")
            return
        verbs = [tag.start for tag in heard.verbs]
        is_first = bool(verbs) and count.start < min(verbs)
        if is_first and self.scope is not None and heard.repeats is not None:
            self.times = count
            return
        counts_noun = count.amount is not None and count.amount.kind == "bare"
        joined = following is not None and not following.begins_sentence
        if is_first and joined and not counts_noun:
            heard.doubt("ambiguous", count.start, count.end, "is all that follows done so often?")
        start = self.scope if self.scope is not None else len(self.steps) - 1
        self._again(start, count)
        self.scope = None

    def _again(self, start: int, count: Tag) -> None:
        """Do the steps from `start` on as often as a count says."""
        assert count.amount is not None
        value, block = count.amount.value, self.steps[start:]
        if count.amount.flaw is not None:
            if not any(doubt.start == count.start for doubt in self.found.doubts):
                self._doubt(count.amount.flaw, count.start, count.end, count.amount.why)
            return
        if not float(value).is_integer():
            self._doubt("limit", count.start, count.end, "a whole number of times can be done")
        elif value < 1:
            self._doubt("limit", count.start, count.end, "nothing at all cannot be done")
            del self.steps[start:]
        elif len(block) == 1:
            self.steps[start:] = [self._counted(block[0], count, int(value))]
        elif len(block) * value > MOST:
            self._doubt("limit", count.start, count.end, f"more than {MOST} steps: done once")
        else:
            self.steps[start:] = block * int(value)

    def _counted(self, step: GoalStep, count: Tag, times: int) -> GoalStep:
        most = int(PARAMETERS["repeat"].high)
        times *= int(step.parameters.get("repeat", 1))
        if times > most:
            self._doubt("limit", count.start, count.end, f"repeat is 1 to {most}")
        return replace(step, parameters={**step.parameters, "repeat": min(times, most)})


_COMPLETING = ([","], [":"], ["–"], ["-"])
_ONCE_MORE = frozenset({"again", "once more", "one more time", "another time", "over again"})


def _kind(clause: Clause) -> DoubtKind:
    return "negated" if clause.fate == "negated" else "conditional"


def _is_time(heard: Heard) -> bool:
    """ "after 5 seconds": a wait."""
    kinds = [tag.amount.kind for tag in heard.amounts if tag.amount is not None]
    return kinds == ["s"] and not heard.says_action and not heard.aims


def _stays(heard: Heard, last: GoalStep) -> bool:
    """Whether a clause says how long to stay as one is: "sit and stay for 8 s"."""
    verbs = [tag.text.split()[0] for tag in heard.verbs if tag.value == "stand"]
    joined = set(heard.clause.glue) <= {"and", ","} and bool(heard.clause.glue)
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
