"""Recordings of other tools become run logs: MCAP and rosbag2, LeRobot v3.0, Minari.

    settings.py    what a project says of them in its cadenzad.toml
    mapping.py     which value of a recording is which field of a tick
    frames.py      what every reader makes: episodes of frames, a frame being values by their names
    mcapfile.py    one MCAP file -> messages, however it ends
    mcaps.py       MCAP files and rosbag2 folders -> frames
    lerobot.py     LeRobot v3.0 folders -> frames
    minaris.py     Minari folders (HDF5, Arrow) -> frames
    ticks.py       frames -> ticks, by the mapping and its alignment
    takein.py      all of it for one recording: a run log beside it, whole or not at all
    recognise.py   what is a recording, and whether it is all there; light, for the daemon
    reactions.py   when the daemon takes one in
    job.py         the job that does it

Import the module you need: this package itself pulls in nothing, and a reader's library is imported
when it reads.
"""
