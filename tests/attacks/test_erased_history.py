"""A new repository does not erase a history, and two histories are not one."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from iotapretrain.competition.audit.audit import Report
from iotapretrain.competition.audit.check import Name
from iotapretrain.competition.public_rounds import publish_round, rounds_commitment
from iotapretrain.competition.round_record import SignedRound
from iotapretrain.competition.standing.committed import read_ground
from iotapretrain.competition.standing.whole_history import read_trail
from iotapretrain.hub.folder import FolderHub
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.models.worker import Worker
from tests.attacks.test_epoch_weights import audited
from tests.chain.worlds import hotkey, keys
from tests.competition.world import NETUID, World, opened, rounds_of

ME = "validator-1"
FRESH = RepositoryId(ME, "fresh")


async def say(world: World, text: str) -> None:
    await world.advance(6)
    await world.client.commit(keys(ME), NETUID, text.encode())


async def lived(world: World) -> SignedRound:
    """A round, and its weights on the chain."""
    await world.commit("miner-1", world.model(1.0))
    await world.commit("miner-2", world.model(0.8))
    await world.advance(10)
    return await world.round(ME)


async def began_anew(world: World) -> None:
    """Another first round in a repository without a past."""
    world.newest.pop(ME)
    await world.advance(6)
    signed = world.sealed(ME, await world.record(ME))
    publish_round(FolderHub(world.folder / "hub", ME), FRESH, signed)
    await world.set_weights(ME, signed.record.weights)


def found(report: Report) -> list[str]:
    return [each.item for each in report.differences if each.check is Name.HISTORY]


async def test_a_new_repository_leaves_the_old_one_in_view(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await lived(world)
        await say(world, rounds_commitment(FRESH))
        await began_anew(world)
        assert found(await audited(world)) == ["round 1 has two records"]
        said = (await read_ground(world.client, NETUID)).commitments.by_hotkey[hotkey(ME)]
        shutil.rmtree(tmp_path / "hub" / "repositories" / ME / "rounds")
        (item,) = found(await audited(world))
        assert item.startswith(f"records in {rounds_of(ME)}, committed at block ")
        assert int(item.rsplit(" ", 1)[1]) < said.block


async def test_a_move_that_goes_on_with_the_history_holds(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        first = await lived(world)
        await say(world, rounds_commitment(FRESH, first.digest))
        signed = world.sealed(ME, await world.record(ME))
        publish_round(FolderHub(tmp_path / "hub", ME), FRESH, signed)
        await world.set_weights(ME, signed.record.weights)
        report = await audited(world)
        assert (report.round, report.differences) == (2, ())


async def test_a_record_that_was_anchored_cannot_be_exchanged(
    tmp_path: Path, worker: Worker
) -> None:
    """Two histories, each in itself without a fault: the chain says which one was told first."""
    async with opened(tmp_path, worker) as world:
        first = await lived(world)
        await say(world, rounds_commitment(rounds_of(ME), first.digest))
        assert not (await audited(world)).differences
        anchored = (await read_ground(world.client, NETUID)).commitments.by_hotkey[hotkey(ME)]
        shutil.rmtree(tmp_path / "hub" / "repositories" / ME / "rounds")
        world.newest.pop(ME)
        other = msgspec.structs.replace(first.record, code_version="another")
        world.publish(ME, other)
        await say(world, rounds_commitment(rounds_of(ME)))
        assert found(await audited(world)) == [f"record anchored at block {anchored.block}"]


async def test_the_trail_goes_back_through_every_commitment(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await lived(world)
        texts = [f"rounds:{ME}/r-{number}" for number in range(3)]
        for text in (*texts, "something else", f"rounds:{ME}/last"):
            await say(world, text)
        ground = await read_ground(world.client, NETUID)
        trail = await read_trail(world.client, ground, hotkey(ME))
        names = [each.name for each in trail.repositories]
        assert names == ["last", "r-2", "r-1", "r-0", "rounds"]
        assert [each.paid for each in trail.said] == [False, False, False, False, True]
        assert trail.cut is None
