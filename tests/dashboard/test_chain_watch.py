"""From the chain and the hub to the index: who is followed, and where it published."""

from __future__ import annotations

import asyncio
from pathlib import Path

from iotapretrain.chain.embedded_chain import now_ms
from iotapretrain.chain.entries import ClockSettings
from iotapretrain.competition.records.public_rounds import publish_round, rounds_commitment
from iotapretrain.dashboard.chain_page import chain_page
from iotapretrain.dashboard.chain_watch import ChainWatch
from iotapretrain.dashboard.hub_rounds import Publishers
from iotapretrain.dashboard.index import Index
from iotapretrain.dashboard.names import People
from iotapretrain.dashboard.overview import overview
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.models.worker import Worker
from tests.chain.worlds import hotkey, keys, make_chain
from tests.competition.conftest import worker
from tests.competition.world import NETUID, World, changed, opened, rounds_of
from tests.dashboard.publishers import reader

__all__ = ["worker"]
ME, OTHER, STRANGER = "validator-1", "validator-2", "miner-1"
FRESH = RepositoryId(ME, "fresh")


async def test_a_network_that_has_ended_says_so(tmp_path: Path) -> None:
    with make_chain(tmp_path / "net", clock=ClockSettings("wall", 50), start_ms=now_ms()) as chain:
        index = Index(tmp_path / "index.sqlite")
        watch = ChainWatch(index, f"embedded:{tmp_path / 'net'}", NETUID)
        await watch.look()
        assert (watch.problem, watch.ended) == (None, None)
        last = chain.stop()
        await asyncio.sleep(0.2)
        await watch.look()
        people = People(index, {})
        told = overview(people, "net", NETUID, watch.block, watch.problem, watch.ended)
        assert (told.block, told.ended) == (last, last)
        assert chain_page(people, watch.block, watch.problem, watch.ended).ended == last
        await watch.close()
        index.close()


async def lived(world: World) -> None:
    """A round; a move, and the next round there; a stranger who signs a round of its own."""
    await world.commit(STRANGER, world.model(1.0))
    await world.advance(10)
    first = await world.round(ME)
    await world.client.commit(keys(ME), NETUID, rounds_commitment(FRESH).encode())
    await world.advance(10)
    signed = world.sealed(ME, await world.record(ME))
    publish_round(FolderHub(world.folder / "hub", ME), FRESH, signed)
    theirs = world.sealed(STRANGER, changed(first.record, validator=hotkey(STRANGER)))
    publish_round(FolderHub(world.folder / "hub", STRANGER), rounds_of(STRANGER), theirs)
    text = rounds_commitment(rounds_of(STRANGER))
    await world.client.commit(keys(STRANGER), NETUID, text.encode())
    await world.to_epoch()


async def seen(watch: ChainWatch) -> Publishers:
    """What the dashboard knows once it has read the epochs of the past."""
    assert await watch.look()
    assert await watch.publishers() is None  # who had a permit is not known yet
    while await watch.look_back():
        pass
    publishers = await watch.publishers()
    assert publishers is not None
    return publishers


async def test_validators_are_followed_to_where_they_were_and_strangers_are_not(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        await lived(world)
        index = Index(tmp_path / "index.sqlite")
        watch = ChainWatch(index, f"embedded:{tmp_path / 'net'}", NETUID)
        publishers = await seen(watch)
        await watch.close()
        assert publishers.network == (await world.client.block_hash(0)).hex()
        assert publishers.repositories == {
            hotkey(ME): (FRESH, rounds_of(ME)),
            hotkey(OTHER): (rounds_of(OTHER),),
        }
        assert reader(index, tmp_path / "hub", cadence=5).look(publishers)
        rows = index.rows(
            "SELECT h.hotkey, r.round FROM rounds r JOIN hotkeys h ON h.id = r.validator"
        )
        told = index.rows("SELECT hotkey, reason, number FROM left_out WHERE reason = 'stranger'")
        index.close()
        assert sorted(map(tuple, rows)) == [(hotkey(ME), 1), (hotkey(ME), 2)]
        assert [tuple(row) for row in told] == [("", "stranger", 1)]
