"""Why watching is incomplete: reasons that are events, shown in `status` while they hold.

A reason goes when a whole periodic round has passed without it coming up again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from store.errors import StoreError, one_line
from store.events.envelope import DAEMON_STREAM, NewEvent
from store.events.process import WatchDegraded, WatchRestored
from store.reads.state import State
from store.writer import Writer

log = logging.getLogger("cadenzad.collector")
BLIND = ("no-inotify", "instance-limit")
"""Codes under which nothing is watched and the scan is all there is."""


class DegradedReasons:
    """The reasons that hold now, by code; each is recorded when it comes and when it goes."""

    def __init__(
        self, state: State, writer: Writer, trouble: Callable[[Exception], object]
    ) -> None:
        """Begins with what the view says of the last daemon's end.

        `trouble` is told when a reason cannot be recorded.
        """
        self._trouble = trouble
        self._writer = writer
        self._details = {item["code"]: item["detail"] for item in state.degraded()}
        self._recorded = dict(self._details)
        self._came_up: set[str] = set(self._details)
        """Codes that came up since the round before, or may still hold."""

    @property
    def blind(self) -> bool:
        """Whether no folder is watched at all."""
        return any(code in self._details for code in BLIND)

    @property
    def details(self) -> list[str]:
        """The reasons for people."""
        return list(self._details.values())

    def add(self, code: str, detail: str) -> None:
        """A reason came up, perhaps again; `detail` is for people."""
        code, detail = one_line(code), one_line(detail)
        self._came_up.add(code)
        if self._details.get(code) != detail:
            self._details[code] = detail
            log.warning("degraded: %s", detail, extra={"code": code})
        if self._recorded.get(code) != detail and self._record(
            WatchDegraded(code=code, detail=detail)
        ):
            self._recorded[code] = detail

    def begin_round(self) -> frozenset[str]:
        """Before everything is looked at again; hand the result to `end_round`."""
        before, self._came_up = frozenset(self._came_up), set()
        return before

    def end_round(self, before: frozenset[str], *, periodic: bool) -> None:
        """A periodic round ends the reasons that did not come up in it; another only looks."""
        if not periodic:
            self._came_up |= before
            return
        for code in before - self._came_up:
            if self._details.pop(code, None) is not None:
                log.info("restored", extra={"code": code})
        for code in self._recorded.keys() - self._details.keys():
            if self._record(WatchRestored(code=code)):
                del self._recorded[code]

    def _record(self, event: WatchDegraded | WatchRestored) -> bool:
        """Whether it is in the log; what is not is tried again in the next round."""
        try:
            self._writer.append(NewEvent(DAEMON_STREAM, event))
        except StoreError as error:
            self._trouble(error)
            return False
        return True
