"""A full disk: one clear line, nothing acknowledged is lost, and it goes on once there is space."""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from iotapretrain.errors import StoreError
from iotapretrain.store.journal import Journal, verify
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft
from tests.store.conftest import IDENTITY, mounted
from tests.store.processes import Child

LARGE = Draft("note", random.Random(1).randbytes(10_000))


def append_until_refused(journal: Journal) -> tuple[int, str]:
    """How many appends were acknowledged, and the refusal."""
    for stored in range(1000):
        try:
            journal.append([LARGE])
        except StoreError as error:
            return stored, str(error)
    pytest.fail("the disk was never full")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with mounted(tmp_path / "small") as folder:
        yield folder


def test_a_full_disk(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(400_000))
    path = small_disk / "journal.db"
    with open_journal(path, IDENTITY) as journal:
        stored, error = append_until_refused(journal)
        assert "the disk is full; nothing of this append is stored" in error
        assert "\n" not in error
        assert stored > 5
        assert verify(journal).sequence == stored
        with pytest.raises(StoreError, match="the disk is full"):
            journal.append([LARGE] * 10)
        ballast.unlink()
        journal.append([LARGE], expected=stored)
        assert verify(journal).sequence == stored + 1
    with open_journal(path) as journal:
        assert verify(journal).sequence == stored + 1


def write_within_limit(pipe: Connection, path: Path) -> None:
    """The system refuses every file past 300 kB, until the limit is lifted."""
    with open_journal(path, IDENTITY) as journal:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        stored, error = append_until_refused(journal)
        pipe.send((stored, error, verify(journal).sequence))
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        journal.append([LARGE], expected=stored)
        pipe.send(verify(journal).sequence)


def test_a_limit_on_file_sizes(path: Path) -> None:
    child = Child(write_within_limit, path)
    (stored, error, held), after = child.received()
    assert child.end() == 0
    assert "the disk refused to read or write; nothing of this append is stored" in error
    assert held == stored > 5
    assert after == stored + 1
    with open_journal(path) as journal:
        assert verify(journal).sequence == stored + 1
