"""A run's log in memory: hash-linked, folded once for everybody, and asked over bad lines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from iotapretrain.arena.swarm.virtual_loop import Life, heard
from iotapretrain.arena.swarm.weather import PATIENCE, Ways
from iotapretrain.errors import AwayError, IotaError
from iotapretrain.rules.swarm.log.fold_records import apply
from iotapretrain.rules.swarm.log.requests import Request
from iotapretrain.rules.swarm.log.swarm_records import SwarmRecord
from iotapretrain.rules.swarm.log.swarm_state import SwarmState, SwarmTerms
from iotapretrain.store.record import Record, chained, first_head
from iotapretrain.swarm.record_bytes import to_draft

OFFICE = "orchestrator"
"""The orchestrator's name, in cuts and faults."""


class MemoryLog:
    """All records, and the state behind the newest; what is in it survives every process."""

    def __init__(self, terms: SwarmTerms, identity: str) -> None:
        self.made: list[SwarmRecord] = []
        self.entries: list[Record] = []
        self.state = SwarmState(terms)
        self._head = first_head(identity)
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def digest(self) -> str:
        """The newest link: equal logs have equal ones."""
        return self._head.link.hex()

    def append(self, made: Sequence[SwarmRecord], author: str = "") -> None:
        """All or nothing: what cannot be applied raises before anything is written."""
        state = self.state
        for record in made:
            state = apply(state, record)
        entries = chained(self._head, [to_draft(record, author) for record in made])
        self.state, self._head = state, entries[-1].head
        self.made += made
        self.entries += entries
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            _set(each)

    async def later_than(self, sequence: int, seconds: float) -> None:
        """Wait for a record behind this number, so long at most."""
        if len(self.made) > sequence:
            return
        loop = asyncio.get_running_loop()
        news = loop.create_future()
        self._waiting.append(news)
        timer = loop.call_later(seconds, _set, news)
        try:
            await news
        finally:
            timer.cancel()


def _set(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)


class LogWriter:
    """The log as one life of the orchestrator writes it; `wrote` may end that life."""

    def __init__(self, life: Life, log: MemoryLog, wrote: Callable[[int], None]) -> None:
        self._life, self._log, self._wrote = life, log, wrote

    @property
    def sequence(self) -> int:
        return len(self._log.made)

    @property
    def state(self) -> SwarmState:
        return self._log.state

    def write(self, made: Sequence[SwarmRecord], author: str = "") -> None:
        self._life.check()
        before = self.sequence
        self._log.append(made, author)
        self._wrote(before)
        self._life.check()


class Answering(Protocol):
    """What participants need of an orchestrator."""

    def seen(self, hotkey: str) -> None: ...

    def ask(self, author: str, request: Request) -> Coroutine[Any, Any, int]: ...


class Office:
    """Where the orchestrator is reached, while it lives."""

    def __init__(self, log: MemoryLog, ways: Ways, failed: Callable[[BaseException], None]) -> None:
        self.log, self.ways = log, ways
        self._failed = failed
        self._life: Life | None = None
        self._orchestrator: Answering | None = None

    def open(self, life: Life, orchestrator: Answering) -> None:
        """From now on requests go there."""
        self._life, self._orchestrator = life, orchestrator

    def see(self, name: str) -> bool:
        """Whether somebody is there, and hears of the participant."""
        if self._life is None or self._life.over or self._orchestrator is None:
            return False
        self._orchestrator.seen(name)
        return True

    def take(self, name: str, request: Request) -> asyncio.Task[int] | None:
        """A request that arrives: the orchestrator answers it, whoever still waits for that."""
        if not self.see(name) or self._life is None or self._orchestrator is None:
            return None
        task = self._life.begin(self._orchestrator.ask(name, request))
        task.add_done_callback(self._is_over)
        return task

    def _is_over(self, task: asyncio.Task[int]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, IotaError):
            self._failed(error)


class AskedLog:
    """The log as one participant sees it: every request and answer may be lost, or come twice."""

    def __init__(self, life: Life, office: Office) -> None:
        self.name, self._office = life.name, office
        self.returned: list[Request] = []
        """What the orchestrator has acknowledged."""

    async def ask(self, request: Request) -> int:
        office, ways = self._office, self._office.ways
        await ways.go(self.name, OFFICE, "requests")
        task = office.take(self.name, request)
        if (later := ways.again()) is not None:
            asyncio.get_running_loop().call_later(later, office.take, self.name, request)
        if task is None:
            return await ways.nobody(self.name, OFFICE)
        if not await heard(task, PATIENCE) or task.cancelled():
            raise AwayError(f"{self.name}: the orchestrator does not answer")
        await ways.go(OFFICE, self.name, "answers")
        sequence = task.result()
        self.returned.append(request)
        return sequence

    async def behind(self, sequence: int) -> tuple[int, SwarmState]:
        office = self._office
        await office.ways.go(self.name, OFFICE, "requests")
        if not office.see(self.name):
            await office.ways.nobody(self.name, OFFICE)
        await office.log.later_than(sequence, PATIENCE)
        if not office.see(self.name):
            raise AwayError(f"{self.name}: the orchestrator is gone")
        found = len(office.log.made), office.log.state
        await office.ways.go(OFFICE, self.name, "log read")
        return found
