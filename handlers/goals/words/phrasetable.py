"""The phrases of goals by what they are for, besides the verbs that name actions.

A line that ends in a colon begins a role (see vocabulary.Role), with a value where it has one; the
phrases after it, apart by semicolons, are of that role. What holds of "left" holds of "right", and
is written once. A line that begins with # says what the phrases after it have in common.
"""

TABLE = """
# -- which way --
side left:
left; leftward; leftwards; lefthand; left hand; left side; to left; on left; to the left; to your
left; on the left; on your left; toward the left; towards the left; over to the left; to the left
side; on the left side; to your left side; over to the left side; to the left hand side; in left
direction; in the left direction
side left:
l; lft; port; to port; port side; to the port side
side right:
r; rt; starboard; to starboard; starboard side; to the starboard side
side left:
counter clockwise; counterclockwise; anti clockwise; anticlockwise; ccw; in counterclockwise
direction
side right:
clockwise; cw; in clockwise direction
way forward:
forward; forwards; ahead; straight; straight ahead; straight forward; straight on; onward; onwards;
further ahead; in front; to the front; frontwards; in a straight line; in straight line; in the
forward direction; in forward direction; forth; fwd
way backward:
backward; backwards; back; straight back; rearward; rearwards; in reverse; to the rear; to the back;
in the backward direction; in backward direction; in the back direction; in back direction; bkwd;
bwd
sideways:
sideways; sidewards; laterally; to the side; to one side
compass:
north; south; east; west; northeast; northwest; southeast; southwest; north east; north west; south
east; south west; northward; southward; eastward; westward; northwards; southwards; eastwards;
westwards; to the north; to the south; to the east; to the west
# directions of a map, a clock or a slope
compass:
o'clock; oclock; diagonally; diagonal; uphill; downhill; upward; upwards; downward; downwards;
heading of; a heading of; to heading; to a heading of; bearing of; a bearing of; a bearing; azimuth;
azimuth of; in the opposite direction; in opposite direction; the opposite way; in the other
direction;
the other way
# a turn has a precise way; what travels has none, and goes as it does
finely:
precision; precise; precisely; with precision; carefully; careful; a careful; careful turn; in a
careful way; with care; with caution; cautiously; fine; a fine; finely

# -- in which gait --
gait crawl:
in a crawl; at a crawl; with a crawl; by crawling; in crawl gait; in a crouch
gait trot:
at a trot; in a trot; with a trot; by trotting; at a run; at a jog; in trot gait
gait pace:
at a pace; in a pace; by pacing; in pace gait
gait bound:
in bounds; in a bound; by bounding; at a gallop; in bound gait
gait walk:
at a walk; by walking; on foot; in walking gait; at walking pace

# -- what for, and where --
aim:
find; search; search for; searching; look; look for; looking for; look around; look around for; look
out for; look behind; look under; look over; peek; seek; locate; spot; identify; detect; discover;
finding; see; watch; keep watch; observe; survey; scan; scanning; inspect; examine; check; explore;
patrol; guard
aim:
reach; reaching; enter; entering; leave; leaving; exit; cross; crossing; traverse; pass; clear;
approach; visit; meet; touch; follow; rejoin; arrive; arrive at; return; return to; come; come to;
come back; come back down; come back up; come here; go to; go back to; walk back to; head back to;
back home; go back home; walk back home; head back; head back home; back down; go back down; walk
back down; go back inside; walk back inside; go back in; walk back in; go back out; walk back out;
go back outside; walk back outside; go back through; walk back through; get back on; get back in;
go back up the; walk back up the; walk back up; home; get; get to; get into;
get out; get away; get close; get closer; get near; navigate; navigate to; proceed to; continue to;
make it; make contact; make your way to; make your way through; take position; take up position
# what a signal does, where the robot has one
aim report:
report; reports; reporting; report that; report in; report back; radio; radios; radioing; signal;
signals; signal that; signaling; signalling; announce; announces; announcing; call; call out; tell;
let me know; let us know; confirm; alert; alerts; alerting; notify; notifies; notifying
aim:
bring; fetch; rescue; complete; finish; end; end up; begin; continue
with; proceed with
measure:
for; by; at; of; @; for the time of; for a time of; for the duration of
place:
to; toward; towards; into; onto; through; across; over; under; underneath; beneath; past; around;
round; behind; near; close to; next to; beside; from; out of; away; away from; up to; as far as; all
the way to; off; between; beyond; inside; outside; against; up; down; up the; down the; in front of;
back to; back into; back from; over to; down to; out to; out into; where; to where; within; left of;
on the left of; to the left of; on the left side of; on its left; to its left; on its left side;
past its left; by its left
# what a place is told by; the phase's success_when knows when
place:
when you reach; once you reach; after you reach; until you reach it; after you after reach; when you
get to; when you arrive at; upon reaching; on reaching
context:
on; in; along; upon; amid; among; amongst; above; below; during
# where anybody walks: it tells no other place
context ground:
on the ground; on the floor; on the grass; on flat ground; on even ground; on the flat; on the
level;
along the ground; along the floor; on the way; along the way; in the hall; in the room;
on your feet; on all fours; on four legs

# -- how --
company:
with; like; as; as if; as though; via; per; in a; in an; using
manner:
keeping; keep balance; keep your balance; keep balanced; keep steady; keep level; keep low; keep
upright; keep going; keep moving; keep to; keep clear; keep away; keep out; keep an eye; keep your
eyes; keep your head; while keeping; staying; while staying; stay upright; stay balanced; stay low;
stay steady; stay safe; stay close; stay inside; stay within; stay away; stay clear; stay clear of;
stay on your feet; remaining upright; while remaining; maintain; maintaining; while maintaining;
balance; balancing; while balancing; holding steady; while holding
manner:
without; avoid; avoiding; while avoiding; picking; while picking; mind; minding; while minding;
watching; while watching; while looking; while searching; while scanning; while being; watch your
step; be careful; being careful; take care; taking care; while taking care; make sure; making sure;
while making sure; ensure; ensuring
manner:
so; so that; so as to; such that; in order to; because; since
# what is not to be met on the way says how, as "without touching it" does
manner:
touching nothing; touching neither; touching nobody; touching no one; touch nothing; touch neither;
touch nobody; touch no one; hitting nothing; hitting neither; hitting nobody; hitting no one; hit
nothing; hit neither; hit nobody; hit no one; bumping into nothing; bump into nothing; knocking
nothing over; knock nothing over; breaking nothing; break nothing; disturbing nothing; disturbing
nobody; disturbing no one; disturb nothing; disturb nobody; disturb no one; harming nothing; harming
nobody; harming no one; harm nothing; harm nobody; harm no one; doing no harm; do no harm; do them
no harm; do it no harm
# said of a place that was named before
manner:
when you reach it; when you reach them; once you reach it; when you get there; once you get there;
when you arrive; once you arrive; when you are there; when you're there; once you are there; once
you're there; upon arrival; on arrival; when there; once there; once inside

# -- whether --
not:
not; don't; dont; do not; do n't; doesn't; didn't; never; no; nor; neither; none; nothing; cannot;
can't; cant; couldn't; shouldn't; should not; shan't; must not; mustn't; won't; will not; wouldn't;
isn't; aren't; ain't; no more; no longer; no need to; not to; refrain; refrain from; avoid turning;
prevent; forbid; forget; forget about; skip; cancel; ignore; abort; undo; lest; stop short of;
except; except for; all but; anything but; everything but; anywhere but; any way but; any direction
but; every direction but
# after what is meant: "sitting is forbidden"
not back:
forbidden; prohibited; banned; not allowed; not permitted; not wanted; not needed; unwanted;
unnecessary; off limits; out of the question; wrong; bad; a bad idea; not a good idea; dangerous
instead:
instead of; rather than; in place of; in lieu of; as opposed to; over against
if:
if; if not; only if; even if; if and only if; unless; when; whenever; wherever; whether; in case; in
the event; in which case; provided; providing; assuming; suppose; given that; depending on; on
condition that; as long as; so long as; should you; every time; each time; any time; anytime; the
moment; the minute; the instant; once the; once a; once an; once it; once he; once she; once they;
once we; once your; once my
# not now, and nobody says when
if:
later; later on; tomorrow; tonight; soon; some day; someday; one day; next time; not now; not yet;
not today
while:
while; whilst; as you; meanwhile; at the same time; simultaneously; as long
until:
until; till; til; til you; up until; for as long as
else:
else; otherwise; or else; if not then; failing that

# -- in which order, and how often --
after:
after; after to; after the; after you; after you've; after you have; after having; after doing;
after that;
after that you; after you are done; after it has; following
before:
before; before to; before you; before the; before doing; by the time
then:
then; and then; & then; next; and next; afterwards; and afterwards; and after; and later; then
later; subsequently; thereafter; followed by; and followed by; which is followed by; plus then;
finally; and finally; before finally; last; lastly; and lastly; at the end; in the end
and:
and; and also; and to; plus; &; +; n; as well as; along with
or:
or; and or; and/or; or maybe; or perhaps; or rather; or even; either; alternatively; perhaps; maybe;
possibly; preferably; optionally; any
but:
but; but rather; but instead; only; only then; just; however; instead; though; although; rather
repeat:
repeat; repeat it; repeat this; repeat that; repeat these; repeat them; repeat both; repeat all;
repeat all this; repeat all that; repeat all of this; repeat all of that; repeat everything; repeat
the following; repeat the above; repeat these steps; repeat those steps; repeat the sequence; repeat
this sequence; repeat that sequence; repeat the whole sequence; repeat the whole thing; repeating;
loop; in a loop; iterate
repeat:
do it; do so; do this; do that; do both; do the same; do everything; do all this; do all that; do
all of this; do all of that; do the following; do these steps; do this sequence; do the whole thing;
all this; all that; all of this; all of that; the following; the whole thing; the whole sequence;
execute this; execute the following; perform this; perform this sequence; perform the following
again:
again; and again; again and again; once more; one more time; another time; over again; all over
again; over and over; do it again; do that again; do this again; repeatedly; continuously; forever;
indefinitely; endlessly; nonstop; non stop

# -- how much, said vaguely --
vague:
a few; few; a few more; fewer; several; some; many; most; much; less; enough; a number of; a couple;
a handful; a bunch; dozens; dozens of; hundreds; hundreds of; double; triple; twice; half; halfway;
half way; third; quarter; a bit; bit; a tiny bit; a good bit; a fair bit; a little; little; a little
bit; slightly; somewhat; partially; partly; a tad; a touch; a lot; lots; tiny; small; a small amount
vague:
whole stair; whole stairs; whole staircase; whole stairway; whole flight; entire stairs; entire
staircase; entire stairway; entire flight; all the stairs; all the steps; all the way; all the way
up; all the way up the stairs; all the way upstairs;
far; short; long; a long way; a short way; a short distance; some distance; as far as possible; as
far as you can
# ways that have no end of their own
vague:
back and forth; forth and back; to and fro; there and back; in circles; in a circle; in a square; in
zigzag; in a zigzag; zigzag; zig
zag; on and on; go on and on; walk on and on;  go back and forth; walk back and forth;
move back and forth; run back and forth; step back and forth; go there and back; walk there and back
vague:
a while; a little while; a short while; for a while; for a bit; a moment; for a moment; briefly; for
long; for some time; for a short time; for a long time
bound:
at least; at least of; at the least; no less than; not less than; more than; greater than; just
over; well over;
a little over; a bit more than; slightly more than; a little more than; minimum; a minimum of;
minimally; >; ≥
bound:
at most; at most of; at the most; no more than; not more than; less than; fewer than; not over; not
exceeding;
almost; nearly; just under; just short of; a little under; a bit less than; slightly less than; a
little less than; maximum; a maximum of; max; maximally; <; ≤

# -- words that change nothing --
filler:
please; pls; plz; kindly; please do; then please; and please; if you please; if it please you; so
kind; be so kind and; be so kind as to; thanks; thank you; thank you very much; thank you so much;
thanks a lot; many thanks; much appreciated; cheers; ta; thx; would be great; hey; hi; ok; okay;
yes; sure; well; alright; all right; alrighty; sir; me; us; we; i; it; you; your; yourself; everyone
# not the way that "go on" is
filler:
go on ,; go on !; go on then; come on; come on ,; come on !; come on then
filler:
could you; could you please; can you; can you please; would you; would you please; would you mind;
do you mind; will you; you can; you should; you must; you have to; you need to; i want you to; i
need you to; i would like you to; i'd like you to; let's; let us; would; should; shall; can; could;
must; has to; needs to; need; ought to; want to; like to; try; try to; to do; remember to; be sure
to; make sure to; go ahead and; go and; come and; it is time to; if possible; if you can; if you
could; if you would; if you like; if you don't mind; when you can; once you can; when ready; when
you are ready; when you're ready; whenever you are ready; in your own time; for me; to my
filler:
robot; robot please; the robot; good dog; boy; good boy; buddy; fido; rex; cadenza; goal; task;
order; command; mission
# talk
filler:
uh; um; er; erm; hmm; oh; say; great ,; great !; great .; that's great; that's good; that's nice;
well done; nice job;
good job;
nice work; good work; be good; be a good boy; be a good dog; be a good girl; good girl; do me a
favour;
do me a favor; do me a favour and; do me a favor and; why don't you; why not; how about you
# "I'd love it if you'd sit"
filler:
i'd love it if you; i'd love it if you'd; i would love it if you; i'd like it if you; i'd like it if
you'd;
i would like it if you; it would be nice if you; it'd be nice if you; it would be great if you; it'd
be
great if you; it would be good if you; i'd appreciate it if you; i'd be grateful if you; be great if
you
filler:
now; immediately; at once; right away; straight away; here; there; in place; on the
spot; the spot; right there; right here; first; at first; firstly; secondly; thirdly; the next;
also; as well; further; more; another;
extra; additional; additionally; start; starts; starting; start with; start by; start to; begin by;
begin to; keep; keep on; set
filler:
do; does; did; make; perform; take; give; give me; execute; carry out; have; has; are; is; been
word:
skip over; skip across; skip past; skip along
# a question is no order
word:
do you; did you; does it; did it; have you; are you; how do; how do you; how did; why; why do; why
do you; why did; why did you
# how near to the number
filler:
exactly; approximately; approx; roughly; circa; ca; about; for about; by about; or so; ish; ~; ≈;
total; in total; a total of; altogether; in a row; worth
filler:
distance; a distance of; the distance of; for a distance of; over a distance of; length; angle; an
angle of; by an angle of; through an angle of; time; duration; a duration of; a period of; in the
direction; in direction; in steps; speed; gait; the pace gait; walk mode
# how fast (handlers/goals/tempo.py)
tempo slow:
slowly; slow; slower; nice and slow; slowly and carefully; at a slow pace; at slow speed; at low
speed; unhurriedly; leisurely; without hurry; without haste
tempo fast:
quickly; quick; quickly now; fast; faster; swiftly; rapidly; speedily; briskly; hurriedly; in a
hurry; in haste; at a fast pace; at a quick pace; at a brisk pace; at high speed
vague:
very slowly; very slow; very quickly; very fast; too slowly; too fast; as slowly as possible; as
slowly as you can; as fast as possible; as fast as you can; as quickly as possible; as quickly as
you can
filler:
at normal speed; at a normal pace; at your own pace; normally; as usual; gently; steadily; smoothly;
safely; quietly; calmly; simply; directly; hard; sharp; sharply; sharp turn; nice; perfectly;
completely; entirely; fully; full; whole; quite; very; too; somehow
article:
the; a; an; its; their; his; her; my; our; this; that; these; those; each; every; all
object climb:
stair; stairs; staircase; stairway; stair step; stair steps; ledge; curb; kerb; flight
open:
(; [
close:
); ]
"""
