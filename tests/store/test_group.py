"""Group commit: one commit serves many, and everyone gets their own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError

import pytest

from iotapretrain.errors import StoreError
from iotapretrain.store import fold
from iotapretrain.store.fold import GroupCommit


class Desk:
    """Commits when it is let; odd numbers are refused."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.entered = threading.Event()
        self.groups: list[list[int]] = []

    def commit(self, items: Sequence[int]) -> list[int | Exception]:
        self.entered.set()
        assert self.let.wait(10)
        self.groups.append(list(items))
        if 13 in items:
            raise StoreError("the disk is full")
        return [ValueError(item) if item % 2 else item * 10 for item in items]


def test_what_waits_is_committed_together() -> None:
    desk = Desk()
    office = GroupCommit(desk.commit)
    first = office.submit(0)
    desk.entered.wait(10)
    futures = [office.submit(number) for number in range(2, 8)]
    desk.let.set()
    assert first.result(10) == 0
    for number, future in enumerate(futures, 2):
        if number % 2:
            with pytest.raises(ValueError, match=str(number)):
                future.result(10)
        else:
            assert future.result(10) == number * 10
    office.close()
    assert desk.groups == [[0], [2, 3, 4, 5, 6, 7]]


def test_an_error_of_the_commit_is_everybodys_and_the_next_goes_on() -> None:
    desk = Desk()
    desk.let.set()
    office = GroupCommit(desk.commit)
    with pytest.raises(StoreError, match="the disk is full"):
        office.submit(13).result(10)
    assert office.submit(2).result(10) == 20
    office.close()


def test_what_was_cancelled_in_time_is_not_committed() -> None:
    desk = Desk()
    office = GroupCommit(desk.commit)
    office.submit(0)
    desk.entered.wait(10)
    kept, dropped = office.submit(2), office.submit(4)
    assert dropped.cancel()
    desk.let.set()
    assert kept.result(10) == 20
    with pytest.raises(CancelledError):
        dropped.result(10)
    office.close()
    assert desk.groups == [[0], [2]]


def test_closing_finishes_what_was_submitted() -> None:
    desk = Desk()
    office = GroupCommit(desk.commit)
    futures = [office.submit(number) for number in (0, 2, 4)]
    threading.Timer(0.05, desk.let.set).start()
    office.close()
    assert [future.result(0) for future in futures] == [0, 20, 40]
    with pytest.raises(StoreError, match="closed"):
        office.submit(6)
    office.close()


def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "QUEUE_SIZE", 2)
    desk = Desk()
    office = GroupCommit(desk.commit)
    futures = [office.submit(0)]
    desk.entered.wait(10)
    futures += [office.submit(2), office.submit(4)]
    with pytest.raises(StoreError, match="2 commands wait for the disk already"):
        office.submit(6)
    desk.let.set()
    assert [future.result(10) for future in futures] == [0, 20, 40]
    office.close()


def test_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "GROUP_SIZE", 4)
    desk = Desk()
    office = GroupCommit(desk.commit)
    futures = [office.submit(number * 2) for number in range(11)]
    desk.let.set()
    assert [future.result(10) for future in futures] == [number * 20 for number in range(11)]
    office.close()
    assert max(map(len, desk.groups)) == 4


async def test_tasks_can_wait() -> None:
    desk = Desk()
    desk.let.set()
    office = GroupCommit(desk.commit)
    waiting = [asyncio.wrap_future(office.submit(number * 2)) for number in range(50)]
    assert await asyncio.gather(*waiting) == [number * 20 for number in range(50)]
    await asyncio.to_thread(office.close)
    assert len(desk.groups) < 50
