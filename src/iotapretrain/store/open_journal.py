"""Where a journal lives: in a SQLite file or in PostgreSQL, by its address (docs/journal.md).

In SQLite writers take turns by a lock file beside it, not by SQLite's own polling; in PostgreSQL
the server queues them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import sqlalchemy as sql
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from iotapretrain.disk.whole_files import unlock, wait_for_lock
from iotapretrain.errors import StoreError
from iotapretrain.net.retry import Deadline
from iotapretrain.store.journal import BUSY, PATIENCE_SECONDS, Journal

POLL_SECONDS = 0.001
"""How often a waiting process looks again; a commit takes about as long."""

_REASONS = {
    "SQLITE_BUSY": BUSY,
    "SQLITE_CANTOPEN": "the file cannot be opened; check that it and its folder may be written",
    "SQLITE_CORRUPT": "the file is damaged; keep it, and restore a copy",
    "SQLITE_FULL": "the disk is full; nothing of this append is stored; free space and try again",
    "SQLITE_IOERR": "the disk refused to read or write; nothing of this append is stored",
    "SQLITE_NOTADB": "this is not a journal file",
    "SQLITE_READONLY": "the file may not be written",
}

_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=ON",  # macOS: fsync alone stops at the disk's cache
    "PRAGMA trusted_schema=OFF",  # a stranger's file must not run anything
)

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 2 * PATIENCE_SECONDS
"""A statement may wait for its turn and must then have time to do its work."""

_SESSION = (
    "SET synchronous_commit = on;"
    f"SET lock_timeout = '{PATIENCE_SECONDS}s';"
    f"SET statement_timeout = '{STATEMENT_SECONDS}s';"
    f"SET idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s'"
)
_TURN = sql.text(
    "SELECT pg_advisory_xact_lock("
    "hashtextextended('iotapretrain journal in ' || current_schema(), 0))"
)
_LOCK_NOT_AVAILABLE = "55P03"


def open_journal(where: str | Path, identity: str | None = None) -> Journal:
    """Open the journal at a path, `sqlite:///PATH` or `postgresql://…`.

    With an identity the journal is created where there is none, and refused where its identity is
    another; without one it must exist.
    """
    address = str(where)
    if address.startswith(("postgresql://", "postgresql+psycopg://", "postgres://")):
        return PostgresJournal(address, identity)
    if "://" in address and not address.startswith("sqlite:///"):
        raise StoreError(f"{address}: a journal is a path, sqlite:///PATH or postgresql://…")
    return SqliteJournal(Path(address.removeprefix("sqlite:///")), identity)


@final
class SqliteJournal(Journal):
    """A journal on a local disk, shared by the threads and processes of one machine."""

    def __init__(self, path: Path, identity: str | None) -> None:
        _check_path(path, creating=identity is not None)
        self.writable = os.access(path if path.exists() else path.parent, os.W_OK)
        if not path.exists() and self.writable:
            _make_private(path)
        self._lock = Path(f"{path}-lock")
        address = f"{path.absolute().as_uri()}?{_mode(path, self.writable)}"
        engine = sql.create_engine(
            "sqlite://",
            creator=lambda: _connect(address),
            poolclass=QueuePool,
            pool_timeout=PATIENCE_SECONDS,
        )
        super().__init__(str(path), engine, identity)

    @contextmanager
    def _turn(self) -> Iterator[sql.Connection]:
        with self._alone(), self._engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def _settle(self) -> None:
        """The write-ahead log is a property of the file; a copy may have lost it."""
        if not self.writable:
            return
        with self._engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            if mode != "wal":
                with self._alone():
                    mode = connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar_one()
        if mode != "wal":
            raise StoreError(
                f"{self.name}: its file system cannot hold a journal; use a local disk"
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only writer of this machine. The lock file stays behind, empty: removing it would
        split the lock. Reading it is enough, so that users share what one of them made.
        """
        deadline = Deadline.after(PATIENCE_SECONDS)
        try:
            descriptor = wait_for_lock(self._lock, deadline, os.O_RDONLY, POLL_SECONDS)
        except OSError as error:
            raise StoreError(f"{self._lock}: cannot lock: {error.strerror}") from error
        if descriptor is None:
            raise StoreError(f"{self._lock}: {BUSY}")
        try:
            yield
        finally:
            unlock(descriptor)

    def _reason(self, error: DBAPIError) -> str:
        name = getattr(error.orig, "sqlite_errorname", "")
        return _REASONS.get("_".join(name.split("_")[:2]), f"{error.orig}")


def _check_path(path: Path, creating: bool) -> None:
    """Refuse what cannot be a journal before anything is made."""
    if path.is_dir():
        raise StoreError(f"{path}: this is a folder; name a file in it")
    if not path.exists() and not creating:
        raise StoreError(f"{path}: there is no journal here")
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the folder {path.parent} does not exist; create it first")


def _make_private(path: Path) -> None:
    """Make the file its owner's alone: it may hold secrets. SQLite gives its log the same mode."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {error.strerror}") from error


def _mode(path: Path, writable: bool) -> str:
    """How SQLite opens the file.

    Even a reader needs the log beside the file. Where it can neither find nor make one, the file is
    read as it lies there: nobody is writing now, and if somebody starts to, reading may fail.
    """
    if writable:
        return "mode=rwc"
    with_log = os.access(path.parent, os.W_OK) or Path(f"{path}-wal").exists()
    return "mode=ro" if with_log else "mode=ro&immutable=1"


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address,
        uri=True,
        timeout=PATIENCE_SECONDS,
        isolation_level=None,  # transactions begin where this package says so
        check_same_thread=False,  # the pool lends a connection to one thread at a time
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@final
class PostgresJournal(Journal):
    """A journal in a database or schema of its own, shared by any number of machines."""

    def __init__(self, address: str, identity: str | None) -> None:
        try:
            url = make_url(address)
            engine = sql.create_engine(
                url.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                pool_timeout=PATIENCE_SECONDS,
                connect_args={"connect_timeout": CONNECT_SECONDS},
            )
        except ArgumentError as error:
            raise StoreError("postgresql://USER:PASSWORD@HOST:PORT/DATABASE is expected") from error
        except ModuleNotFoundError as error:
            raise StoreError(
                "PostgreSQL needs its driver: pip install 'iotapretrain[postgres]'"
            ) from error
        sql.event.listen(engine, "connect", _start_session)
        super().__init__(url.render_as_string(hide_password=True), engine, identity)

    @contextmanager
    def _turn(self) -> Iterator[sql.Connection]:
        with self._engine.begin() as connection:
            connection.execute(_TURN)
            yield connection

    def _settle(self) -> None:
        with self._engine.connect() as connection:
            read_only = connection.execute(sql.text("SHOW transaction_read_only")).scalar_one()
        self.writable = read_only == "off"

    def _reason(self, error: DBAPIError) -> str:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            return BUSY
        return str(error.orig).strip().partition("\n")[0]


def _start_session(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute(_SESSION)
    cursor.close()
    connection.commit()
