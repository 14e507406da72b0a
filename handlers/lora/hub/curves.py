"""A training curve for TensorBoard, from the CSV that lies beside the adapter."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

from handlers.lora.model.names import CURVE

EVENTS = "events.out.tfevents.1"
RUNS = "runs"
"""Where the hub looks for TensorBoard events, and shows them."""


def write_events(folder: Path) -> bool:
    """Write runs/ from training.csv: each column by epoch. False where there is no curve, or no
    tensorboard installed (`cadenzad[tensorboard]`)."""
    columns = columns_of(folder / CURVE)
    if not columns:
        return False
    try:
        with warnings.catch_warnings():  # of its own dependencies, about themselves
            warnings.simplefilter("ignore")
            from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return False
    with SummaryWriter(log_dir=str(folder / RUNS)) as writer:
        for name, epoch, value in columns:
            writer.add_scalar(name, value, epoch)
    for written in (folder / RUNS).iterdir():  # named by it after this machine
        written.replace(written.with_name(EVENTS))
    return True


def columns_of(path: Path) -> list[tuple[str, int, float]]:
    """(column, epoch, value) of every number in the file."""
    try:
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return []
    found = []
    for row in rows:
        for name, text in row.items():
            try:
                epoch, value = int(row["epoch"]), float(text)
            except (KeyError, TypeError, ValueError):
                continue
            if name != "epoch":
                found.append((name, epoch, value))
    return found
