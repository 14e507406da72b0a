"""What a dataset holds, for people: counts, plots, what is bad in it, a copy elsewhere.

    summary.py   counts by split, action, reward and label; prompts that both splits have
    curate.py    episodes that are bad to train on, and why
    plots.py     bars as SVG, with the same as text
    page.py      a page of plots
    push.py      the dataset in another folder

Reads the shards that are in force, a file at a time.
"""
