"""The rows themselves in one typed Parquet file: `steps`, as schema.py has every column."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from handlers.dataset.formats.source import Sources
from handlers.dataset.schema import SCHEMAS


def write(sources: Sources, target: Path) -> int:
    """All rows of all runs into a file; returns how many. Memory holds one batch."""
    written = 0
    with pq.ParquetWriter(target, SCHEMAS["steps"], compression="zstd") as writer:
        for rows in sources.rows():
            for batch in rows.batches():
                kept = sources.wanted(batch)
                if kept.num_rows:
                    writer.write_batch(kept)
                    written += kept.num_rows
    return written
