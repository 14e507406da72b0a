"""Runs in the formats that people train from, made by hand (`cadenza env finetune --format`).

    trajectories.py   a log's rows as whole trajectories of numbers: T+1 observations, T actions
    parquet.py        the rows themselves, in one typed file
    trl.py            SFT, DPO and KTO examples for TRL's trainers
    npz.py            arrays for offline RL (d3rlpy's MDPDataset)
    lerobot.py        LeRobotDataset v3.0; statistics.py has its figures
    minaris.py        Minari, in HDF5 or Arrow files
    mcaps.py          the log's lines as MCAP messages, for players and for taking in again
    source.py         the logs of an export, and what is not in it and why
    names.py          the formats by name, and what each needs
    place.py          a file or a folder, whole or not at all
    export.py         one export in any of them

Import the module you need: this package itself pulls in nothing.
"""
