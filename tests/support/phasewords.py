"""What a person might say instead of the goals of the sample's mission, and mean just that."""

from __future__ import annotations

from wordings import blocks

_SAID = """
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
walk to the front of the rubble and keep your footing
approach the rubble and stop at its edge, upright
walk forward until the rubble begins, staying up
move up to where the debris begins and stay upright
keep on your feet and walk to the edge of the debris
stay on your legs and go up to the rubble
come up to the rubble's border and remain on your feet
walk straight to the beginning of the rubble and stay standing
reach the edge of the rubble on all four feet
make it to the start of the debris field standing
travel to the brink of the debris, feet under you
go as far as the rim of the debris and stand
advance to the rubble's edge and keep your balance
close in on the edge of the rubble, standing firm
bring yourself up to the debris and stay erect
step forward to the rubble line and hold your stance
march to the edge of the debris pile and stay up
head up to the front edge of the debris on your feet
proceed to the rubble's near edge, keeping upright
walk along until you meet the rubble, on your feet
walk to the near rim of the rubble and keep your feet
cover the ground up to the edge of the rubble, upright
go on foot to the verge of the rubble
take up a position at the edge of the rubble, standing
arrive at the rubble's edge still on your feet
get close to the rubble, right at its edge, and stay on your legs
move ahead to the fringe of the rubble and keep standing
find the edge of the rubble and stand there on your feet

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
move left of the first heap and halt between the two, touching neither
go past heap one on its left, then hold between both heaps
pass to the left of the first heap and remain between the two heaps
travel around the left of the first pile and stop between it and the second
walk past the first heap along its left and pause in the gap
take the left side of the first heap and stop in the space between the heaps
keep left of the first heap and come to a stop between the heaps
bypass the first heap on the left and end up between the two
skirt the first heap on the left side and stop halfway between the heaps
steer left by the first heap and stand in the middle between both
get by the left edge of the first mound and stop between the mounds
make your way left past the first heap to the spot between the heaps
edge past the first pile on its left and rest between the piles
go along the left of the first heap until you stand between the two
clear the first heap on the left and stop in the gap between them
walk to the gap between the heaps by the left of the first one
stop between the two heaps after passing the first one on the left
reach the place between both heaps, going left around the first
pick your way past the left of the first heap and stop between the two
come past the first heap on the left hand and stay in the gap
sneak left past the first heap into the gap and touch nothing
dodge the first heap on the left and halt in between
let the first heap be on your right as you pass, and stop between the heaps
put yourself between the two heaps by way of the first one's left
swing by the left side of the first heap and stop in the clearing between the two
proceed left of heap one and stop short of heap two
work around the first pile on the left and wait in between the two piles
circle the first heap on its left and stop in the gap

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
go right around the second heap, approach the person on the floor and report
walk past the second heap on the right up to the one lying there and report them
keep to the right of the second heap, get to the person and send a report
take the right around heap two, come to the person on the ground and signal it
skirt the second pile on its right side, walk to the casualty and report
bypass the second heap on the right, go up to the injured person and report them
make your way right of the second mound to the person and report the find
get around the second heap by the right and report the person lying behind it
swing right past heap two, close in on the person and report
travel around the right of the second heap to the victim and announce it
steer right by the second pile, go to whoever is on the ground and report them
edge around the second heap's right, move to the person and make the report
walk right of heap two until you are with the person, then report them
go by the second heap on the right hand, up to the person down there, and report
reach the person on the ground by passing right of the second heap and report them
report the person on the ground after going right around the second heap
come around the right side of the second pile to the fallen person and report
go to the casualty behind heap two by its right side and call it in
clear the second heap on the right, walk to the human lying there and report them
find your way around the second heap, on the right, to the victim, and report it
proceed right around the second heap to the person, and tell that you found them
pass heap number two on the right and report the person you get to
move right round the second mound, up to the person on the floor, and notify us
let the second heap be on your left, go up to the person and report them
work your way past the second heap's right to the patient and report
pick the right way around the second heap, get near the person and report
step around heap two on its right, come near the person on the ground and report
head right around the second pile, meet the person on the ground and report them

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
walk away from the person to the far side of the hall
let the person rest and go over to the far side of the hall
keep clear of the person and walk to the hall's far end
go to the opposite side of the hall and leave the person in peace
leave the person lying and move out to the far end of the hall
walk on out to the far side, leaving the person where they are
cross to the other side of the hall with the person left alone
leave the casualty alone and go out to the far end
quietly leave the person and walk to the back of the hall
move away from the victim toward the far side of the hall
get to the far side of the hall, leaving the person in peace
walk out of the rubble to the far side, and let the person be
go out on the far side of the hall, the person left as is
make for the far end of the hall, giving the person a wide berth
make your way out to the hall's other side and leave the person alone
travel to the far side of the hall and let the person lie
proceed to the far end of the hall, the person left in peace
walk past everything to the far side of the hall and leave the person be
leave the patient in peace and walk to the far end of the building
walk out to the end of the hall, the person left untouched
take yourself to the far side of the hall, well away from the person
reach the hall's far side, keeping your distance from the person
clear out to the far side of the hall and leave the person resting
part from the person and walk to the far end of the hall
leave whoever lies there alone and walk to the hall's far side
be gentle, leave the person alone and go to the far side of the hall
withdraw from the person and go out to the far side of the hall
march out to the far side of the hall, leaving the person in peace

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
trot forward onto the patrol route
go trotting to the patrol path
trot back to your beat
continue at a trot to the patrol route
trot on until you reach the route of your patrol
trot on to your rounds
trot ahead to the patrol line
make for the patrol route at a trot
return to your patrol at a trot
join the patrol route, trotting
trot off and start your round
set off at a trot for the patrol route
resume the patrol, trotting
jog to where your patrol begins
run at a trot to the path you patrol
on to the patrol route, and trot
enter the patrol route at a trot
trot straight to the route you patrol
time for your patrol: trot to its route
trot towards the track you patrol
trot until your rounds begin
head back to patrolling at a trot
trot away to take up your patrol again
trot across to the patrol track
off to the patrol at a trot
trot to the path of your rounds
reach your patrol route at a trot
trot out for the patrol
"""

OF_PHASES = blocks(_SAID)
"""A goal of the sample's mission -> other words for it."""
