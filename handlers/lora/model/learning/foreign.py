"""Phrases for other machines and for people: what no walking robot's library has."""

from __future__ import annotations

FOREIGN = """
pick up the cup | grasp the bottle by its neck | lift the parcel onto the table | put the tool
back in the drawer | hold the cable tight | hand over the screwdriver | open the cupboard | close
the window | lock the door behind you | turn the key in the lock | press the emergency button |
flip the switch | pull the lever down | twist the knob to the right | plug in the charger | unplug
the lamp | screw the lid onto the jar | cut the wire | glue the two parts together | solder the
connector | hammer in the nail | saw the board in two | peel the potatoes | stir the soup | fry an
egg | bake a cake | brew some coffee | pour the milk | set the table | wash the dishes | iron the
shirt | vacuum the carpet | mop the kitchen | make the bed | feed the cat | walk me through the
tax form | mail this letter | buy a train ticket | pay the invoice | send an email to the boss |
call the fire brigade | text my sister | remind me tomorrow at nine | wake me up at six | play a
song | sing a lullaby | tell me a story | recite a poem | translate this word | spell banana |
what is the capital of france | how is the weather today | who won the match | what is two plus
two | solve the puzzle | prove the theorem | write a program | debug this code | search the web |
download the file | print the document | take a selfie | record a video of the party | zoom in on
the plate number | read the label out loud | measure the temperature | weigh the package | count
the boxes | sort the screws by size | stack the pallets | load the truck | unload the container |
tow the trailer | push the trolley into the lift | drag the sack outside | carry the toolbox to me
| fetch the newspaper | bring the ball back | catch the frisbee | toss the coin | throw a snowball
| kick the football | shoot at the target | hit the punching bag | climb the tree | scale the wall
| climb the rope | ride the bicycle | drive the van | steer the boat | sail to the island | row
across the lake | swim two lengths | dive under water | float on the surface | fly over the house
| take off vertically | land on the platform | hover above the field | glide down the valley |
jump onto the table | leap across the gap | do a somersault | stand on your head | do a handstand
| juggle three balls | dance a waltz | clap your hands | wave the flag | salute the officer | hug
the child | smile for the camera | wink at me | whisper something | shout for help | laugh out
loud | bite the stick | chew the bone | guard the sheep | dig up the bone | bury the treasure |
plant a tree | rake the leaves | trim the hedge | spray the roses | harvest the apples | milk the
cow | shovel the snow | chop the wood | light the fire | extinguish the flames | break the glass |
smash the window | kick in the door | drill into the concrete | dismantle the pump | replace the
filter | change the tyre | refuel the generator | charge the phone | switch on the heating | dim
the lights | lower the blinds | turn up the radio | change the channel | start the washing machine
| stop the elevator | launch the rocket | deploy the parachute | release the anchor | inflate the
raft | paint the fence | draw a circle | sketch the building | write a letter | sign the contract
| fill in the form | file the report | schedule a meeting | book a table | rent a car | check the
stock price | invest in shares | diagnose the patient | give him an injection | bandage the wound
| lift the victim onto the stretcher | perform first aid | measure my pulse | sharpen the knife |
load the gun | defuse the bomb | pick the lock | hack the computer | dress up as a clown | wear
the helmet | tie your shoes | knit a scarf | sew on the button | comb your hair | brush your teeth
| drink some water | eat the sandwich | smell the flowers | think about life | dream of mountains
| remember my birthday | forget what i said | marry me | believe in yourself | nudge the trolley
aside | pull the sled up the hill | hold the leash in your mouth | squeeze the handle | carry my
backpack to the car | press the doorbell | call the lift | take the escalator up | cross the river
by boat | drive me to the shop | tunnel under the hedge | roll onto your belly | whitewash the
ceiling | mend the broken steps | lap up the milk | hum a tune | hop over the ditch | swing from
the branch | balance on the beam | slide down the pole | hang from the ceiling | crawl up the
drainpipe | leap onto the roof | vault the gate | parachute from the tower | soar above the trees
| circle the tower from the air | descend by rope | dive into the lake | wade out and fish |
unlatch the gate | slam the window shut | ring the bell | raise the barrier | hoist the flag |
wind up the hose | coil the cable | drop the payload | release the gripper | open your hand |
point the laser at the target | spray the marker | stamp the parcel | scan the code on the box |
take a sample of the soil | collect the empty bottles | tidy up the shelves | wipe the table |
water the garden | turn the valve to the left | rotate the crate | tilt the screen back | adjust
the mirror | focus the camera | record the sound | stream the video | upload the map | reboot
yourself | update your software | charge to eighty percent | report your serial number | connect
to the network | mute the speaker | say hello in spanish | introduce yourself | explain the rules
| count to ten | guess my age | find me a good restaurant | order a taxi | buy some bread |
deliver the pizza | guard the money | chase the thief away | catch the mouse | herd the cows |
feed the chickens | bring the mail | hand out the leaflets | hold the door for her | help him up |
push the wheelchair | pull her out of the water | give the child a ride | lift the beam off him |
clear the rubble away | shovel a path | break down the wall | prop up the ceiling | shut off the
gas | put out the flames | cut the branch | weld the frame | bolt down the plate | inspect the
engine | measure the gap | plug the leak | pump up the tyre
"""


def foreign_goals() -> list[str]:
    """Phrases for manipulating, flying, talking, housework: none is for a robot that walks."""
    return [" ".join(phrase.split()) for phrase in FOREIGN.split("|")]
