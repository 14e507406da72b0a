"""The verbs that name actions, in all their forms.

A family is an action of the library, or one whose side or way other words tell: walk, turn, side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Verb(NamedTuple):
    """A verb's family, and whether it stands as an order ("walk") or not ("walking", "walks")."""

    family: str
    is_order: bool


_FAMILIES: dict[str, str] = {
    "walk": "walk; move; go; head; advance; march; proceed; step; travel; stroll; tread; progress;"
    "drive; wander; amble; transit; translate; nudge; go on; walk on; move on; get going;"
    "set off; walk along; continue;"
    "make your way; move up",
    "trot": "trot; run; jog; hurry; rush",
    "crawl": "crawl; low crawl; creep; squeeze; sneak; duck",
    "pace": "pace",
    "bound": "bound; gallop",
    "climb": "climb; mount; step up; step onto; step over; climb up; climb onto; climb over;"
    "go up the stairs; go up the steps; walk up the stairs; move up the stairs; go upstairs",
    "back": "back up; back off; back away; back out; reverse; retreat; withdraw; backtrack;"
    "back; move in reverse; go in reverse; walk in reverse; drive in reverse",
    "turn": "turn; rotate; pivot; swivel; slew; revolve; yaw; veer; swing; bear; hang; spin; twist;"
    "turn yourself; rotate yourself",
    "turn around": "turn around; turn round; turn about; about turn; about face; u turn;"
    "do a u turn; make a u turn; face the other way; face backwards; face backward;"
    "turn yourself around; turn to face the other way; turn the other way; turn all the way around;"
    "turn behind",
    "whirl": "spin around; spin round; rotate around; pivot around; whirl; twirl; spin about",
    "face": "face",
    "side": "side step; sidestep; strafe; shuffle; crab; shift; slide; scoot; sidle; step sideways;"
    "move sideways; walk sideways; go sideways; step to the side; dodge; shuffle sideways;"
    "shift sideways; crab walk; step aside; move laterally",
    "stand_up": "stand up; get up; rise; arise; get to your feet; get on your feet; get back up;"
    "stand yourself up; rise up; stand back up",
    "stand": "stand; wait; stop; hold; stay; pause; halt; dwell; loiter; linger; hold station;"
    "freeze; remain; stand still; hold still;"
    "stay still; stay put; stay there; stay here;"
    "stand fast; hold fast; hold it; hold it there; hold it right there;"
    "stay where you are; stop where you are; hold position; hold your position;"
    "stand by; remain still; keep still; come to a stop; come to a halt; remain standing;"
    "keep standing; stay standing; wait there; wait here; hold on; hang on; stop there;"
    " do nothing; stand there; keep your position",
    "sit": "sit; sit down; take a seat; be seated; stay seated; remain seated; sit yourself down;"
    "stay sitting; keep sitting; remain sitting",
    "lie_down": "lie; lie down; lay down; lay; rest; take a rest; lay yourself down; lie flat;"
    "go prone; get prone; lie prone;"
    "assume prone position; assume a prone position;"
    "stay lying; stay lying down",
    "jump": "jump; hop; leap; jump up",
    "rear_up": "rear up; rear; stand on your hind legs; stand on hind legs; get on your hind legs",
    "rear_kick": "kick; rear kick; kick back; kick backward; kick backwards",
    "shake_hand": "shake; shake hands; shake a hand; shake hand; wave; greet; handshake;"
    "give a handshake; offer a handshake; offer your paw; give paw; give me your paw; give a paw;"
    "give us your paw; give me a paw; give us a paw; offer a paw;"
    "shake paws; shake my hand; shake a paw; shake my paw; shake his hand; shake her hand;"
    "shake their hands; say hello; say hi",
    "crouch": "crouch; crouch down",
    "lift_left_hand": "lift your left hand; raise your left hand; lift left hand; raise left hand",
    "lift_right_hand": "lift your right hand; raise your right hand; lift right hand;"
    "raise right hand",
}
ORDERED = ("walk", "trot", "crawl", "pace", "bound", "climb", "back")
"""Families that travel forward or backward."""

_DOUBLED = frozenset({"trot", "jog", "run", "hop", "sit", "stop", "step", "spin", "get", "set"})
_IRREGULAR = {
    "run": ("ran",), "stand": ("stood",), "go": ("went", "gone"), "sit": ("sat",),
    "lie": ("lying", "lain"), "lay": ("laid",), "creep": ("crept",), "leap": ("leapt",),
    "spin": ("spun",), "swing": ("swung",), "hold": ("held",), "get": ("got",), "set": ("set",),
    "hang": ("hung",), "rise": ("rose", "risen"), "arise": ("arose",), "swivel": ("swivelling",),
    "make": ("made",), "take": ("took",), "do": ("did", "does", "doing"), "keep": ("kept",),
    "be": ("being", "been"), "give": ("gave",), "say": ("said",), "slide": ("slid",),
    "tread": ("trod",), "drive": ("drove", "driven"), "withdraw": ("withdrew",),
    "shake": ("shook",), "travel": ("travelling", "travelled"),
}  # fmt: skip


def _is_past(word: str, form: str) -> bool:
    """Whether a form tells what was done: "walked", "sat", but not "walks" or "walking"."""
    return form.endswith("ed") or (form in _IRREGULAR.get(word, ()) and form not in _PRESENT)


_PRESENT = frozenset({"lying", "swivelling", "does", "doing", "being", "travelling"})


def _forms(word: str) -> Iterator[str]:
    """The forms of a verb that are no order."""
    yield from _IRREGULAR.get(word, ())
    if word.endswith("e") and word not in ("be", "lie"):
        yield from (f"{word}s", f"{word[:-1]}ing", f"{word}d")
    elif word.endswith("y") and word[-2] not in "aeiou":
        yield from (f"{word[:-1]}ies", f"{word}ing", f"{word[:-1]}ied")
    else:
        root = word + word[-1] if word in _DOUBLED else word
        yield from (f"{word}{'es' if word.endswith(('s', 'sh', 'ch', 'x')) else 's'}",
                    f"{root}ing", f"{root}ed")  # fmt: skip
    if word == "go":
        yield "goes"


def _all() -> Iterator[tuple[tuple[str, ...], Verb]]:
    for family, phrases in _FAMILIES.items():
        for phrase in phrases.split(";"):
            first, *rest = phrase.split()
            yield (first, *rest), Verb(family, True)
            for form in _forms(first):
                yield (form, *rest), Verb(family, False)


VERBS: dict[tuple[str, ...], Verb] = {}
PAST = frozenset(
    form
    for phrases in _FAMILIES.values()
    for first in {phrase.split()[0] for phrase in phrases.split(";")}
    for form in _forms(first)
    if _is_past(first, form)
)
"""Forms that tell what was done, and ask for nothing unless "after" or "once" goes before."""
for _words, _verb in _all():
    if _words not in VERBS or _verb.is_order:
        VERBS[_words] = _verb
