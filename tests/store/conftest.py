"""One suite, two journals: `address` names an empty place in each kind of database."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iotapretrain.errors import StoreError
from iotapretrain.store.journal import Journal
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft

IDENTITY = "test journal"


def notes(*texts: str) -> list[Draft]:
    return [Draft("note", text.encode()) for text in texts]


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run the calls in threads that start together; results, or the StoreError raised."""
    outcomes: list[object] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(place: int) -> None:
        barrier.wait()
        try:
            outcomes[place] = calls[place]()
        except StoreError as error:
            outcomes[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.fixture(params=["sqlite", "postgres"])
def new_address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Names a fresh place for a journal at every call."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres").schema
    return lambda: str(tmp_path_factory.mktemp("journal") / "journal.db")


@pytest.fixture
def address(new_address: Callable[[], str]) -> str:
    return new_address()


@pytest.fixture
def journal(address: str) -> Iterator[Journal]:
    with open_journal(address, IDENTITY) as opened:
        yield opened


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A file system of one megabyte, or a skip where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("mounting a small file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user can write, unlike the ones that pytest makes."""
    with tempfile.TemporaryDirectory(prefix="iota-shared-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite journal may be made."""
    return tmp_path / "journal.db"
