"""The reactor: each new event, in position order, to the reactions that want it.

A reaction's events and its cursor commit in one transaction, so after a crash it either has
happened or runs again. One that raises becomes `ReactionFailed` in the same way: nothing is skipped
in silence and nothing blocks the rest.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import islice, takewhile

from handlers.reactions import Reaction, ReactTogether, Stopping, Tools
from store.errors import CadenzaError, StoreError, one_line
from store.events.base import Event
from store.events.envelope import NewEvent, Recorded
from store.events.process import ReactionFailed
from store.log import History
from store.reads.state import State
from store.writer import Transaction, Writer

log = logging.getLogger("cadenzad.reactor")
RETRY_S = 5.0
TOGETHER = 64
"""Events that a reaction may take at once: what is drafted for them holds two open files each."""

Reactions = Mapping[type[Event], tuple[Reaction, ...]]


class Reactor:
    """Drains the log through the reactions; on its own thread, or by hand with `drain`."""

    def __init__(
        self,
        reader: sqlite3.Connection,
        writer: Writer,
        reactions: Reactions,
        tools: Tools,
        trouble: Callable[[Exception], object] = lambda error: log.error("%s", error),
    ) -> None:
        """`reader` is for this reactor alone. Call `wake` when events were committed.

        `trouble` is told when the log cannot be read or written; it is tried again.
        """
        self._trouble = trouble
        self._log = History(reader)
        self._state = State(reader)
        self._writer = writer
        self._reactions = reactions
        self._tools = tools
        self._names = sorted({r.name for group in reactions.values() for r in group})
        self._types = [event_type.type_name() for event_type in reactions]
        self._wake = threading.Event()
        self._stopping = False
        self._cursors: dict[str, int] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="reactor", daemon=True)
        self._thread.start()
        self._wake.set()

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        """Let the running reaction finish, or give up at its next checkpoint; end the thread."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def drain(self, reached: Callable[[int, int], object] = lambda _at, _of: None) -> int:
        """React to everything in the log, including what reactions add; returns events handled.

        `reached(position, last)` is called after every few of them. Raises Stopping when told to
        stop, StoreError when the log cannot be written.
        """
        handled = 0
        cursors = self._load_cursors()
        while True:
            position = min(cursors.values(), default=0)
            head = self._log.head()
            if position >= head:
                return handled
            records = self._log.read(position, until=head, types=self._types)
            while group := list(islice(records, TOGETHER)):
                handled += self._handle(group, cursors)
                reached(group[-1].position, head)
            # Events nobody reacts to are done as well, and those that led to nothing; one write for
            # all of them.
            for name in self._names:
                cursors[name] = max(cursors[name], head)
            self._writer.run(self._advance(dict(cursors)))

    def _handle(self, records: Sequence[Recorded], cursors: dict[str, int]) -> int:
        """Events in a row to their reactions, in order; how often one ran."""
        handled = 0
        for at, record in enumerate(records):
            for reaction in self._reactions[type(record.event)]:
                while cursors[reaction.name] < record.position:
                    done = self._react_to(reaction, records[at:])
                    cursors[reaction.name] = done[-1].position
                    handled += len(done)
            if self._stopping:
                raise Stopping
        return handled

    def _react_to(self, reaction: Reaction, records: Sequence[Recorded]) -> Sequence[Recorded]:
        """Run a reaction on the first of some events, or on several together; on which it ran."""
        if reaction.together is not None:
            group = list(
                takewhile(lambda one: reaction in self._reactions[type(one.event)], records)
            )
            if done := self._react_together(reaction, reaction.together, group):
                return done
        self._react(reaction, records[0])
        return records[:1]

    def _react_together(
        self, reaction: Reaction, together: ReactTogether, records: Sequence[Recorded]
    ) -> Sequence[Recorded]:
        """One commit for what several events lead to; none of them where one is in the way.

        Then it is found out which, by running them one by one.
        """
        if len(records) < 2:
            return ()
        try:
            led_to = together(records, self._state, self._tools)
            done = records[: len(led_to)]
            self._commit(reaction, list(zip(done, led_to, strict=True)))
        except (Stopping, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 - which of them, and what it says, comes next
            log.info("reaction %s: %s; one by one", reaction.name, one_line(str(error)))
            return ()
        return done

    def _load_cursors(self) -> dict[str, int]:
        """A reaction that is new to an old log begins where the others are."""
        if self._cursors is None:
            known = {name: self._state.cursor(name) for name in self._names}
            others = [position for position in known.values() if position]
            begin = min(others, default=0)
            self._cursors = {name: position or begin for name, position in known.items()}
        return self._cursors

    def _react(self, reaction: Reaction, record: Recorded) -> None:
        """Run one reaction and commit what it returned with its cursor.

        A commit the view refuses (another writer queued the same job meanwhile) means that the
        reaction saw an older state: it runs again on the new one.
        """
        for last_try in (False, False, True):
            try:
                events = list(reaction.react(record, self._state, self._tools))
                self._commit(reaction, [(record, events)])
                return
            except (Stopping, StoreError):
                raise
            except Exception as error:
                if isinstance(error, sqlite3.IntegrityError) and not last_try:
                    continue
                if isinstance(error, sqlite3.Error) and not isinstance(
                    error, sqlite3.IntegrityError
                ):
                    # The disk is full or broken: that is no verdict on the event.
                    raise StoreError(f"reaction {reaction.name} not stored: {error}") from error
                if not isinstance(error, CadenzaError):
                    log.exception("reaction %s failed at %d", reaction.name, record.position)
                failed = ReactionFailed(
                    reaction=reaction.name,
                    event_type=record.type,
                    error=type(error).__name__,
                    message=one_line(str(error)),
                )
                self._commit(reaction, [(record, [failed])])
                return

    def _commit(
        self, reaction: Reaction, led_to: Sequence[tuple[Recorded, Sequence[Event]]]
    ) -> None:
        """Store what events led to, with the reaction's cursor after the last of them.

        What led to nothing is not worth a commit: it may run again after a crash.
        """
        new = [
            NewEvent(
                record.stream,
                event,
                dedup_key=f"react:{reaction.name}:{record.position}:{index}",
                causation=record.position,
            )
            for record, events in led_to
            for index, event in enumerate(events)
        ]
        if not new:
            return

        def unit(transaction: Transaction) -> None:
            transaction.append(*new)
            transaction.set_cursor(reaction.name, led_to[-1][0].position)

        self._writer.run(unit)

    @staticmethod
    def _advance(cursors: Mapping[str, int]) -> Callable[[Transaction], None]:
        def commit(transaction: Transaction) -> None:
            for name, position in cursors.items():
                transaction.set_cursor(name, position)

        return commit

    def _run(self) -> None:
        patience: float | None = None
        while True:
            self._wake.wait(patience)
            patience = None
            if self._stopping:
                return
            self._wake.clear()
            try:
                self.drain()
            except Stopping:
                return
            except (StoreError, sqlite3.Error) as error:
                # The cursor has not moved: the same events are tried again when there is room.
                self._trouble(error)
                self._cursors = None
                patience = RETRY_S
