"""A validator that is killed between any two of its acts writes what its twin writes.

The twin runs through beside it on the same chain. A kill is an error that nothing catches, thrown
before or after an act that others can see: a record in the journal, a record on the hub, weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.competition.validator.publish_records import Shelf
from iotapretrain.competition.validator.validator import Validator
from iotapretrain.models.worker import Worker
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Oracle, Rig, without_author
from tests.competition.world import NETUID, World, opened

MOST_KILLS = 60


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Killer:
    """Counts acts, and kills before or after the one whose turn it is."""

    victim_at: int | None = None
    acts: int = 0

    def strike(self) -> None:
        self.acts += 1
        if self.acts == self.victim_at:
            raise KilledError

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def struck(*args: Any, **more: Any) -> Any:
            self.strike()
            result = act(*args, **more)
            self.strike()
            return result

        return struck

    def around_async(self, act: Callable[..., Any]) -> Callable[..., Any]:
        async def struck(*args: Any, **more: Any) -> Any:
            self.strike()
            result = await act(*args, **more)
            self.strike()
            return result

        return struck


@contextmanager
def killing(killer: Killer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Validator, "_execute", killer.around(Validator._execute))
        patch.setattr(Shelf, "put", killer.around(Shelf.put))
        patch.setattr(ChainClient, "set_weights", killer.around_async(ChainClient.set_weights))
        patch.setattr(ChainClient, "commit", killer.around_async(ChainClient.commit))
        yield


async def run_through(rig: Rig, killer: Killer) -> None:
    """Start it again as often as it takes."""
    while True:
        try:
            with killing(killer):
                await rig.run()
        except KilledError:
            continue
        return


def oracle() -> Oracle:
    return Oracle({hotkey("miner-1"): 3.0, hotkey("miner-2"): 2.0, hotkey("miner-3"): 2.9})


async def test_killed_anywhere_it_ends_where_its_twin_does(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        for number in (1, 2, 3):
            await world.commit(f"miner-{number}", world.model(1.0, seed=number))
        await world.to_block(30)
        twin = Rig(world, "validator-1", oracle=oracle())
        counting = Killer()
        with killing(counting):
            await twin.run()
        at = range(1, counting.acts + 1)
        assert 20 < len(at) < MOST_KILLS
        for place in at:
            killed = Rig(world, "validator-2", place=f"killed-{place}", oracle=oracle())
            await run_through(killed, Killer(place))
            assert _same(twin, killed), place
            assert (await killed.state()).unpublished == {}


async def test_killed_over_several_sync_blocks(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        for number in (1, 2, 3):
            await world.commit(f"miner-{number}", world.model(1.0, seed=number))
        twin = Rig(world, "validator-1", oracle=oracle())
        killed = Rig(world, "validator-2", oracle=oracle())
        for step, block in enumerate((30, 40, 50)):
            await world.to_block(block)
            await twin.run()
            await run_through(killed, Killer(3 + 7 * step))
            assert (await _row(world, twin)) == (await _row(world, killed))
        assert _same(twin, killed)
        assert len(killed.records()) == 6


async def _row(world: World, rig: Rig) -> dict[int, float]:
    head = world.chain.head()
    graph = await world.client.metagraph(NETUID, head)
    return (await world.client.weights(NETUID, head)).get(graph.uid(hotkey(rig.name)), {})


def _same(one: Rig, two: Rig) -> bool:
    def told(rig: Rig) -> list[RoundRecord]:
        return [without_author(record) for record in rig.records()]

    return told(one) == told(two)
