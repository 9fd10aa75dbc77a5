"""Locks and writes: what others see at the moments that matter."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from iotapretrain.disk.whole_files import locked, try_lock, write_whole
from iotapretrain.errors import InputError, UnavailableHubError
from iotapretrain.net.waiting import Deadline


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
