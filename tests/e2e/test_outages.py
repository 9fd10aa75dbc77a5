"""A validator that is left alone while chain, hub and text go away and come back under it.

What happens is what docs/validator.md states; afterwards its records are those of a twin for whom
nothing was ever away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, cast

import pytest

from iotapretrain.chain.client import ChainClient, connect
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.competition.validator import publish_records
from iotapretrain.data import outcome
from iotapretrain.errors import UnavailableHubError, UnavailableSourceError, UnreachableError
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import Hub
from iotapretrain.models.worker import Worker
from iotapretrain.observe.events import RecordPublished, RoundFinished
from iotapretrain.rules.competition.validator.misses import MOST_TRIES
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Oracle, Rig, without_author
from tests.competition.world import opened
from tests.e2e.test_liar import ONE

SECONDS = 120.0
"""Enough for anything here on any machine; nothing waits so long when all is well."""
DOWN = "something that is down"


@dataclass
class Cable:
    """A way to something, which can be cut."""

    end: Any
    error: Exception
    cut: bool = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.end, name)
        if not callable(real):
            return real

        def through(*args: Any, **more: Any) -> Any:
            self._check()
            return real(*args, **more)

        async def through_later(*args: Any, **more: Any) -> Any:
            self._check()
            return await real(*args, **more)

        return through_later if iscoroutinefunction(real) else through

    def _check(self) -> None:
        if self.cut:
            raise self.error

    @contextmanager
    def away(self) -> Iterator[None]:
        self.cut = True
        try:
            yield
        finally:
            self.cut = False


@dataclass
class Libraries:
    """The sources of text; those in `closed` are away."""

    real: Callable[..., Any]
    closed: set[str] = field(default_factory=set)

    def open(self, name: str, *args: Any, **more: Any) -> Any:
        if name in self.closed:
            raise UnavailableSourceError(name, "is away")
        return self.real(name, *args, **more)


async def test_it_waits_goes_on_and_recovers_by_itself(
    tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish_records, "HUB_REST", 0.05)
    libraries = Libraries(outcome.open_source)
    monkeypatch.setattr(outcome, "open_source", libraries.open)
    async with opened(tmp_path, worker, ONE) as world:
        await world.commit("miner-1", world.model(1.0, seed=1))
        await world.commit("miner-2", world.model(1.0, seed=2))
        hub = Cable(FolderHub(tmp_path / "hub", "validator-1"), UnavailableHubError("away"))
        async with await connect(f"embedded:{tmp_path / 'net'}") as client:
            chain = Cable(client, UnreachableError("away"))
            rig = Rig(
                world,
                oracle=oracle(),
                hub=cast(Hub, hub),
                settings={"once": False, "weights_every": 10_000, "longest_pause": 0.05},
            )
            twin = Rig(world, "validator-2", oracle=oracle(), settings={"weights_every": 10_000})
            async with left_alone(rig, cast(ChainClient, chain)):
                await world.to_block(30)
                await until(lambda: finished(rig) == [30])
                await twin.run()

                with chain.away():
                    await world.to_block(40)
                    await until(lambda: rig.ears.waits().count(DOWN) >= 3)
                    assert finished(rig) == [30]
                await until(lambda: finished(rig) == [30, 40])
                await twin.run()

                with hub.away():
                    await world.to_block(50)
                    await until(lambda: "publishing a record" in rig.ears.waits())
                    await until(lambda: finished(rig) == [30, 40, 50])
                    assert published(rig) == [1, 2]
                await world.to_block(55)
                await until(lambda: published(rig) == [1, 2, 3, 4])
                await twin.run()

                libraries.closed = {"python-docs", "python-code"}
                await world.to_block(60)
                await until(lambda: rig.ears.waits().count("competition 0") == MOST_TRIES)
                assert finished(rig)[-1] == 55
                libraries.closed = {"python-docs"}
                await world.to_block(70)
                await until(lambda: finished(rig)[-1] == 70)
                libraries.closed = set()
                await world.to_block(80)
                await until(lambda: published(rig)[-1:] == [6])
                await twin.run()

        records = {record.block: record for record in rig.records()}
        assert list(records) == [30, 40, 50, 55, 70, 80]
        others = {record.block: record for record in twin.records()}
        assert list(others) == [30, 40, 55, 80]
        for block, record in others.items():
            assert without_round(records[block]) == without_round(record), block
        prose, code = records[70].tasks
        assert (prose.missing is None, prose.pages, code.missing) == (False, (), None)
        assert {record.champion for record in records.values()} == {hotkey("miner-2")}
        assert (await rig.state()).unpublished == {}


def oracle() -> Oracle:
    return Oracle({hotkey("miner-1"): 3.0, hotkey("miner-2"): 2.0})


@asynccontextmanager
async def left_alone(rig: Rig, client: ChainClient) -> AsyncIterator[None]:
    """The validator runs; whatever ends it before the test does is the test's failure."""
    task = asyncio.create_task(rig.run(client))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not done():
            await asyncio.sleep(0.01)


def finished(rig: Rig) -> list[int]:
    """The blocks of its rounds."""
    return [event.block for event in rig.ears.heard if isinstance(event, RoundFinished)]


def published(rig: Rig) -> list[int]:
    """The numbers of the records that are public."""
    return [event.round for event in rig.ears.heard if isinstance(event, RecordPublished)]


def without_round(record: RoundRecord) -> RoundRecord:
    """What both must say of a sync block, whatever they missed before."""
    from msgspec.structs import replace as changed

    return changed(without_author(record), round=0)
