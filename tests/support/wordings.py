"""What a person might say instead of known goals: honest words for a scripted user."""

from __future__ import annotations

_SAID = """
walk up to the edge of the rubble
walk on to where the rubble begins
go up to the rubble's edge
approach the edge of the rubble
step up to the border of the rubble

come closer to the heap, half a meter
move half a meter nearer to the heap
half a meter closer to the heap
come half a meter towards the heap
get nearer to the heap by half a meter

take one careful step forward
make a careful step ahead
carefully step forward once
one cautious step forward
step forward carefully

trot down the clear corridor
trot along the empty corridor
run down the clear corridor at a trot
trot through the free corridor
go trotting down the clear hallway

hurry across the open floor
cross the open floor quickly
rush over the open floor
hurry over the free floor
get across the open floor in a hurry

back away from the heap
move back from the heap
go backwards away from the heap
step back off the heap
back off from the heap

reverse a little
go back a little
back up a little
reverse just a bit
move backwards a little

turn left
make a left turn
rotate to the left
do a turn to the left
swing left

turn right
make a right turn
rotate to the right
do a turn to the right
swing right

turn around and face the door
turn round to face the door
turn about so that you face the door
face the door behind you
spin around towards the door

glance to the left
take a glance left
peek to the left
have a quick look to the left
a short glance to your left

glance to the right
take a glance right
peek to the right
have a quick look to the right
a short glance to your right

line up exactly with the gap on the left
align exactly with the left gap
line yourself up with the gap on the left
aim exactly at the gap to the left
get exactly in line with the left gap

line up exactly with the gap on the right
align exactly with the right gap
line yourself up with the gap on the right
aim exactly at the gap to the right
get exactly in line with the right gap

step aside to the left
step to the left side
take a step sideways to the left
move aside to the left
go one step left sideways

step aside to the right
step to the right side
take a step sideways to the right
move aside to the right
go one step right sideways

make room on the left, two paces
make room by two paces on the left
go two paces left to make room
two paces to the left, make room
give way two paces on the left

shift over to the right, two paces
shift two paces to the right
move over two paces to the right
two paces over to the right
slide over right by two paces

crawl under the fallen beam
crawl beneath the fallen beam
creep under the beam that fell
get under the fallen beam crawling
go under the fallen beam on your belly

creep half a meter forward, low
creep forward half a meter, staying low
low creep ahead of half a meter
half a meter forward, creeping low
stay low and creep half a meter ahead

crawl through the tunnel and stand up behind it
crawl through the tunnel, then stand up
go through the tunnel crawling and stand up after it
creep through the tunnel and get up behind it

climb the single step
climb up the single step
go up the single step
get up the one step
climb that one step

climb onto the slab and wait there
climb up on the slab and wait
get onto the slab, then wait there
climb on top of the slab and stay there waiting

pass the first heap on its left
go past the first heap on the left
pass by the first heap on its left side
get by the first heap, left of it

pass the second heap on its right
go past the second heap on the right
pass by the second heap on its right side
get by the second heap, right of it

go around the block on the left and come back to the line
walk around the block on its left and return to the line
pass the block on the left, then come back to the line

go around the block on the right and come back to the line
walk around the block on its right and return to the line
pass the block on the right, then come back to the line

walk to the person and report them
go to the person and report them
walk over to the person and report
go up to the person, then report them

report the person lying here
report the person who lies here
send a report of the person lying here
report this person on the ground

stop beside the person, sit and report
sit down next to the person and report
halt beside the person, sit, report
stop by the person, then sit and report

wait here for ten seconds
wait ten seconds here
stay here for ten seconds
hold on here for ten seconds
remain here ten seconds

sit down and wait
take a seat and wait
sit and wait
sit down, then wait
sit there waiting

lie down
lay yourself down
lie on the floor
get down and lie
lie flat

get back on your feet
get up on your feet again
stand up again
back onto your feet
rise to your feet

get up and walk on
stand up and walk on
get up, then keep walking
rise and walk on
get up and go on walking

back out, turn right and walk on
back out, go right and walk on
reverse out, turn right, walk on
go back out, then turn right and walk on

back out, turn left and walk on
back out, go left and walk on
reverse out, turn left, walk on
go back out, then turn left and walk on

leave the hall and trot to the patrol route
walk out of the hall and trot to the patrol route
go out of the hall, then trot to the patrol route
leave the hall, trotting to the patrol route

patrol to the far wall and return
patrol up to the far wall and come back
go on patrol to the far wall and return
patrol as far as the far wall, then return

look left, then right, then go on
look left and right, then go on
look to the left, to the right, and go on
first look left, then right, then walk on
"""


