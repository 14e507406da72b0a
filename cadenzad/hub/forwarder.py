"""The thread that ships this robot's events to the hub, whenever there is one to be reached.

Where the log ends at the hub is asked of the hub after each connection, so a kill at any point
leaves nothing to be made good here, and an event that was shipped twice is there once. The daemon
never waits for it: it has a reader of its own, and says how far it is no more than once a second.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadenzad.hub.bell import Bell
from cadenzad.hub.identity import log_id
from cadenzad.hub.offers import take_in
from store.errors import CadenzaError, StoreError
from store.log import History
from store.reads.live import progress
from store.writer import Writer

if TYPE_CHECKING:
    from store.hub.connection import Hub

log = logging.getLogger("cadenzad.hub")

HUB_PROGRESS = "hub"
"""The progress key: name, place, position, at (Unix seconds), trouble, since, and in `offers` what
is wrong with any."""

LINGER_S = 0.2
"""After news, so long more is waited for: a batch costs the hub as much as an event."""

SIGN_OF_LIFE_S = 60.0
REPORT_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Forwarder:
    """`start`, `wake` after each commit of events, `stop`. `reader` is for this thread alone."""

    def __init__(
        self,
        state_dir: Path,
        dsn_file: Path,
        reader: sqlite3.Connection,
        writer: Writer,
        *,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._state_dir = state_dir
        self._dsn_file = dsn_file
        self._reader = reader
        self._writer = writer
        self._first_pause_s = first_pause_s
        self._bell = Bell()
        self._stopping = threading.Event()
        self._line: Hub | None = None
        # What was told before holds until the hub says otherwise: it may not be reached for long.
        before: dict[str, Any] = progress(reader, HUB_PROGRESS) or {}
        before.pop("at", None)
        self._said = {"position": 0, "trouble": "", "since": None, "offers": "", **before}
        self._told: dict[str, Any] = {}
        self._told_at = 0.0
        self._failures = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._bell.ring()

    def stop(self) -> None:
        """End the thread, whatever it waits for; what is not shipped is shipped another time."""
        self._stopping.set()
        self._bell.ring()
        if self._line is not None:
            self._line.interrupt()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def ship_all(self) -> None:
        """Everything that is there now, in the caller's thread; trouble is said, and no more."""
        self._attempt(until_done=True)

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._attempt()
            self._stopping.wait(self._pause())

    def _pause(self) -> float:
        """Before the next attempt: twice as long each time, and never in step with other robots."""
        longest = min(LONGEST_PAUSE_S, self._first_pause_s * 2 ** min(self._failures, 16))
        self._failures += 1
        return random.uniform(longest / 2, longest)

    def _attempt(self, *, until_done: bool = False) -> None:
        """One connection, for as long as it holds."""
        try:
            self._ship(until_done=until_done)
        except (CadenzaError, sqlite3.Error) as error:
            if not self._stopping.is_set():
                said = error.with_hint if isinstance(error, CadenzaError) else str(error)
                self._report(trouble=said)
        except Exception as error:
            log.exception("shipping failed")
            self._report(trouble=f"{type(error).__name__}: {error}")
        finally:
            line, self._line = self._line, None
            if line is not None:
                line.close()

    def _ship(self, *, until_done: bool) -> None:
        from store.hub.connection import Hub
        from store.hub.dsn import from_file
        from store.hub.offers import CHANNEL
        from store.hub.ship import hello, name_of, read_batch, ship

        identity = log_id(self._state_dir)
        dsn = from_file(self._dsn_file)
        self._line = hub = Hub.connect(dsn)
        position = self._begin(hub, hello(hub, identity))
        self._failures = 0
        log.info("hub: shipping to %s from position %d on", dsn.place, position)
        self._report(position=position, trouble="", name=name_of(hub), place=dsn.place)
        hub.run(f"LISTEN {CHANNEL}")
        look_at = 0.0
        while not self._stopping.is_set():
            batch = read_batch(self._reader, position)
            if batch is not None:
                position = ship(hub, batch)
                self._report(position=position, trouble="")
                continue
            self._report(position=position, trouble="", at_once=True)
            # News may have come in while events were shipped, and nothing is left to wait for.
            if hub.wait_for_news(0) or time.monotonic() >= look_at:
                self._look_at_offers(hub)
                look_at = time.monotonic() + SIGN_OF_LIFE_S
            if until_done:
                return
            rung, news = self._bell.wait(SIGN_OF_LIFE_S, hub.descriptor)
            if rung:
                self._stopping.wait(LINGER_S)
            elif not news:
                hello(hub, identity)

    def _look_at_offers(self, hub: Hub) -> None:
        """Record what the hub offers; one with which something is wrong is in nobody's way."""
        from store.hub.connection import HubError, HubUnreachable

        try:
            problems = "; ".join(take_in(hub, self._reader, self._writer, self._state_dir))
        except HubUnreachable:
            raise
        except HubError as error:  # another version's hub, perhaps: it gets the events all the same
            problems = error.message
        if problems != self._said["offers"]:
            log.warning("hub: %s", problems or "no offer is in the way any more")
            self._report(trouble="", offers=problems, at_once=True)

    def _begin(self, hub: Hub, head: int) -> int:
        """Where to go on. Raises HubError where the hub has what this log does not have."""
        from store.hub.connection import HubError
        from store.hub.ship import read_batch, ship

        if head > (here := History(self._reader).head()):
            raise HubError(
                f"the hub has {head:,} events of this log, of which {here:,} are here",
                hint="an older backup was restored here? One more log needs a login of its own, and"
                " a state directory without log-id",
            )
        if head and (last := read_batch(self._reader, head - 1, rows=1)) is not None:
            ship(hub, last)  # the same event there as here: it is the same log
        return head

    # -- what is said ------------------------------------------------------------------------------

    def _report(self, *, trouble: str, at_once: bool = False, **facts: Any) -> None:
        """Have `status` know: at once what is new, and once a second how far it is."""
        if trouble != self._said["trouble"]:
            facts["since"] = int(time.time()) if trouble else None
            at_once = True
            log.warning("hub: %s", trouble) if trouble else log.info("hub: no trouble any more")
        self._said = {**self._said, **facts, "trouble": trouble}
        now = time.monotonic()
        if self._said == self._told or not (at_once or now - self._told_at >= REPORT_S):
            return
        self._told, self._told_at = self._said, now
        value = {**self._said, "at": int(time.time())}
        with contextlib.suppress(StoreError):  # the log is closed: nobody is to be told any more
            self._writer.submit(lambda unit: unit.set_progress(HUB_PROGRESS, value))
