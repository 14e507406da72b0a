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


def blocks(said: str) -> dict[str, list[str]]:
    """Goals, each with what follows it up to an empty line."""
    parts = (part.splitlines() for part in said.strip().split("\n\n"))
    return {first: others for first, *others in parts}


WORDINGS = blocks(_SAID)
"""An example's goal -> other words for it."""