_SAID_OF_PHASES = """
walk up to the edge of the rubble and stay on your feet
go to where the rubble begins and keep standing
approach the border of the debris on your feet
step up to the start of the rubble, staying upright
move to the rim of the rubble and remain standing
come to the near side of the debris field, upright
walk ahead as far as the rubble
get to the edge of the debris and stand there
go forward until you are at the rubble
head for the edge of the rubble and keep upright
walk over to where the debris starts
make your way to the rubble's edge, on all fours and steady
take yourself to the brink of the rubble field
stop at the edge of the rubble on your feet
go near the rubble and stay up
advance to the margin of the debris

get past the first heap on its left and stop between the two heaps without touching either
go by the first pile on the left side and halt between the piles
pass the first heap on the left and wait between the heaps
slip past the nearer heap, left of it, and stop in the gap
walk left of the first mound and stop between both mounds
get around the first heap by its left and come to rest between the two
take the left way past heap one, then stop in the middle of the heaps
move past the first pile of rubble, keeping left, and stop between the two piles
squeeze by the first heap on its left side and stand between the two
go left around the first heap into the gap between the heaps
leave the first heap to your right and stop in between the two
enter the gap between the heaps, passing the first one on the left
thread past the first heap on the left, stop between them and touch neither
find your way left of the first heap to the space between the two heaps
pass the front heap by its left flank and stay between the heaps

go around the second heap on its right, walk up to the person on the ground and report them
pass the second pile on the right, go to the victim and report it
walk round the second heap's right side to the person lying there and report them
get to the person on the floor by the right of the second heap and signal
round the second mound on the right, approach the person and report
take the right side of heap two, reach the casualty and report
go right of the second heap to the human on the ground and tell us
find the person behind the second heap, keeping right of it, and report them
reach the victim past the second heap's right and send the report
circle the far heap on its right, come up to the person lying down and report
walk to the person on the ground around the right of heap two and announce them
pass right of the second heap and report whoever lies there
move by the second pile, right side, up to the injured person and report them
approach the lying person by going right around the second heap, then report
keep right at the second heap, step up to the victim and report them

leave the person undisturbed and walk out to the far side of the hall
walk to the other end of the hall and let the person be
leave the victim in peace and go to the far end of the hall
go out to the hall's far side, leaving the person alone
exit to the far side of the hall and do the person no harm
let the person lie and walk on to the far side of the hall
head for the far wall of the hall, keeping away from the person
step away from the person and walk to the hall's other side
walk out across the hall, leaving the casualty as they are
go on to the far side of the building and leave the person be
depart from the person and cross to the far side of the hall
walk off to the far side of the hall, clear of the person
move out to the distant side of the hall, the person untouched
get out to the far end of the hall and stay clear of the victim
leave them lying there and walk to the far side of the room

trot on to the patrol route
trot along to the route of the patrol
go on at a trot to the patrol route
trot over to where the patrol starts
proceed to the patrol route, trotting
trot ahead onto your patrol
take up the patrol route at a trot
trot off to the patrol path
move on to the patrol round at a trot
jog on to the patrol route
head to the patrol route, at a trot
start the patrol, trot to its route
trot to your beat
keep trotting until you are on the patrol route
get on the patrol route by trotting
"""


def _blocks(said: str) -> dict[str, list[str]]:
    blocks = (block.splitlines() for block in said.strip().split("\n\n"))
    return {first: others for first, *others in blocks}


WORDINGS = _blocks(_SAID)
"""An example's goal -> other words for it."""
OF_PHASES = _blocks(_SAID_OF_PHASES)
"""A goal of the sample's mission -> other words for it."""
