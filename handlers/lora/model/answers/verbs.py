"""Verbs of what no robot that only walks can do.

"Build a barrier at the entrance" stands as near to "take up a guard post at the entrance" as its
other wordings do, and "hug the visitor" to "greet the visitor": what is wrong is the verb alone.
So a piece that begins with a verb of handling things, of talking, of flying and the like is for
another machine, unless an example begins with that verb, or the piece says by which action of the
robot it is meant ("open the door with a kick").

The verbs go by the classes of Levin (English Verb Classes and Alternations, 1993) that ask for
hands, a voice, wings or an account. Left out is what people say of going, posing and looking, too:
"take", "hold", "clear", "sweep the room", "pick your way", "lift your paw".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from handlers.goals.words.vocabulary import sense_at
from handlers.lora.model.pieces import orders
from handlers.lora.model.text import Text

_TABLE = """
pick up; pick +; grab +; grasp; grip; clutch; seize; fetch; retrieve; carry +; bring +; deliver;
hand +; hand over; hand out; pass me the; lift +; raise +; lower +; hoist; heave; haul +; drag +;
tow; tug; pull +; push +; shove +; nudge +; press +; squeeze +; throw +; toss; hurl +; fling +;
lob; catch +; juggle; drop +; release +; load +; unload; stack; sort +; pack +; unpack; wrap;
unwrap; tie; untie; bind; fasten; unfasten; attach; detach; unhook; insert; remove; extract; put +;
place +; set +; lay +; scatter +; collect +; gather +; store; stow; tidy; arrange; rearrange; tip
over; knock over; tilt +; rotate + crate; move + crate; move + box; hold +;
open; close +; shut; lock; unlock; latch; unlatch; bolt +; seal; unseal; plug; unplug; screw;
unscrew; tighten; loosen +; turn on +; turn off +; turn up +; turn down +; turn + on; turn + off;
turn + up; turn + down; turn + key; turn + knob; turn + valve; turn + wheel; spin + wheel; switch
on; switch off; switch +; flip +; toggle; twist +; crank; wind +; rewind; activate; deactivate;
enable; disable; trigger; deploy; launch; detonate; defuse;
cut +; slice; chop; saw; carve; trim; drill; weld; solder; rivet; hammer; nail; glue; staple; sand
+; grind; sharpen; polish; paint; varnish; spray; plaster; shatter; crush; tear +; rip; bend +;
fold +; unfold; dig; bury; excavate; shovel; rake; plant +; sow; water +; mow; harvest; prune;
fertilise; fertilize; milk; shear; build; construct; erect; assemble; dismantle; disassemble;
demolish; repair; fix +; mend; replace; refuel; refill; fill; empty +; drain; pump; inflate;
deflate; light +; ignite; burn; extinguish; put out; block + with; barricade; hide;
clean; wash; wipe; scrub; rinse; mop; sweep up; sweep out; sweep + floor; sweep + floors; sweep +
path; sweep + leaves; sweep + carpet; vacuum; dust +; iron +; launder; clear + debris; clear +
rubble; clear + table; cook; bake; boil; fry; roast; grill; brew; stir; mix; blend; whisk; knead;
peel; pour; serve; toast; heat; eat; drink; lick; chew; bite; swallow; taste; smell; sniff; lap +;
feed; brush +; brush your; comb my; comb your; shave; dress; undress; wear;
bark; howl; growl; whine; whimper; yelp; snarl; roar; woof; meow; purr; whistle; sing; hum; speak;
talk; chat; whisper; shout; yell; scream; recite; read +; spell; translate; explain; describe;
summarise; summarize; introduce; ask; answer; reply; respond; apologise; apologize; thank; phone;
dial; text; email; mail; post +; write; type; sign +; print; draw +; sketch; draft; compose +;
doodle; wag; nod; shake your head; clap; blink; wink; smile; frown; laugh; cry; sneeze; cough;
knock on; knock at; ring; buzz; honk; blow; sound +;
record; film; photograph; stream; zoom; take a selfie; take a sample; take a measurement; take +
photo; take + picture; take + video; take photos; take pictures; take notes; play +; play music;
play with; play chess; play fetch; play ball; mute; unmute; download; upload; install; uninstall;
update; upgrade; reboot; restart +; reset +; calibrate; configure; connect; disconnect; pair; sync;
charge my; charge his; charge her; program +; code; debug; compile; compute; calculate; solve;
prove; count +; count to; measure; weigh; map +; google; search the web; book +; schedule; remind;
order +; buy; purchase; sell; pay; rent; hire; invest; vote; hack; convert; delete; copy; paste;
edit; proofread; label; stamp; file +; set an alarm; set a timer; think; dream; guess; imagine;
decide; choose; believe; learn; teach; coach; train +;
hug +; kiss; cuddle; pet +; stroke; tickle; slap; punch; hit +; beat +; kill the; kill him; kill
her; shoot +; stab; attack; fight; arrest; handcuff; capture; trap; escort; accompany; herd; marry;
follow me; follow him; follow her; follow them; follow us; follow + man; follow + woman; follow +
person; follow + child; steal; rob; bandage; inject; diagnose; massage; prescribe; knit; sew;
stitch; crochet; tune; make me; make us; make coffee; make tea; make breakfast; make lunch; make
dinner; make + bed; make + call; make + cake; make + phone; get me; get us;
fly; hover; soar; land; take flight; swim; dive in; dive into; dive for; float; row; surf; ski;
skate; paddle; parachute; teleport; levitate; drive me; drive us; drive him; drive her; drive +
car; drive + van; drive + truck; ride; steer +; pilot +; pedal; roll over; roll onto; roll on +;
somersault; cartwheel; backflip; do + backflip; do + flip; do + somersault; do + handstand; do +
headstand; do + cartwheel; do + splits; do + dishes; do + laundry; do + shopping; do + homework;
dance the; dance with; moonwalk; waltz; balance on; stand on one; stand on +; stand on your head;
stand on your hands; stand on your front; walk on your hands; walk on your front; hang from; swing
from; slide down; scratch; claw;
"""
_GOING = """
turn on the spot; turn off the path; turn off the road; turn off the track; grab a seat; grab a nap;
grab some rest; grab some sleep; catch a nap; catch some rest; catch some sleep; pull a; pull an;
hit the deck; hit the ground; hit the floor; hit the dirt; hit the hay; hit the sack; hit the road;
beat it; hold it; hold the position; hold this position; hold that position; hold the pose; hold
this pose; hold that pose; hold the line; hold this spot
"""
"""What is said of going and posing after all."""
_SPARED = tuple(tuple(phrase.split()) for phrase in _GOING.split(";"))
_DETERMINERS = frozenset(
    {"the", "a", "an", "this", "that", "these", "those", "my", "his", "her", "their", "our", "some"}
    | {"it", "them", "him", "me", "us"}
)
_BEFORE = frozenset({"filler", "finely", "tempo", "then", "and", "but"})
"""Roles of what may stand before the verb: "please", "carefully", "then"."""
_MEANS = frozenset({"by", "with"})
"""What names an action of the robot's own after them: "open the door with a kick"."""
LONGEST = 6
"""Words of an opening at most."""
_GAP = 3
"""Words between a verb and its other half at most: "turn the lights in here off"."""

