"""Which model is the best: by the stake of those who say so, else by incentive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from iotapretrain.competition.records.committed import read_ground
from iotapretrain.competition.records.find_model import find_model
from iotapretrain.competition.records.opinions import (
    by_stake,
    find_validator,
    network_id,
    read_opinions,
)
from iotapretrain.errors import InputError
from iotapretrain.models.worker import Worker
from tests.chain.worlds import hotkey
from tests.competition.world import NETUID, World, opened


@pytest.fixture
async def world(tmp_path: Path, worker: Worker) -> AsyncIterator[World]:
    async with opened(tmp_path, worker) as made:
        yield made


async def test_without_records_the_most_paid_is_best_and_before_that_the_earliest(
    world: World,
) -> None:
    with pytest.raises(InputError, match="nobody has committed a model"):
        await find_model(world.client, world.hub, NETUID, world.competition)
    for number in (1, 2):
        await world.commit(f"miner-{number}", world.model(1.0, seed=number))
    best = await find_model(world.client, world.hub, NETUID, world.competition)
    assert (best.hotkey, best.loss) == (hotkey("miner-1"), None)
    for validator in ("validator-1", "validator-2"):
        await world.set_weights(validator, {hotkey("miner-2"): 1.0})
    await world.to_epoch()
    best = await find_model(world.client, world.hub, NETUID, world.competition)
    assert best.hotkey == hotkey("miner-2")


async def test_the_best_is_whom_most_stake_crowned_as_it_was_scored(world: World) -> None:
    first = await world.commit("miner-1", world.model(0.9))
    await world.commit("miner-2", world.model(1.0))
    await world.advance(60)
    small = await world.record("validator-2")
    crowned = msgspec.structs.replace(small, champion=hotkey("miner-2"))
    world.publish("validator-2", crowned)
    best = await find_model(world.client, world.hub, NETUID, world.competition)
    assert best.hotkey == hotkey("miner-2")
    signed = await world.round("validator-1")
    await world.commit("miner-1", world.model(2.0))
    best = await find_model(world.client, world.hub, NETUID, world.competition)
    assert (best.hotkey, best.commitment) == (hotkey("miner-1"), first)
    assert best.loss == signed.record.models[0].score
    by_uid = await find_model(world.client, world.hub, NETUID, world.competition, "uid:3")
    assert (by_uid.hotkey, by_uid.loss) == (hotkey("miner-2"), signed.record.models[1].score)


async def test_records_that_are_not_the_validators_own_do_not_count(world: World) -> None:
    await world.commit("miner-1", world.model(1.0))
    await world.advance(10)
    forged = world.sealed("validator-2", await world.record("validator-1"))
    world.publish_signed("validator-1", forged)
    ground = await read_ground(world.client, NETUID)
    network = await network_id(world.client)
    opinions, silences = read_opinions(world.hub, by_stake(ground), network, NETUID, 0)
    assert opinions == []
    reasons = {each.source.validator: each.reason for each in silences}
    assert reasons[hotkey("validator-1")] == "no signed record of this competition lately"
    assert "no such repository" in reasons[hotkey("validator-2")]


async def test_wrong_names_are_told_what_to_write(world: World) -> None:
    await world.commit("miner-1", world.model(1.0))
    for which, said in (
        ("worst", "write best or uid:N"),
        ("uid:x", "write best or uid:N"),
        ("uid:0", "uid 0: has committed no model to mini; uids that have: 2"),
    ):
        with pytest.raises(InputError, match=said):
            await find_model(world.client, world.hub, NETUID, world.competition, which)
    ground = await read_ground(world.client, NETUID)
    with pytest.raises(InputError, match="no validator nobody"):
        find_validator(ground, "nobody")
