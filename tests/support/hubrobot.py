"""A robot to be killed: it appends events without end, says which are safe, and ships them.

python tests/support/hubrobot.py STATE DSN_FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

from eventmaking import Make

from cadenzad.hub.forwarder import Forwarder
from store.lock import WriterLock
from store.opening import open_writer
from store.schema import connect_reader

EVERY_S = 0.01


def main(state: Path, dsn_file: Path) -> None:
    import time

    make = Make()
    with WriterLock(state, "robot").acquire(patience=10):
        writer = open_writer(state, on_commit=lambda _types: forwarder.wake())
        forwarder = Forwarder(state, dsn_file, connect_reader(state), writer, first_pause_s=0.05)
        forwarder.start()
        number = writer.run(lambda unit: unit.log.head())
        if not number:
            writer.append(make.discovered())
            number = 1
        while True:
            number += 1
            outcome = "failed" if number % 3 else "succeeded"
            writer.append(make.run(f"run-{number}", outcome))
            print(number, flush=True)
            time.sleep(EVERY_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
