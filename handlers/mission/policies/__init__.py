"""Who decides what the robot does next.

protocol.py   View -> Decision: the one interface of every policy
prompts.py    a goal in words -> action calls
route.py      ways around obstacles: A* over the height map
scripted.py   follows the goal prompt, plans around what is in the way
prompted.py   whatever a project's brain, its `decide`, makes of its prompt
random.py     anything the robot can do, for variety
lora.py       the project's deployed adapter, and back to its plan where that does not work out
reckoning.py  where an action leads, if it does what it says
"""
