"""The dashboard behind its API: it follows a network in the background and answers pages."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, TypeVar, final

from iotapretrain.chain.wallets import is_signature
from iotapretrain.dashboard.answer_cache import AnswerCache
from iotapretrain.dashboard.audits import Audits
from iotapretrain.dashboard.chain_watch import ChainWatch
from iotapretrain.dashboard.event_index import EventWriter
from iotapretrain.dashboard.hub_rounds import HubRounds
from iotapretrain.dashboard.hub_watch import HubWatch
from iotapretrain.dashboard.index import Index
from iotapretrain.dashboard.live import Topic, Versions
from iotapretrain.dashboard.names import People
from iotapretrain.dashboard.network_folder import NetworkFolder
from iotapretrain.dashboard.round_index import RoundWriter
from iotapretrain.hub.protocol import Hub
from iotapretrain.net.threads import OwnLoop
from iotapretrain.rules.competition.schedule import Schedule
from iotapretrain.rules.sampling import SYNC_CADENCE

Item = TypeVar("Item")
_log = logging.getLogger(__name__)

FOLDER_SECONDS = 1.0
CHAIN_SECONDS = 2.0
HUB_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0
NAMES_EVERY = 15
READERS = 2


@dataclass(frozen=True)
class ShownNetwork:
    """What is shown: a network by its SDK name, its folder if it has one, its subnet and hub."""

    network: str
    folder: Path | None
    netuid: int
    hub: Hub | None = None
    schedule: Schedule | None = None
    audit_command: tuple[str, ...] = ()


@final
class Desk:
    """Open it with `async with`; then ask."""

    def __init__(self, place: ShownNetwork) -> None:
        self.place = place
        self.folder = None if place.folder is None else NetworkFolder(place.folder)
        self.versions = Versions(secrets.token_hex(4))
        self._home = TemporaryDirectory(prefix="iota-dashboard-")
        self.index = Index(Path(self._home.name) / "index.sqlite")
        self.names: dict[str, str] = {}
        self.people = People(self.index, self.names)
        self.chain = ChainWatch(self.index, place.network, place.netuid)
        self._chain_loop = OwnLoop("dashboard-chain")
        self.audits = Audits(place.audit_command, lambda: self.versions.bump("audits"))
        self._executor = ThreadPoolExecutor(READERS, thread_name_prefix="dashboard")
        self.answers = AnswerCache(self._executor, self.versions)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        rounds = RoundWriter(self.index, is_signature)
        following = [self._tell(), self._follow_chain()]
        if self.folder is not None:
            following.append(self._follow_folder(self.folder, rounds))
        if self.place.hub is not None:
            following.append(self._follow_hub(self.place.hub, rounds))
        self._tasks = [asyncio.create_task(each) for each in following]
        for task in self._tasks:
            task.add_done_callback(_ended)
        return self

    async def __aexit__(self, *exception: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.audits.close()
        await self._chain_loop.run(self.chain.close())
        self._chain_loop.close()
        self._executor.shutdown()
        self.index.close()
        self._home.cleanup()

    async def _tell(self) -> None:
        """Of every change, once the pages that are being looked at show it."""
        while True:
            numbers = await self.versions.due()
            await self.answers.renew(numbers)
            self.versions.tell(numbers)

    async def _follow_folder(self, folder: NetworkFolder, rounds: RoundWriter) -> None:
        events = EventWriter(self.index)
        for looks in count():
            if looks % NAMES_EVERY == 0:
                self.names.update(await asyncio.to_thread(folder.names))
            try:
                await self._write("rounds", folder.new_rounds(), rounds.write)
                await self._write("events", folder.new_events(), events.write)
            except (OSError, sqlite3.OperationalError) as error:
                _log.warning("%s cannot be read now: %s", folder.path, error)
            await asyncio.sleep(FOLDER_SECONDS)

    async def _write(
        self, topic: Topic, batches: Iterator[list[Item]], write: Callable[[list[Item]], int]
    ) -> None:
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            if await asyncio.to_thread(write, batch):
                self.versions.bump(topic)

    async def _follow_chain(self) -> None:
        while True:
            before = self.chain.block, self.chain.problem, self.chain.ended
            new = await self._chain_loop.run(self.chain.look())
            past = await self._chain_loop.run(self.chain.look_back())
            now = self.chain.block, self.chain.problem, self.chain.ended
            if new or past or now != before:
                self.versions.bump("chain")
            await asyncio.sleep(0 if past else CHAIN_SECONDS)

    async def _follow_hub(self, hub: Hub, writer: RoundWriter) -> None:
        """Often while there is something new, and ever more seldom while there is not."""
        schedule = self.place.schedule
        cadence = SYNC_CADENCE if schedule is None else schedule.sync_cadence
        rounds = HubRounds(self.index, hub, writer, cadence=cadence)
        watch = HubWatch(self.index, hub, rounds)
        pause = HUB_SECONDS
        while True:
            await asyncio.sleep(pause)
            publishers = await self._chain_loop.run(self.chain.publishers())
            new = publishers is not None and await asyncio.to_thread(watch.look, publishers)
            pause = HUB_SECONDS if new else min(2 * pause, LONGEST_PAUSE_SECONDS)
            if new:
                self.versions.bump("rounds")


def _ended(task: asyncio.Task[None]) -> None:
    """Following never ends by itself: a page that silently stands still would be a lie."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the dashboard stopped following", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
