"""The one interface of a journal, and the door to its implementations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from iotapretrain.errors import BrokenError, StoreError
from iotapretrain.store.record import Draft, Head, Record, Snapshot, first_head, linked


class Writer(Protocol):
    """The right to append, held by one writer of all processes until its block ends."""

    @property
    def head(self) -> Head:
        """The true head: nobody else can move it while the block lasts."""

    def append(self, drafts: Iterable[Draft]) -> list[Record]:
        """Append behind the head: durable once the block has ended, undone if it raises."""


class Journal(Protocol):
    """Append-only records that many threads and processes share.

    Every method may raise StoreError; a wait for other writers ends with one after a deadline.
    Open it after forking, once a process.
    """

    @property
    def name(self) -> str:
        """The journal as messages call it: its path, or its address without the password."""

    @property
    def identity(self) -> str:
        """What sets this journal apart from every other; the first link follows from it."""

    @property
    def writable(self) -> bool:
        """False where the file can only be read; appends then fail."""

    def head(self) -> Head:
        """The last record, or sequence 0 and the first link when there is none."""

    def append(self, drafts: Iterable[Draft], expected: int | None = None) -> list[Record]:
        """Append all drafts or none; durable on return.

        `expected` is the sequence of the head that the caller decided on; ConflictError if the
        head has moved since.
        """

    def writing(self) -> AbstractContextManager[Writer]:
        """Wait for the right to append, to read what is new, decide and append without conflict."""

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """Records behind a sequence, in order, a page at a time: memory is bounded by the page."""

    def record(self, sequence: int) -> Record | None:
        """One record, or None if there is none with this sequence."""

    def save_snapshot(self, name: str, snapshot: Snapshot) -> None:
        """Keep a state beside its record. Names carry the version of the state's encoding."""

    def snapshot(self, name: str, at: int | None = None) -> Snapshot | None:
        """The latest kept state at or below a record; those that do not match it are ignored."""

    def snapshot_places(self) -> list[tuple[int, str]]:
        """The record and the name of every snapshot that is there, usable or not."""

    def close(self) -> None:
        """Let go of the file or the server. Closing twice is fine."""

    def __enter__(self) -> Journal: ...

    def __exit__(self, *exception: object) -> None: ...


def open_journal(where: str | Path, identity: str | None = None) -> Journal:
    """Open the journal at a path, `sqlite:///PATH` or `postgresql://…`.

    With an identity the journal is created where there is none, and refused where its identity is
    another; without one it must exist.
    """
    try:
        from iotapretrain.store.postgres import PostgresJournal
        from iotapretrain.store.sqlite import SqliteJournal
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        raise StoreError(
            f"{where}: journals need SQLAlchemy: pip install 'iotapretrain[journal]'"
        ) from error
    address = str(where)
    if address.startswith(("postgresql://", "postgresql+psycopg://", "postgres://")):
        return PostgresJournal(address, identity)
    if "://" in address and not address.startswith("sqlite:///"):
        raise StoreError(f"{address}: a journal is a path, sqlite:///PATH or postgresql://…")
    return SqliteJournal(Path(address.removeprefix("sqlite:///")), identity)


def verified(journal: Journal) -> Iterator[Record]:
    """Every record in order, until BrokenError names the first that does not hold.

    Whoever knows more about the records (signatures, balances) checks it while iterating.
    """
    head = first_head(journal.identity)
    try:
        for record in linked(head, journal.read()):
            yield record
            head = record.head
    except StoreError:
        yield from _one_by_one(journal, head)


def verify(journal: Journal) -> Head:
    """The head, once every record behind the identity has been found to hold.

    Records cut off at the end cannot be missed from the inside: compare the head with one that was
    kept or signed elsewhere.
    """
    head = first_head(journal.identity)
    for record in verified(journal):
        head = record.head
    return head


def _one_by_one(journal: Journal, head: Head) -> Iterator[Record]:
    """What is left of the page that failed, so that the error names a record and not the page."""
    while True:
        try:
            record = next(linked(head, journal.read(head.sequence, 1)), None)
        except BrokenError:
            raise
        except StoreError as error:
            raise BrokenError(head.sequence + 1, f"it cannot be read: {error}") from error
        if record is None:
            return
        yield record
        head = record.head
