"""The journal in one SQLite file: write-ahead log, every commit synced to the disk.

Writers take turns by a lock file beside it, not by SQLite's own polling (docs/journal.md).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import sqlalchemy as sql
from sqlalchemy.exc import DBAPIError
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