_Pattern = tuple[str, ...]
_BY_VERB: dict[str, list[_Pattern]] = {}
for _phrase in _TABLE.split(";"):
    if _phrase.strip():
        _verb, *_rest = _phrase.split()
        for _form in (
            _verb,
            f"{_verb}ing",
            f"{_verb.removesuffix('e')}ing",
            f"{_verb}{_verb[-1]}ing",
        ):
            _BY_VERB.setdefault(_form, []).append((_form, *_rest))

FOREIGN_VERBS = frozenset(_BY_VERB)
"""All of them, in the forms that are looked for: none is a slip of a taught word."""


def openings_of(texts: Iterable[Text]) -> frozenset[tuple[str, ...]]:
    """The first words of the pieces of texts, from their verb on: one, two, up to LONGEST."""
    pieces = (piece for text in texts for way in orders(text) for piece in way)
    return frozenset(
        piece.words[start : start + length]
        for piece in pieces
        for start in starts(piece)[-1:]
        for length in range(1, LONGEST + 1)
    )


def beyond(piece: Text, taught: Collection[tuple[str, ...]]) -> str:
    """The words at the beginning of a piece that ask for what no walking robot can do; "" for none.

    `taught`: how the pieces of examples begin.
    """
    for start in starts(piece):
        rest = piece.words[start:]
        if any(rest[: len(spared)] == spared for spared in _SPARED):
            return ""
        for pattern in _BY_VERB.get(rest[0], ()):
            words = rest[: _length(pattern, rest)]
            plain = words[:1] if len(pattern) - ("+" in pattern) == 1 else words
            if words and plain not in taught and not _names_means(rest):
                return " ".join(words)
    return ""


def starts(piece: Text) -> list[int]:
    """Where the verb of a piece may be: at its beginning, or past what only leads up to it."""
    at, found = 0, []
    while at < len(piece.words):
        found.append(at)
        known = sense_at(piece.words, at)
        if known is None or known[0].role not in _BEFORE:
            break
        at = known[1]
    return found


def _length(pattern: _Pattern, words: Sequence[str]) -> int:
    """How many words a pattern takes from the first one on; 0 where it does not fit."""
    if "+" not in pattern:
        return len(pattern) * (tuple(words[: len(pattern)]) == pattern)
    at = pattern.index("+")
    after = pattern[at + 1 :]
    if tuple(words[:at]) != pattern[:at] or _DETERMINERS.isdisjoint(words[at : at + 1]):
        return 0
    if not after:
        return at + 1
    ends = (end for end in range(at + 1, at + 2 + _GAP) if tuple(words[end : end + 1]) == after)
    return next(ends, -1) + 1


def _names_means(words: Sequence[str]) -> bool:
    """Whether a piece says by which of the robot's actions: "by kicking it"."""
    at = next((at for at, word in enumerate(words) if word in _MEANS), len(words))
    senses = [sense_at(words, place) for place in range(at + 1, len(words))]
    return any(known is not None and known[0].role in ("order", "verb") for known in senses)
