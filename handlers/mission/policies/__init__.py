"""Who decides what the robot does next.

protocol.py   View -> Decision: the one interface of every policy
prompts.py    a goal in words -> action calls
lookout.py    looking around and signalling, under every policy
guide.py      what the plan says to do next; the driver and the judgment each ask one
scripted.py   does what its guide says
prompted.py   whatever a project's brain, its `decide`, makes of its prompt
random.py     anything the robot can do, for variety
lora.py       the project's deployed adapter, and back to its plan where that does not work out
reckoning.py  where an action leads, if it does what it says
"""
