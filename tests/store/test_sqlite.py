"""What only a file can do to a journal: its settings, its names, its neighbours."""

from __future__ import annotations

import os
import sqlite3
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from iotapretrain.disk.whole_files import locked
from iotapretrain.errors import StoreError, UnavailableHubError
from iotapretrain.net.retry import Deadline
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft
from tests.store.conftest import IDENTITY
from tests.store.processes import NOBODY, Child


def test_every_connection_syncs_every_commit(path: Path) -> None:
    """FULL is 2. Without it a commit would survive `kill -9`, but not a power cut."""
    with open_journal(path, IDENTITY) as journal:
        connect = journal._engine.connect
        with connect() as first, connect() as second:
            for connection in (first, second):
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_a_copy_in_use_is_a_journal(path: Path) -> None:
    """`VACUUM INTO` copies a journal in use; the copy has lost the log mode until it is opened."""
    copy = path.with_name("copy.db")
    with open_journal(path, IDENTITY) as journal:
        records = journal.append([Draft("a", b"")] * 3)
        connection = sqlite3.connect(path)
        connection.execute(f"VACUUM INTO '{copy}'")
        connection.close()
    with open_journal(copy) as journal:
        assert list(journal.read()) == records
        with journal._engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_names_with_a_meaning_in_addresses(path: Path) -> None:
    odd = path.with_name("a journal?mode=ro#100%25.db")
    with open_journal(odd, IDENTITY) as journal:
        journal.append([Draft("a", b"")])
    assert odd.exists()
    with open_journal(f"sqlite:///{odd}") as journal:
        assert journal.head().sequence == 1


def test_a_lock_file_that_cannot_be(path: Path) -> None:
    lock = Path(f"{path}-lock")
    lock.mkdir()
    with pytest.raises(StoreError, match=f"{lock}: cannot lock: Is a directory"):
        open_journal(path, IDENTITY)


def test_a_writer_holds_the_lock_file_until_its_commit_is_done(path: Path) -> None:
    """So no checkpoint of ours runs beside a commit, which old SQLite could get wrong."""
    lock = Path(f"{path}-lock")
    with open_journal(path, IDENTITY) as journal, journal.writing() as writer:
        writer.append([Draft("a", b"")])
        with pytest.raises(UnavailableHubError), locked(lock, Deadline.after(0.05)):
            pytest.fail("two hold it")
    with locked(lock, Deadline.after(0.05)):
        pass


def append_as_nobody(pipe: Connection, path: Path) -> None:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    with open_journal(path) as journal:
        journal.append([Draft("a", b"")])
        pipe.send(journal.head().sequence)


def test_users_share_a_journal_whose_lock_file_one_of_them_made(shared_folder: Path) -> None:
    path = shared_folder / "journal.db"
    with open_journal(path, IDENTITY) as journal:
        for file in shared_folder.glob("journal.db*"):
            file.chmod(0o644 if file.name.endswith("-lock") else 0o666)
        child = Child(append_as_nobody, path)
        assert child.received() == [1]
        assert child.end() == 0
        assert journal.head().sequence == 1
