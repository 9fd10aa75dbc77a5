"""What only a server can do to a journal: crash, restart, refuse to write, run out of space."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from iotapretrain.errors import StoreError
from iotapretrain.store.journal import verify
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft
from tests.postgres import Cluster
from tests.store.conftest import IDENTITY, mounted
from tests.store.processes import Child, append_each
from tests.store.test_full_disk import LARGE, append_until_refused


def test_acknowledged_records_survive_a_crash_of_the_server(postgres: Cluster) -> None:
    """SIGQUIT: no checkpoint, every connection cut; the server recovers from its own log."""
    address = postgres.schema()
    with open_journal(address, IDENTITY) as journal:
        children = [Child(append_each, address, name, 100_000) for name in "abcd"]
        for child in children:
            while child.receive() != 20:
                pass
        postgres.stop(signal.SIGQUIT)
        acknowledged = [21 + len(child.received()) for child in children]
        assert [child.end() for child in children] == [1] * 4
        with pytest.raises(StoreError) as caught:
            journal.append([Draft("note", b"nobody is there")])
        assert "\n" not in str(caught.value)
        postgres.start()
        stored = verify(journal).sequence
        for name, count in zip("abcd", acknowledged, strict=True):
            mine = [int(record.payload) for record in journal.read() if record.author == name]
            assert mine == list(range(len(mine)))
            assert count <= len(mine) <= count + 1  # stored, and cut off before it could say so
        journal.append([Draft("note", b"goes on")], expected=stored)


def test_a_restart_of_the_server_is_not_noticed(postgres: Cluster) -> None:
    with open_journal(postgres.schema(), IDENTITY) as journal:
        journal.append([Draft("note", b"before")])
        postgres.stop()
        postgres.start()
        journal.append([Draft("note", b"after")], expected=1)
        assert verify(journal).sequence == 2


def test_every_session_waits_for_the_disk(postgres: Cluster) -> None:
    """Even where a role or an address says otherwise."""
    address = postgres.schema() + "%20-csynchronous_commit%3Doff"
    with open_journal(address, IDENTITY) as journal, journal._engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"


def test_a_server_that_only_reads(postgres: Cluster) -> None:
    """A standby, or a role that may only read."""
    address = postgres.schema()
    with open_journal(address, IDENTITY) as journal:
        new = journal.append([Draft("note", b"")])
    reading = address + "%20-cdefault_transaction_read_only%3Don"
    with open_journal(reading) as journal:
        assert list(journal.read()) == new
        assert not journal.writable
        with pytest.raises(StoreError, match="read-only here"):
            journal.append([Draft("note", b"")])


@pytest.fixture
def small_space(postgres: Cluster, tmp_path: Path) -> Iterator[Path]:
    """A table space of one megabyte, named `small`."""
    with mounted(postgres.folder / "small") as folder:
        shutil.chown(folder, *postgres.owner)
        with psycopg.connect(postgres.address, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        yield folder
        with psycopg.connect(postgres.address, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS cramped CASCADE")
            connection.execute("CHECKPOINT")
            connection.execute("DROP TABLESPACE small")


def test_a_full_disk(postgres: Cluster, small_space: Path) -> None:
    ballast = small_space / "ballast"
    ballast.write_bytes(bytes(400_000))
    address = postgres.schema("cramped") + "%20-cdefault_tablespace%3Dsmall"
    with open_journal(address, IDENTITY) as journal:
        stored, error = append_until_refused(journal)
        assert "No space left on device" in error
        assert "\n" not in error
        assert verify(journal).sequence == stored > 5
        ballast.unlink()
        journal.append([LARGE], expected=stored)
        assert verify(journal).sequence == stored + 1
