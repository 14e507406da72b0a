"""The phrases of goals by what they are for, besides the verbs that name actions.

A line that ends in a colon begins a role (see vocabulary.Role), with a value where it has one; the
phrases after it, apart by semicolons, are of that role.
"""

TABLE = """
side left:
left; to the left; to your left; on the left; on your left; leftwards; leftward; towards the
left; toward the left; to the left side; to the left hand side; left hand; counter clockwise;
counterclockwise; anti clockwise; anticlockwise; ccw; lefthand; to left; on left; to your left
side; over to the left; over to the left side; left side; in the left direction; in
counterclockwise direction; on the left side; in left direction
side right:
right; to the right; to your right; on the right; on your right; rightwards; rightward; towards
the right; toward the right; to the right side; right side; to the right hand side; right hand;
clockwise; cw; righthand; to right; on right; to your right side; over to the right; over to the
right side; in the right direction; in clockwise direction; on the right side; in right
direction
way forward:
forward; forwards; ahead; straight; straight ahead; straight forward; onward; onwards; straight
on; in front; to the front; further ahead; frontwards; in a straight line; in straight line; in
the forward direction; in forward direction; forth; fwd
way backward:
backward; backwards; back; rearward; rearwards; in reverse; to the rear; to the back; in the
backward direction; in backward direction; bkwd; bwd; straight back
sideways:
sideways; laterally; sidewards; to the side; to one side
gait crawl:
in a crawl; at a crawl; by crawling; in crawl gait; with a crawl; in a crouch
gait trot:
at a trot; in a trot; by trotting; at a run; at a jog; in trot gait; with a trot
gait pace:
at a pace; in a pace; by pacing; in pace gait
gait bound:
in bounds; by bounding; at a gallop; in a bound; in bound gait
gait walk:
at a walk; by walking; on foot; in walking gait; at walking pace
aim:
reach; enter; find; search; look for; look around for; look around; look out for; scan; see;
locate; look; cross; leave; exit; get; get to; get into; get out; get away; arrive; return;
come; explore; inspect; approach; visit; follow; patrol; check; examine; report; radio; signal;
announce; call; call out; seek; spot; identify; detect; discover; watch; observe; survey; go to;
come to; return to; go back to; walk back to; head back to; come back; come here; pass;
traverse; make it; bring; fetch; guard; complete; finish; navigate; navigate to; rescue; make
your way to; make your way through; continue to; search for; reaching; entering; finding;
searching; scanning; crossing; leaving; looking for; begin; end; end up; arrive at; signal that;
report that; tell; let me know; let us know; confirm; alert; notify; rejoin; clear; continue
with; proceed to; proceed with; make contact; take position; take up position; home; meet;
touch; get close; get closer; get near; keep watch; look behind; look under; look over; peek
measure:
for; by; at; of
place:
to; toward; towards; into; onto; through; across; over; under; underneath; beneath; past;
around; round; behind; near; close to; next to; beside; from; out of; away from; up to; as far
as; all the way to; off; between; beyond; inside; outside; against; up; down; in front of; back
to; over to; down to; out to; out into; back into; up the; down the; back from; away; to where;
where; within; when you reach; once you reach; after you reach; when you get to; when you arrive
at; upon reaching; on reaching; until you reach it; after you after reach; on its left; to its
left; on its left side; on the left of; to the left of; on the left side of; past its left; by
its left; on its right; to its right; on its right side; on the right of; to the right of; on
the right side of; past its right; by its right; left of; right of
context:
on; in; along; upon; amid; among; amongst; above; below; during
company:
with; like; as; via; per; in a; in an; using
manner:
without; keeping; keep your balance; keep balance; keep balanced; keep steady; keep level; keep
low; keep upright; staying; stay on your feet; stay upright; stay balanced; stay low; stay
steady; stay safe; maintaining; maintain; avoid; avoiding; picking; while keeping; while
staying; while maintaining; while avoiding; watching; making sure; make sure; be careful; taking
care; take care; being careful; remaining upright; while remaining; while picking; while being;
while watching; while taking care; while making sure; ensuring; ensure; so that; so as to;
because; since; watch your step; mind; minding; holding steady; while balancing; balancing;
balance; in order to; keep an eye; keep your eyes; such that; while holding; while minding;
while looking; while searching; while scanning; when you reach it; when you get there; when you
arrive; when you are there; once you arrive; upon arrival; on arrival; once there; when there;
when you're there; once you are there; once you get there; once you reach it; when you reach
them; once inside; once you're there; keep your head; keep going; keep moving; keep to; stay
close; stay inside; stay within; stay clear; stay away; stay clear of; keep clear; keep away;
keep out; so
not:
not; don't; dont; do not; never; no; nor; neither; cannot; can't; cant; shouldn't; should not;
must not; mustn't; won't; will not; do n't; refrain; refrain from; doesn't; isn't; aren't; avoid
turning; nothing; none; except; except for; no longer; no more; forbid; forbidden; not allowed;
stop short of; skip; cancel; ignore; forget; forget about; didn't; wouldn't; couldn't; no need
to; not to; shan't; ain't; abort; undo; prevent; lest
instead:
instead of; rather than; in place of; in lieu of; as opposed to; over against
if:
if; unless; when; whenever; in case; provided; providing; assuming; only if; as long as; so long
as; should you; even if; depending on; suppose; in the event; once it; if and only if; given
that; in which case; wherever; if not; whether
while:
while; whilst; as you; meanwhile; at the same time; simultaneously; as long
until:
until; till; til; til you; up until; for as long as
else:
else; otherwise; or else; if not then; failing that
after:
after; after you; after you've; after you have; after having; after that you; after doing; after
the; after you are done; after it has; following; after that
before:
before; before you; before the; before doing; by the time
then:
then; and then; next; afterwards; finally; lastly; followed by; subsequently; later; & then; and
next; and finally; and lastly; thereafter; at the end; in the end; last; and afterwards; and
after; plus then; before finally; which is followed by; and followed by
and:
and; plus; &; as well as; and also; along with; +; n; and to
or:
or; and or; either; alternatively; or maybe; or perhaps; perhaps; maybe; possibly; preferably;
optionally; any; or rather; and/or; or even
but:
but; only; just; however; instead; though; although; but rather; but instead; rather; only then
repeat:
repeat; repeat this; repeat that; repeat it; do this; do that; do it; do so; repeat the
following; repeat these steps; repeat those steps; repeat all; repeat all of this; do the
following; repeat the sequence; repeat the whole thing; do these steps; do all of this; do all
of that; repeat all of that; repeat the above; do all this; all of this; all of that; repeat
everything; do the same; repeat the whole sequence; repeat both; the whole thing; repeat these;
repeat them; repeat this sequence; repeat that sequence; all this; perform the following;
repeating; loop; do both; repeat all that; repeat all this; in a loop; the following; do
everything; do the whole thing; do this sequence; iterate; execute this; execute the following;
perform this; perform this sequence; the whole sequence
again:
again; once more; one more time; another time; over again; over and over; do it again; do that
again; do this again; and again; again and again; repeatedly; forever; continuously; all over
again; indefinitely; nonstop; non stop; endlessly
vague:
a few; few; several; some; a bit; a little; a little bit; slightly; a lot; lots; far; a while;
for a while; a moment; for a moment; briefly; for a bit; a short distance; a short way; some
distance; a long way; many; dozens; dozens of; hundreds; hundreds of; a bunch; much; a tad; for
some time; for long; a short while; short; long; a touch; a little while; a fair bit; a small
amount; a number of; as far as possible; as far as you can; double; triple; half; halfway; half
way; a good bit; little; bit; tiny; small; most; less; fewer; quarter; third; a handful; a few
more; twice; somewhat; partially; partly; a tiny bit; for a short time; for a long time; a
couple; enough
bound:
at least; at most; no more than; not more than; more than; less than; no less than; not less
than; at the most; at the least; maximum; minimum; max; maximally; minimally; fewer than; a
maximum of; a minimum of; almost; nearly; just over; just under; greater than; not over; <; >;
≤; ≥; a bit more than; a bit less than; slightly more than; slightly less than; a little more
than; a little less than; not exceeding; just short of; a little over; a little under; well over
compass:
north; south; east; west; northeast; northwest; southeast; southwest; northward; southward;
eastward; westward; northwards; southwards; eastwards; westwards; to the north; to the south; to
the east; to the west; north east; north west; south east; south west; o'clock; oclock;
diagonally; diagonal; uphill; downhill; upward; upwards; downward; downwards
filler:
please; pls; plz; kindly; now; also; hey; hi; ok; okay; robot; buddy; boy; thanks; good dog;
good boy; thank you; thx; could you; can you; would you; will you; could you please; can you
please; would you please; i want you to; i would like you to; i'd like you to; i need you to;
you should; you must; you have to; you need to; you can; let's; let us; please do; go ahead and;
for me; first; firstly; secondly; thirdly; start; starts; begin by; start by; starting; start
with; exactly; precisely; approximately; roughly; circa; approx; ca; total; in total;
altogether; in place; on the spot; immediately; at once; right away; straight away; slowly;
quickly; carefully; gently; steadily; smoothly; fast; slow; quick; careful; cautiously; quietly;
calmly; a careful; safely; simply; there; here; well; another; more; further; yourself; you;
your; do; make; perform; take; give; give me; execute; carry out; have; has; are; is; been;
robot please; want to; try to; try; go and; come and; be sure to; remember to; keep; keep on;
start to; begin to; the robot; it; then please; would; be so kind and; be so kind as to; like
to; hard; sharp; sharply; sharp turn; directly; in steps; careful turn; it is time to; if you
please; if possible; if you can; if you would; if you don't mind; when you can; when you are
ready; when you're ready; when ready; whenever you are ready; me; we; us; i; and please; a
distance of; the distance of; for a distance of; an angle of; a total of; by about; a duration
of; by an angle of; through an angle of; a period of; over a distance of; in the direction;
worth; angle; distance; time; length; duration; quickly now; in a row; would be great; alright;
all right; yes; sir; fido; rex; cadenza; everyone; the spot; nice and slow; nice; slowly and
carefully; perfectly; full; whole; quite; very; too; at normal speed; at a normal pace; at your
own pace; normally; as usual; gait; the pace gait; order; task; move on; set; or so; ish; ~; ≈;
speed; walk mode; should; shall; need; needs to; must; has to; ought to; to do; can; could;
does; did; goal; command; mission; sure; alrighty; once you can; the next; if you could; if it
please you; if you like; as well; additional; additionally; extra; for about; to my; in your own
time; somehow; completely; entirely; fully; with care; with caution; about; in a careful way; in
a hurry
article:
the; a; an; its; their; his; her; my; our; these; those; each; every; all; this; that
object climb:
stair; stairs; staircase; ledge; curb; kerb; stair steps; flight; stairway; stair step
open:
(; [
close:
); ]
"""
