"""What people who know PEFT and the model hub expect of an adapter, made from its folder.

    card.py      README.md, the model card
    curves.py    training.csv as TensorBoard events
    merged.py    base and adapter as one model
    layout.py    a folder as the hub has repositories
    changes.py   what changed from one version to the next
    packed.py    a folder as one file, for a fleet's robots

Reads the folder as it is: a file that an older version does not have is left out, never made up.
"""
