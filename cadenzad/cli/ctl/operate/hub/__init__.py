"""`cadenzactl hub`: the history of many robots in one PostgreSQL; and what `--hub` shows of it."""
