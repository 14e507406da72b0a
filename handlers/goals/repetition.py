"""What is done again: "twice", "three times", "repeat 4 times: ...", brackets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from handlers.goals.clause import Heard
from handlers.goals.clauses import Clause, Tag
from handlers.goals.doubts import Doubt, DoubtKind
from handlers.goals.steps import GoalStep
from handlers.project.library import PARAMETERS

MOST = 64
"""Steps that a repetition may come to; one that would come to more is a doubt."""
_ONCE_MORE = frozenset({"again", "once more", "one more time", "another time", "over again"})
_ONCE_IS_ENOUGH = frozenset({"stand", "stand_up", "sit", "lie_down"})
"""Done twice in a row these change nothing: "sit and stand up twice" may mean both."""


@dataclass(slots=True)
class Sequenced:
    """Steps in order, the doubts, and whether a clause says what for ("find the survivor")."""

    steps: list[GoalStep] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    aims: bool = False


def says_only_how_often(heard: Heard) -> bool:
    """Whether a clause speaks of other clauses' steps: ", four times", "repeat that twice"."""
    says_when = heard.counts or heard.repeats or heard.again
    return bool(says_when) and not (heard.says_action or heard.amounts or heard.aims)


def _is_counted(step: GoalStep) -> bool:
    return step.parameters.get("repeat", 1) > 1


class Draft:
    """The steps of one sentence as they come, and how often which of them are done."""

    def __init__(self, found: Sequenced, goal: str) -> None:
        self.found, self.goal = found, goal
        self.steps: list[GoalStep] = []
        self._scope: int | None = None  # where what is to be repeated begins
        self._times: Tag | None = None  # how often the rest of the sentence is done
        self._brackets: list[int] = []
        self._closed: int | None = None  # where the bracket began that was closed last

    def doubt(self, kind: DoubtKind, start: int, end: int, why: str) -> None:
        self.found.doubts.append(Doubt(kind, self.goal[start:end], start, end, why))

    def open(self, times: int) -> None:
        self._brackets += [len(self.steps)] * times

    def close(self, times: int) -> None:
        for _ in range(times):
            begun = self._brackets.pop() if self._brackets else None
            holds_steps = begun is not None and begun < len(self.steps)
            self._closed = begun if holds_steps else None

    def begin_scope(self) -> None:
        """What follows is to be repeated."""
        self._scope = len(self.steps)

    def finish(self, start: int, end: int) -> None:
        """The sentence is over; `start`, `end`: where it stands."""
        if self._times is not None:
            self._again(self._scope or 0, self._times)
        elif self._scope is not None and self._scope < len(self.steps):
            self.doubt("ambiguous", start, end, "how often?")
        self.found.steps += self.steps

    def repeat(self, heard: Heard, following: Clause | None) -> None:
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
            self._scope, self._times = len(self.steps), count
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
        start = self._closed if self._closed is not None else self._scope or 0
        if self._closed is None and [*map(_is_counted, self.steps[start:])] == [True]:
            heard.doubt("ambiguous", clause.start, clause.end, "two counts of one thing")
            return
        if not self.steps[start:]:
            heard.doubt("ambiguous", clause.start, clause.end, "what is to be done so often?")
        self._again(start, count)
        self._scope = self._closed = None

    def count(self, heard: Heard, following: Clause | None) -> None:
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
        if is_first and self._scope is not None and heard.repeats is not None:
            self._times = count
            return
        counts_noun = count.amount is not None and count.amount.kind == "bare"
        joined = following is not None and not following.begins_sentence
        if is_first and joined and not counts_noun:
            heard.doubt("ambiguous", count.start, count.end, "is all that follows done so often?")
        start = self._scope if self._scope is not None else len(self.steps) - 1
        if 0 < start < len(self.steps) and self.steps[start].action in _ONCE_IS_ENOUGH:
            heard.doubt("ambiguous", count.start, count.end, "this alone, or all before it too?")
        self._again(start, count)
        self._scope = None

    def _again(self, start: int, count: Tag) -> None:
        """Do the steps from `start` on as often as a count says."""
        assert count.amount is not None
        value, block = count.amount.value, self.steps[start:]
        if count.amount.flaw == "range":
            self.doubt("range", count.start, count.end, count.amount.why)
        elif count.amount.flaw is not None:
            if not any(doubt.start == count.start for doubt in self.found.doubts):
                self.doubt(count.amount.flaw, count.start, count.end, count.amount.why)
            return
        if not float(value).is_integer():
            self.doubt("limit", count.start, count.end, "a whole number of times can be done")
        elif value < 1:
            self.doubt("limit", count.start, count.end, "nothing at all cannot be done")
            del self.steps[start:]
        elif len(block) == 1:
            self.steps[start:] = [self._counted(block[0], count, int(value))]
        elif len(block) * value > MOST:
            self.doubt("limit", count.start, count.end, f"more than {MOST} steps: done once")
        else:
            self.steps[start:] = block * int(value)

    def _counted(self, step: GoalStep, count: Tag, times: int) -> GoalStep:
        most = int(PARAMETERS["repeat"].high)
        times *= int(step.parameters.get("repeat", 1))
        if times > most:
            self.doubt("limit", count.start, count.end, f"repeat is 1 to {most}")
        return replace(step, parameters={**step.parameters, "repeat": min(times, most)})
