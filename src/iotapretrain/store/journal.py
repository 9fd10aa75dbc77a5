"""A journal: append-only records that many threads and processes share, in SQLite or PostgreSQL."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec
from blake3 import blake3

from iotapretrain.errors import BrokenError, ConflictError, StoreError
from iotapretrain.store.record import (
    FORMAT,
    Draft,
    Head,
    Record,
    Snapshot,
    chained,
    first_head,
    linked,
)

try:
    import sqlalchemy as sql
    from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, Text
    from sqlalchemy.engine import Dialect
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError
except ModuleNotFoundError as error:
    raise StoreError("journals need SQLAlchemy: pip install 'iotapretrain[journal]'") from error

metadata = MetaData()


class Blob(LargeBinary):
    """Bytes as the driver gives them: converting what damage made of them could hide the damage."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:  # noqa: ARG002 -- SQLAlchemy's
        return None


_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # INTEGER makes it SQLite's own row id

journals = Table(
    "journal",
    metadata,
    Column("format", Integer, nullable=False),
    Column("identity", String, nullable=False),
)
"""One row: which journal this is, and by which version of the format it is written."""

records = Table(
    "records",
    metadata,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("payload", Blob, nullable=False),
    Column("author", Text, nullable=False),
    Column("signature", Blob, nullable=False),
    Column("link", Blob, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("name", String, primary_key=True),
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=False),
    Column("link", Blob, nullable=False),
    Column("seal", Blob, nullable=False),
    Column("state", Blob, nullable=False),
)
"""States kept beside their records; a cache, and never the truth."""


PATIENCE_SECONDS = 30
"""How long anything waits for other writers or for a free connection."""

BUSY = f"another writer has held it for more than {PATIENCE_SECONDS} s; try again"

PAGE_RECORDS = 1000
PAGE_BYTES = 4 * 2**20
CHUNK_RECORDS = 50
"""Reading holds at most a page of this many records or payload bytes, and the chunk behind it."""

SNAPSHOTS_KEPT = 4

LAST_SEQUENCE = 2**63 - 1
"""What a database can count to."""


class JournalWriter:
    """The right to append, inside one transaction that excludes every other writer of all
    processes; `head` is the true head, which nobody else can move.
    """

    def __init__(self, connection: sql.Connection, head: Head) -> None:
        self._connection = connection
        self.head = head

    def append(self, drafts: Iterable[Draft]) -> list[Record]:
        """Append behind the head: durable once the block has ended, undone if it raises."""
        new = chained(self.head, drafts)
        if new:
            self._connection.execute(sql.insert(records), [msgspec.structs.asdict(r) for r in new])
            self.head = new[-1].head
        return new


