"""Run logs become a dataset: typed rows, and a folder that loads where people train.

    schema.py       every column of every config: its type, unit and meaning
    wire.py         the fields of a line that become columns
    records.py      a log's lines as records, and what became of each line
    chunk.py        consecutive records as columns
    placing.py      which episode each record belongs to
    reading.py      the steps of a log's episodes, in order, with what came before each
    wording.py      prompts and completions as text
    columns.py      the steps as columns
    returns.py      returns, return-to-go, advantages, progress, quality weights
    causes.py       why an episode did not succeed
    episodes.py     what is known only at an episode's end
    mission.py      what rows need to know of a project
    rows.py         all of it for one log: episodes -> batches of rows
    configs.py      rows -> sft, dpo, kto, rl
    formats/        the same rows in the shapes of other tools
    folder/         the dataset of a project, whole at every instant
    looks/          what a dataset holds: counts, plots, what is bad in it

Import the module you need: this package itself pulls in nothing. pyarrow and numpy are imported by
those that make or read rows, which run in a job's process or by a command: never in the daemon.
"""
