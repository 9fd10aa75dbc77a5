"""Locks and writes: what others see at the moments that matter."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from iotapretrain.disk.whole_files import locked, try_lock, write_whole
from iotapretrain.errors import InputError, UnavailableHubError
from iotapretrain.net.retry import Deadline
from tests.store.processes import Child


def test_a_lock_on_a_file_that_moved_away_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flock = tmp_path / "partial", fcntl.flock
    path.touch()

    def move_first(descriptor: int, operation: int) -> None:
        os.rename(path, tmp_path / "blob")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", move_first)
    assert try_lock(path) is None


def test_a_lock_has_one_holder_unless_it_is_shared(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert try_lock(path) is None
    path.touch()
    first = try_lock(path, shared=True)
    second = try_lock(path, shared=True)
    assert first is not None
    assert second is not None
    assert try_lock(path) is None
    os.close(first)
    os.close(second)
    with locked(path):
        assert try_lock(path, shared=True) is None


def test_waiting_for_a_lock_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locked(path),
        pytest.raises(UnavailableHubError, match="waiting for another process"),
        locked(path, Deadline.after(0.05)),
    ):
        pass


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "head"
    write_whole(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_deadline_leaves_time() -> None:
    with pytest.raises(InputError, match="leaves no time"):
        Deadline.after(0)


def hold(pipe: Connection, path: Path) -> None:
    """Hold the lock until told to die."""
    with locked(path, Deadline.after(5)):
        pipe.send("held")
        pipe.recv()
        os.kill(os.getpid(), signal.SIGKILL)


def test_threads_take_turns(tmp_path: Path) -> None:
    inside, most = [], []

    def work(lock: Path) -> None:
        for _ in range(50):
            with locked(lock, Deadline.after(10)):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work, args=(tmp_path / "lock",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 150


def test_waiting_ends_and_a_killed_holder_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    child = Child(hold, tmp_path / "lock")
    assert child.receive() == "held"
    with (
        pytest.raises(UnavailableHubError, match="waiting for another process"),
        locked(lock, Deadline.after(0.1)),
    ):
        pytest.fail("two hold it")
    child.send("die")
    with locked(lock, Deadline.after(5)):
        assert child.end() == -9


def test_a_thread_that_waits_too_long(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with (
        locked(lock, Deadline.after(1)),
        pytest.raises(UnavailableHubError, match="waiting for another process"),
        locked(lock, Deadline.after(0.05)),
    ):
        pytest.fail("held twice")
    with locked(lock, Deadline.after(1)):
        pass


def test_what_is_raised_inside_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), locked(lock, Deadline.after(1)):
        raise ZeroDivisionError
    with locked(lock, Deadline.after(0.1)):
        pass