class Journal(AbstractContextManager["Journal"]):
    """Append-only records; a dialect says how a writer gets its turn, and how its errors read.

    Every method may raise StoreError; a wait for other writers ends with one after a deadline.
    Open it after forking, once a process. `name` is what messages call it: its path, or its address
    without the password. `identity` sets it apart from every other; the first link follows from it.
    """

    writable = True
    """False where the file can only be read; appends then fail."""

    def __init__(self, name: str, engine: sql.Engine, identity: str | None) -> None:
        self.name = name
        self._engine = engine
        try:
            with self._errors():
                self.identity = self._identify(identity)
                self._first = first_head(self.identity)
                self._settle()
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _turn(self) -> AbstractContextManager[sql.Connection]:
        """A transaction that excludes every other writer; commits durably, or rolls back."""

    @abstractmethod
    def _reason(self, error: DBAPIError) -> str:
        """What went wrong, for a person, and what to do."""

    @abstractmethod
    def _settle(self) -> None:
        """What is to be found out or set once this is known to be a journal."""

    def head(self) -> Head:
        """The last record, or sequence 0 and the first link when there is none."""
        with self._errors(), self._engine.connect() as connection:
            return self._head(connection)

    def append(self, drafts: Iterable[Draft], expected: int | None = None) -> list[Record]:
        """Append all drafts or none; durable on return.

        `expected` is the sequence of the head that the caller decided on; ConflictError if the
        head has moved since.
        """
        with self.writing() as writer:
            if expected is not None and expected != writer.head.sequence:
                raise ConflictError(expected, writer.head.sequence)
            return writer.append(drafts)

    @contextmanager
    def writing(self) -> Iterator[JournalWriter]:
        """Wait for the right to append, to read what is new, decide and append without conflict."""
        with self._writing() as connection:
            yield JournalWriter(connection, self._head(connection))

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """Records behind a sequence, in order, a page at a time: memory is bounded by the page."""
        left = limit
        while page := self._page(after, PAGE_RECORDS if left is None else min(PAGE_RECORDS, left)):
            yield from page
            after = page[-1].sequence
            left = None if left is None else left - len(page)

    def record(self, sequence: int) -> Record | None:
        """One record, or None if there is none with this sequence."""
        if not 0 < sequence <= LAST_SEQUENCE:
            return None
        found = next(self.read(sequence - 1, 1), None)
        return found if found is not None and found.sequence == sequence else None

    def save_snapshot(self, name: str, snapshot: Snapshot) -> None:
        """Keep a state beside its record. Names carry the version of the state's encoding."""
        ours, sequence = snapshots.c.name == name, snapshots.c.sequence
        kept = sql.select(sequence).where(ours).order_by(sequence.desc()).limit(SNAPSHOTS_KEPT)
        row = {"name": name, "seal": _seal(name, snapshot), "state": snapshot.state}
        row |= msgspec.structs.asdict(snapshot.head)
        with self._writing() as connection:
            same = sequence == snapshot.head.sequence
            connection.execute(sql.delete(snapshots).where(ours, same))
            connection.execute(sql.insert(snapshots), row)
            connection.execute(sql.delete(snapshots).where(ours, sequence.not_in(kept)))

    def snapshot(self, name: str, at: int | None = None) -> Snapshot | None:
        """The latest kept state at or below a record; those that do not match it are ignored."""
        query = (
            sql.select(snapshots.c.sequence, snapshots.c.link, snapshots.c.state, snapshots.c.seal)
            .join(records, records.c.sequence == snapshots.c.sequence)
            .where(snapshots.c.name == name, records.c.link == snapshots.c.link)
            .order_by(snapshots.c.sequence.desc())
        )
        if at is not None:
            query = query.where(snapshots.c.sequence <= at)
        with self._errors(), self._engine.connect() as connection:
            for sequence, link, state, seal in connection.execute(query):
                found = Snapshot(Head(sequence, link), state)
                if seal == _seal(name, found):
                    return found
        return None

    def snapshot_places(self) -> list[tuple[int, str]]:
        """The record and the name of every snapshot that is there, usable or not."""
        query = sql.select(snapshots.c.sequence, snapshots.c.name)
        with self._errors(), self._engine.connect() as connection:
            return [(sequence, name) for sequence, name in connection.execute(query)]

    def close(self) -> None:
        """Let go of the file or the server. Closing twice is fine."""
        self._engine.dispose()

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[sql.Connection]:
        if not self.writable:
            raise StoreError(f"{self.name}: this journal is read-only here; write to it elsewhere")
        with self._errors(), self._turn() as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(f"{self.name}: {self._reason(error)}") from error
        except PoolTimeoutError as error:
            raise StoreError(
                f"{self.name}: too many threads use this journal at once; all connections are taken"
            ) from error

    def _head(self, connection: sql.Connection) -> Head:
        last = sql.select(records.c.sequence, records.c.link).order_by(records.c.sequence.desc())
        row = connection.execute(last.limit(1)).one_or_none()
        if row is None:
            return self._first
        if type(row.link) is not bytes or len(row.link) != len(self._first.link):
            raise BrokenError(row.sequence, "its link is damaged, and nothing can follow it")
        return Head(row.sequence, row.link)

    def _page(self, after: int, most: int) -> list[Record]:
        """The records behind a sequence that fit into the memory set aside for a page."""
        query = sql.select(records).where(records.c.sequence > after)
        query = query.order_by(records.c.sequence).limit(most)
        page, size = [], 0
        with self._errors(), self._engine.connect() as connection:
            streaming = connection.execution_options(yield_per=CHUNK_RECORDS)
            with streaming.execute(query) as rows:
                for row in rows:
                    page.append(_record(*row))
                    size += len(page[-1].payload)
                    if size >= PAGE_BYTES:
                        break
        return page

    def _identify(self, wanted: str | None) -> str:
        """The identity found, or given to a new journal; refuses what is no journal of ours."""
        with self._engine.connect() as connection:
            found = self._found(connection)
        if found is None and wanted is not None:
            first_head(wanted)
            with self._writing() as connection:
                found = self._found(connection) or self._create(connection, wanted)
        if found is None:
            raise StoreError(f"{self.name}: there is no journal here yet")
        if wanted not in (None, found):
            raise StoreError(f"{self.name}: this is journal {found!r}, not {wanted!r}")
        return found

    def _found(self, connection: sql.Connection) -> str | None:
        tables = sql.inspect(connection).get_table_names()
        if not tables:
            return None
        if not set(metadata.tables) <= set(tables):
            raise StoreError(f"{self.name}: this is a database of something else, not a journal")
        found = connection.execute(sql.select(journals)).all()
        if len(found) != 1:
            raise StoreError(f"{self.name}: the journal's own row is lost; restore a copy")
        version, identity = found[0]
        if version != FORMAT:
            raise StoreError(
                f"{self.name}: written in format {version}; this version reads {FORMAT}: upgrade it"
            )
        return str(identity)

    def _create(self, connection: sql.Connection, identity: str) -> str:
        metadata.create_all(connection)
        connection.execute(sql.insert(journals).values(format=FORMAT, identity=identity))
        return identity


def _record(
    sequence: int, kind: object, payload: object, author: object, signature: object, link: object
) -> Record:
    """A stored row; damage can change even the types."""
    match kind, payload, author, signature, link:
        case str(), bytes(), str(), bytes(), bytes():
            return Record(sequence, kind, payload, author, signature, link)
    raise BrokenError(sequence, "its fields are not of their types")


def _seal(name: str, snapshot: Snapshot) -> bytes:
    """Damage to a kept state must not pass for the state."""
    return blake3(msgspec.msgpack.encode((name, snapshot))).digest()


def verified(journal: Journal) -> Iterator[Record]:
    """Every record in order, until BrokenError names the first that does not hold.

    Whoever knows more about the records (signatures, balances) checks it while iterating.
    """
    head = first_head(journal.identity)
    try:
        for record in linked(head, journal.read()):
            yield record
            head = record.head
    except StoreError:  # what is left of its page comes one by one, so that a record can be named
        while found := _next(journal, head):
            yield found
            head = found.head


def verify(journal: Journal) -> Head:
    """The head, once every record behind the identity has been found to hold.

    Records cut off at the end cannot be missed from the inside: compare the head with one that was
    kept or signed elsewhere.
    """
    head = first_head(journal.identity)
    for record in verified(journal):
        head = record.head
    return head


def _next(journal: Journal, head: Head) -> Record | None:
    try:
        return next(linked(head, journal.read(head.sequence, 1)), None)
    except BrokenError:
        raise
    except StoreError as error:
        raise BrokenError(head.sequence + 1, f"it cannot be read: {error}") from error
