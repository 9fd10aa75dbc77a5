"""State as a fold over a journal: kept current, snapshotted, and changed by commands.

state(n) = apply(state(n - 1), record(n))        records = decide(state, command)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import reduce
from queue import Full, Queue
from typing import Generic, Self, TypeVar

from iotapretrain.errors import StoreError
from iotapretrain.store.journal import Journal
from iotapretrain.store.record import Draft, Head, Record, Snapshot, chained, first_head, linked

Item = TypeVar("Item")
Result = TypeVar("Result")

GROUP_SIZE = 1000
QUEUE_SIZE = 100_000


class GroupCommit(Generic[Item, Result]):
    """One thread that takes whatever has been submitted while it was busy, and commits it.

    `commit` answers for every item of a group, in order, with its result or with the error that its
    submitter shall see; an error that it raises is everybody's.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._commit = commit
        self._waiting: Queue[tuple[Item, Future[Result]] | None] = Queue(QUEUE_SIZE)
        self._open = True
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="group commit", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Future[Result]:
        """Return at once; the future is done when the item is durable or refused."""
        future: Future[Result] = Future()
        with self._door:
            if not self._open:
                raise StoreError("nothing can be submitted any more: this is closed")
            try:
                self._waiting.put_nowait((item, future))
            except Full:
                raise StoreError(
                    f"{QUEUE_SIZE:,} commands wait for the disk already; submit more slowly"
                ) from None
        return future

    def close(self) -> None:
        """Commit what was submitted, then stop."""
        with self._door:
            was_open, self._open = self._open, False
        if was_open:
            self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            taken = self._take()
            closing = None in taken
            group = [
                entry
                for entry in taken
                if entry is not None and entry[1].set_running_or_notify_cancel()
            ]
            if group:
                self._settle(group)

    def _take(self) -> list[tuple[Item, Future[Result]] | None]:
        taken = [self._waiting.get()]
        while len(taken) < GROUP_SIZE and not self._waiting.empty():
            taken.append(self._waiting.get())
        return taken

    def _settle(self, group: Sequence[tuple[Item, Future[Result]]]) -> None:
        outcomes: Sequence[Result | Exception]
        try:
            outcomes = self._commit([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - not swallowed: every submitter raises it
            outcomes = [error] * len(group)
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


State = TypeVar("State")
Command = TypeVar("Command")

SNAPSHOT_EVERY = 10_000
"""Records between snapshots: what opening replays at most, about a tenth of a second."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JournalReading(Generic[State]):
    """How the records of a journal are read as states, which are values: `apply` changes none.

    `name` carries the version of the encoding, as in `chain/1`: snapshots of other names are not
    read. A journal keeps the few latest of a name; with a `stretch`, those of so many records have
    a name of their own, so that states from everywhere in the journal stay at hand.
    """

    name: str
    initial: State
    apply: Callable[[State, Record], State]
    dump: Callable[[State], bytes]
    load: Callable[[bytes], State]
    stretch: int = field(default=0, kw_only=True)

    def name_at(self, sequence: int) -> str:
        """What a state behind this record is kept under."""
        return f"{self.name}/{sequence // self.stretch}" if self.stretch else self.name

    def names(self, sequence: int) -> Iterator[str]:
        """What states at or before a record are kept under, latest first."""
        for last in range(sequence, -1, -(self.stretch or sequence + 1)):
            yield self.name_at(last)


@dataclass(frozen=True)
class Machine(JournalReading[State], Generic[State, Command]):
    """The pure functions of one kind of state that is changed by commands.

    `decide` refuses a command by raising; nothing is stored then.
    """

    decide: Callable[[State, Command], Iterable[Draft]]


@dataclass(frozen=True)
class Folded(Generic[State]):
    """The state behind one record."""

    head: Head
    state: State


class FoldReplay(Generic[State]):
    """Where the states of a journal are found: kept beside some records, or by what followed."""

    def __init__(self, journal: Journal, reading: JournalReading[State], every: int) -> None:
        self._journal, self._reading, self.every = journal, reading, every
        self._saved = 0

    @property
    def beginning(self) -> Folded[State]:
        """The position before the first record."""
        return Folded(first_head(self._journal.identity), self._reading.initial)

    def kept(self, at: int | None = None) -> Folded[State]:
        """The newest usable snapshot, at or below a record, or the beginning."""
        for name in self._reading.names(self._journal.head().sequence if at is None else at):
            found = self._journal.snapshot(name, at)
            if found is not None:
                return Folded(found.head, self._reading.load(found.state))
        return self.beginning

    def opened(self) -> Folded[State]:
        """The same for whoever goes on from it, and saves further ones."""
        position = self.kept()
        self._saved = position.head.sequence
        return position

    def behind(self, position: Folded[State], limit: int | None = None) -> Iterator[Folded[State]]:
        """The position behind every record that follows, up to so many."""
        for record in linked(position.head, self._journal.read(position.head.sequence, limit)):
            position = self.applied(position, record)
            yield position

    def applied(self, position: Folded[State], record: Record) -> Folded[State]:
        """The position behind the next record."""
        return Folded(record.head, self._reading.apply(position.state, record))

    def save(self, position: Folded[State], least: int | None = None) -> None:
        """Keep a snapshot if this many records have none, in any process.

        Without one the journal only opens more slowly, so a failure is logged and put off.
        """
        sequence = position.head.sequence
        least = self.every if least is None else least
        if not self._journal.writable or sequence - self._saved < least:
            return
        name = self._reading.name_at(sequence)
        try:
            kept = self._journal.snapshot(name)
            self._saved = 0 if kept is None else kept.head.sequence
            if sequence - self._saved >= least:
                state = self._reading.dump(position.state)
                self._journal.save_snapshot(name, Snapshot(position.head, state))
        except StoreError as error:
            _log.warning("snapshot of %s put off: %s", name, error)
        self._saved = sequence


class Fold(Generic[State, Command]):
    """The live state of a machine over a journal that other processes may be writing too.

    Commands of many threads are decided one after the other on the true head and committed in
    groups. The journal stays its owner's to close.
    """

    def __init__(
        self,
        journal: Journal,
        machine: Machine[State, Command],
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self._journal = journal
        self._machine = machine
        self._replay = FoldReplay(journal, machine, snapshot_every)
        self._publishing = threading.Lock()
        self._position = self._replay.opened()
        self.catch_up()
        self._group: GroupCommit[Command, list[Record]] = GroupCommit(self._commit)

    @property
    def position(self) -> Folded[State]:
        """The newest state that this process has seen, with its record; both of one moment."""
        return self._position

    @property
    def state(self) -> State:
        return self._position.state

    def catch_up(self) -> State:
        """The state behind everything that any process has appended until now."""
        return self._publish(self._advanced(self._position)).state

    def at(self, sequence: int) -> State:
        if not 0 <= sequence <= self._journal.head().sequence:
            raise StoreError(f"{self._journal.name}: there is no record {sequence}")
        kept = self._replay.kept(sequence)
        return self._advanced(kept, sequence - kept.head.sequence).state

    def execute(self, command: Command) -> list[Record]:
        """Decide and append; durable on return. Raises what `decide` raised, or StoreError."""
        return self.submit(command).result()

    def submit(self, command: Command) -> Future[list[Record]]:
        """The same without waiting; `asyncio.wrap_future` makes it awaitable."""
        return self._group.submit(command)

    def close(self) -> None:
        """Finish what was submitted, and keep the state if opening would replay much."""
        self._group.close()
        self._replay.save(self._position, self._replay.every // 10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _commit(self, commands: Sequence[Command]) -> list[list[Record] | Exception]:
        self._replay.save(self._position)  # before this group, so that its last is not kept waiting
        outcomes: list[list[Record] | Exception] = []
        drafts: list[Draft] = []
        with self._journal.writing() as writer:
            position = self._at_head(writer.head)
            for command in commands:
                try:
                    new = list(self._machine.decide(position.state, command))
                    records = chained(position.head, new)
                    position = reduce(self._replay.applied, records, position)
                except Exception as error:  # noqa: BLE001 - not swallowed: its submitter raises it
                    outcomes.append(error)
                else:
                    outcomes.append(records)
                    drafts += new
            writer.append(drafts)
        self._publish(position)
        return outcomes

    def _at_head(self, head: Head) -> Folded[State]:
        position = self._position
        if position.head != head:
            position = self._advanced(position)
        if position.head != head:
            raise StoreError(f"{self._journal.name}: replaced by another file while it was in use")
        return position

    def _advanced(self, position: Folded[State], limit: int | None = None) -> Folded[State]:
        for last in self._replay.behind(position, limit):
            position = last
        return position

    def _publish(self, position: Folded[State]) -> Folded[State]:
        with self._publishing:
            if position.head.sequence > self._position.head.sequence:
                self._position = position
            return self._position
