"""The lock file: threads and processes exclude each other, and waiting ends."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from iotapretrain.disk.lock_file import FileLock
from iotapretrain.errors import StoreError
from tests.store.processes import Child


def hold(pipe: Connection, path: Path) -> None:
    """Hold the lock until told to die."""
    with FileLock(path).held(5):
        pipe.send("held")
        pipe.recv()
        os.kill(os.getpid(), signal.SIGKILL)


def test_threads_take_turns(tmp_path: Path) -> None:
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    inside, most = [], []

    def work(mine: FileLock) -> None:
        for _ in range(50):
            with mine.held(10):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work, args=(mine,)) for mine in (lock, lock, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 150
    lock.close()
    other.close()


def test_waiting_ends_and_a_killed_holder_lets_go(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    child = Child(hold, tmp_path / "lock")
    assert child.receive() == "held"
    with pytest.raises(StoreError, match="another writer has held it"), lock.held(0.1):
        pytest.fail("two hold it")
    child.send("die")
    with lock.held(5):
        assert child.end() == -9
    lock.close()


def test_a_thread_that_waits_too_long(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    with (
        lock.held(1),
        pytest.raises(StoreError, match="another writer has held it"),
        lock.held(0.05),
    ):
        pytest.fail("held twice")
    with lock.held(1):
        pass
    lock.close()


def test_what_is_raised_inside_lets_go(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(ZeroDivisionError), lock.held(1):
        raise ZeroDivisionError
    with lock.held(0.1):
        pass
    lock.close()
