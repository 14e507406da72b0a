"""An "until" that says where something taught ends, and is no condition.

"Trot on until you reach the route" is another wording of "trot on to the route": what follows the
"until" is by itself like what was taught of that. Of "walk forward until the door opens" no example
says anything of a door, and nobody looks at it.
"""

from __future__ import annotations

from handlers.goals.reading import read_goal
from handlers.lora.model.answers.doubts import WITHHELD
from handlers.lora.model.answers.matching import Match, Matcher
from handlers.lora.model.text import Text

UNTIL = "until"
LIKE = 0.45
"""The least cosine of what follows it to an example. Of a dozen goals tried, those that say where
something ends had .50 and more, conditions .40 and less.
"""


def ends_as_taught(matcher: Matcher, match: Match) -> bool:
    """Whether a piece with an "until" was taken for what examples say that end where it says."""
    words = match.text.words
    if UNTIL not in words[1:-1] or match.is_sure or not match.entry.goal:
        return False
    if any(doubt.kind in WITHHELD for doubt in read_goal(match.text.written, aimed=True).doubts):
        return False  # something else is forbidden, or hangs on something
    at = words.index(UNTIL) + 1
    before = sum(word.startswith("#") for word in words[:at])
    plan, likeness = matcher.nearest_taught(Text(words[at:], match.text.quantities[before:]))
    return plan == match.entry.plan and likeness >= LIKE
