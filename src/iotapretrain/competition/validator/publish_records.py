"""Publishing signed records: to a file of our own, and to the hub when it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from iotapretrain.competition.records.public_rounds import publish_round, round_file
from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.competition.validator.journal import Memory, Order, signed_round
from iotapretrain.disk.whole_files import write_whole
from iotapretrain.errors import HubError
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId
from iotapretrain.net.retry import Clock
from iotapretrain.net.threads import Hand
from iotapretrain.rules.competition.validator.journal_records import RoundPublished
from iotapretrain.store.journal import Journal

HUB_REST = 60.0
"""Seconds that a hub is left alone after it refused or did not answer."""


@dataclass(frozen=True)
class Shelf:
    """Where records go: a hub's repository, and `rounds/` in our own folder."""

    hub: Hub
    repository: RepositoryId
    folder: Path

    def put(self, signed: SignedRound) -> Commit:
        """Both; doing it again changes nothing."""
        place = self.folder / round_file(signed.record.round)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, msgspec.json.encode(signed))
        return publish_round(self.hub, self.repository, signed)


class RecordPublisher:
    """Publishes what the journal holds as signed and nobody else has, the earliest first.

    It works beside the rounds, which do not wait for a hub that is down.
    """

    def __init__(
        self,
        shelf: Shelf,
        journal: Journal,
        memory: Memory,
        published: Callable[[SignedRound, Commit], None],
        refused: Callable[[HubError, float], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._shelf, self._journal, self._memory = shelf, journal, memory
        self._published, self._refused, self._clock = published, refused, clock
        self._hand = Hand("publish")
        self._task: asyncio.Task[None] | None = None
        self._not_before = clock()

    def start(self) -> None:
        """Go on, unless it is being done, or the hub is left alone for now."""
        if self._task is not None and self._task.done():
            task, self._task = self._task, None
            task.result()  # what happened to the journal is everybody's trouble
        waiting = self._memory.state.unpublished
        if self._task is None and waiting and self._clock() >= self._not_before:
            self._task = asyncio.create_task(self._publish())

    async def finish(self) -> None:
        """What can be published now is, when this returns."""
        self._not_before = self._clock()
        self.start()
        if self._task is not None:
            await self._task

    def stop(self) -> None:
        """Leave the rest to the next start."""
        if self._task is not None:
            self._task.cancel()

    async def _publish(self) -> None:
        while waiting := self._memory.state.unpublished:
            number, place = min(waiting.items())
            signed = signed_round(self._journal, place)
            try:
                commit = await self._hand.do(partial(self._shelf.put, signed))
            except HubError as error:
                self._not_before = self._clock() + HUB_REST
                self._refused(error, HUB_REST)
                return
            self._memory.execute(Order(RoundPublished(number)))
            self._published(signed, commit)
