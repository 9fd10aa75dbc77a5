"""How the crown is taken: by more than epsilon at once, by less when epsilon has decayed below."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.winning_block import first_crowned_block
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Oracle, Rig
from tests.competition.world import SCHEDULE, World, opened

EVERY_BLOCK = SCHEDULE.replace("sync_cadence = 5", "sync_cadence = 1")
"""Epsilon falls from 5 % to 0.5 % in 45 blocks; here there is a round at each of them."""
OLD, NEW = "miner-1", "miner-2"
LOSS = 3.0


async def test_better_by_more_than_epsilon_takes_the_crown_at_once(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker, EVERY_BLOCK) as world:
        rig = await reigning(world, gain=0.08)
        delay = world.competition.eval_block_delay
        since = await challenged(world)
        await crowned_until(world, rig, since + delay - 1, OLD)
        await crowned_until(world, rig, since + delay, NEW)


async def test_better_by_less_takes_it_at_the_block_of_its_epsilon_and_not_before(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker, EVERY_BLOCK) as world:
        rig = await reigning(world, gain=0.03)
        since = await challenged(world)
        blocks = [await committed_at(world, name) for name in (OLD, NEW)]
        field = Field.of([0, 1], blocks, scores=[LOSS, LOSS * 0.97])
        first = first_crowned_block(field, world.competition.rules, 1, since)
        # 0.05 - age / 45 * 0.045 is below 0.03 from age 21 on
        assert first == blocks[0] + 21 > since + 2
        await crowned_until(world, rig, first - 1, OLD)
        await crowned_until(world, rig, first, NEW)
        await crowned_until(world, rig, first + 3, NEW)


async def reigning(world: World, gain: float) -> Rig:
    """A champion, and a validator that will find the next model better by `gain`.

    Transactions make blocks: what the validator has to say to the chain it says before it counts.
    """
    await world.commit(OLD, world.model(1.0, seed=1))
    oracle = Oracle({hotkey(OLD): LOSS, hotkey(NEW): LOSS * (1 - gain)})
    rig = Rig(world, oracle=oracle, settings={"weights_every": 10_000})
    for _ in range(10):
        await world.advance(1)
        await rig.run()
    assert (await rig.state()).standings.merge({0: 1.0}) == {hotkey(OLD): 1.0}
    return rig


async def challenged(world: World) -> int:
    """The block at which the challenger has committed."""
    await world.commit(NEW, world.model(0.9, seed=2))
    return await committed_at(world, NEW)


async def committed_at(world: World, name: str) -> int:
    commitments = await world.client.commitments(1, world.chain.head())
    return commitments.by_hotkey[hotkey(name)].block


async def crowned_until(world: World, rig: Rig, block: int, name: str) -> None:
    """Every round up to this block, one a block, crowns the same."""
    known = len(rig.records())
    begin = world.chain.head() + 1
    for expected in range(begin, block + 1):
        await world.to_block(expected)
        await rig.run()
    rounds = [record for record in rig.records()[known:] if record.competition == 0]
    assert [record.block for record in rounds] == list(range(begin, block + 1))
    assert {record.champion for record in rounds} <= {hotkey(name)}
