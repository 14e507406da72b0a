"""What the processes of one state directory must agree on before they ask: tokens, and waits.

Two jobs at once would each see the same tokens left, and a job by hand would not know that the
server has asked the daemon to wait. So both are kept in a small file beside the event log, under a
lock. Tokens are taken before a request goes out and the rest is given back after it: a call that
is killed half-way keeps what it took.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from store.durable import Draft

FILE = "judge.json"
FIRST_WAIT_S = 300.0
LONGEST_WAIT_S = 3600.0
CLOCK_SLACK_S = 60.0
"""By so much a clock that is kept in step may go back without anything being made of it."""


class Hold(msgspec.Struct, frozen=True, rename={"message": "said", "asked": "told"}):
    """From and until when (Unix seconds) not to ask, and why.

    `asked`: the server itself named the time. Before `since` the clock was set back: waiting for it
    to come round again would take longer than anybody asked for, so it is as if it were over.
    """

    until: float
    code: str
    message: str
    asked: bool
    failures: int
    since: float = 0.0

    def holds_at(self, wall: float) -> bool:
        """Whether it is not over."""
        return self.since - CLOCK_SLACK_S <= wall < self.until


class Ledger:
    """The file. `where` names the server and the model: a wait is about those alone.

    `limit`: tokens a day; `recorded`: what the event log knows was spent today, for a ledger that
    was lost.
    """

    def __init__(
        self,
        state_dir: Path,
        where: str,
        *,
        limit: int,
        recorded: int = 0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._path = state_dir / FILE
        self._where = where
        self.limit = limit
        self._recorded = recorded
        self._wall = wall

    # -- tokens ------------------------------------------------------------------------------------

    def left(self) -> int:
        """What is left of today (UTC), for every process together."""
        with self._open() as content:
            return self.limit - self._of_today(content, "taken")

    def in_flight(self) -> int:
        """Tokens of calls that are not over, or were killed: part of them may come back."""
        with self._open() as content:
            return self._of_today(content, "in_flight")

    def take(self, tokens: int) -> bool:
        """Take tokens of today's; False, and nothing taken, when they do not suffice."""
        with self._open() as content:
            taken = self._of_today(content, "taken") + tokens
            if taken > self.limit:
                return False
            in_flight = self._of_today(content, "in_flight") + tokens
            content["taken"] = {self._today(): taken}
            content["in_flight"] = {self._today(): in_flight}
            return True

    def settle(self, taken: int, spent: int) -> None:
        """A call is over that took so many tokens and spent so many, which may be more."""
        with self._open() as content:
            left = self._of_today(content, "taken") - taken + spent
            in_flight = self._of_today(content, "in_flight") - taken
            content["taken"] = {self._today(): max(0, left)}
            content["in_flight"] = {self._today(): max(0, in_flight)}

    def _today(self) -> str:
        return datetime.fromtimestamp(self._wall(), UTC).date().isoformat()

    def _of_today(self, content: dict[str, Any], name: str) -> int:
        days = content.get(name)
        number = days.get(self._today()) if isinstance(days, dict) else None
        known = number if type(number) is int else 0
        return max(known, self._recorded) if name == "taken" else known

    # -- waiting -----------------------------------------------------------------------------------

    def hold(self) -> Hold | None:
        """The wait that is not over; None when it may be asked."""
        with self._open() as content:
            found = self._holds(content).get(self._where)
            return found if found is not None and found.holds_at(self._wall()) else None

    def wait(self, code: str, message: str, after_s: float | None) -> float:
        """Remember not to ask for `after_s` seconds; None: twice as long after each failure.

        Returns the seconds.
        """
        with self._open() as content:
            holds = self._holds(content)
            before = holds.get(self._where)
            failures = (before.failures if before is not None else 0) + 1
            asked = after_s is not None
            if after_s is None:
                after_s = min(FIRST_WAIT_S * 2.0 ** min(failures - 1, 30), LONGEST_WAIT_S)
            now = self._wall()
            holds[self._where] = Hold(now + after_s, code, message, asked, failures, since=now)
            self._put(content, holds)
            return after_s

    def answered(self) -> None:
        """The server does answer: forget that it did not."""
        with self._open() as content:
            holds = self._holds(content)
            if holds.pop(self._where, None) is not None:
                self._put(content, holds)

    @staticmethod
    def _holds(content: dict[str, Any]) -> dict[str, Hold]:
        try:
            return msgspec.convert(content.get("holds") or {}, dict[str, Hold])
        except msgspec.ValidationError:
            return {}

    def _put(self, content: dict[str, Any], holds: dict[str, Hold]) -> None:
        yesterday = self._wall() - 86400
        fresh = {name: hold for name, hold in holds.items() if hold.until > yesterday}
        content["holds"] = msgspec.to_builtins(fresh)

    # -- the file ----------------------------------------------------------------------------------

    @contextmanager
    def _open(self) -> Iterator[dict[str, Any]]:
        """The content, changed under a lock. A file that cannot be read counts as empty."""
        with Draft(self._path) as draft:  # its lock is the ledger's
            before = self._path.read_bytes() if self._path.exists() else b""
            try:
                content = json.loads(before)
            except (ValueError, RecursionError):
                content = {}
            content = content if isinstance(content, dict) else {}
            yield content
            after = json.dumps(content, sort_keys=True).encode()
            if after != before and (content or before):
                draft.write(after)
                draft.sync()
                draft.replace()
