"""What the SDK's client must be told, by a chain in a file and by the same chain served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import bittensor as bt
import pytest
from bittensor import calls

from iotapretrain.chain.embedded_chain import now_ms
from iotapretrain.chain.entries import ClockSettings
from iotapretrain.chain.substrate import EmbeddedSubstrate
from tests.chain.worlds import (
    BALANCE,
    RAO,
    RATE_LIMIT,
    TEMPO,
    World,
    changed,
    coldkey,
    embedded,
    hotkey,
    keys,
    make_chain,
    served,
)

WORLDS = {"embedded": embedded, "served": served}
MINERS = ("miner-1", "miner-2", "miner-3")
VALIDATORS = ("validator-1", "validator-2")
U16 = 65535


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with WORLDS[request.param](tmp_path / "net") as opened:
        yield opened


async def registered(world: World, *names: str) -> None:
    for name in names:
        result = await world.client.execute(bt.BurnedRegister(netuid=1), keys(name))
        assert result.success, result.message


async def set_weights(world: World, name: str, row: dict[int, float]) -> Any:
    return await world.client.execute(bt.SetWeights(netuid=1, weights=row), keys(name))


async def playing(world: World) -> None:
    """Three miners at uids 0..2, two validators at 3 and 4, who hold permits."""
    await registered(world, *MINERS, *VALIDATORS)
    await world.to_epoch()


async def test_registration_costs_the_price_and_raises_it(world: World) -> None:
    client = world.client
    price = (await client.subnets.burn(1)).rao
    plan = await client.plan(bt.BurnedRegister(netuid=1), keys("miner-1"))
    assert plan.ok
    assert plan.fee.rao == 0
    await registered(world, "miner-1")
    paid = BALANCE - (await client.balances.get(coldkey("miner-1"))).rao
    assert 0 < paid <= price
    assert (await client.subnets.burn(1)).rao == pytest.approx(paid * 1.26, rel=1e-9)
    assert await client.neurons.uid(hotkey("miner-1"), 1) == 0
    assert await client.neurons.hotkey_owner(hotkey("miner-1")) == coldkey("miner-1")
    assert await client.neurons.netuids_for_hotkey(hotkey("miner-1")) == [1]
    assert await client.neurons.uid(hotkey("miner-2"), 1) is None
    assert (await client.subnets.info(1)).neuron_count == 1


async def test_an_epoch_pays_miners_by_weight_and_validators_by_stake(world: World) -> None:
    client = world.client
    await playing(world)
    for name in VALIDATORS:
        assert (await set_weights(world, name, {0: 1, 1: 2, 2: 1})).success
    before = {n.uid: n.total_stake.rao for n in await client.neurons.all(1)}
    await world.to_epoch()

    graph = await client.subnets.metagraph(1)
    incentive = [neuron.incentive for neuron in graph.neurons]
    assert incentive == pytest.approx([0.25, 0.5, 0.25, 0, 0], abs=2 / U16)
    dividends = [neuron.dividends for neuron in graph.neurons]
    assert dividends == pytest.approx([0, 0, 0, 2 / 3, 1 / 3], abs=2 / U16)
    assert [neuron.validator_permit for neuron in graph.neurons] == [False] * 3 + [True] * 2
    earned = {n.uid: n.total_stake.rao - before[n.uid] for n in graph.neurons}
    assert earned == {n.uid: n.emission.rao for n in graph.neurons}
    # 41 % of a TAO a block each for miners and validators, for one tempo
    assert sum(earned[uid] for uid in (0, 1, 2)) == pytest.approx(0.41 * TEMPO * RAO, rel=1e-4)
    assert sum(earned[uid] for uid in (3, 4)) == pytest.approx(0.41 * TEMPO * RAO, rel=1e-4)


async def test_lite_full_and_metagraph_tell_the_same(world: World) -> None:
    client = world.client
    await playing(world)
    await set_weights(world, "validator-1", {0: 1, 1: 3})
    await world.to_epoch()
    lite, full = await client.neurons.all(1), await client.neurons.all(1, lite=False)
    graph = await client.subnets.metagraph(1)
    assert [n.hotkey for n in lite] == [n.hotkey for n in full] == graph.hotkeys
    for neuron in full:
        row = graph.neurons[neuron.uid]
        assert neuron.raw["incentive"] / U16 == row.incentive
        assert neuron.raw["dividends"] / U16 == row.dividends
        assert neuron.last_update == row.last_update
        assert neuron.total_stake.rao == row.total_stake.rao
    validator = full[3].raw
    assert validator["weights"] == [(0, 21845), (1, 65535)]
    assert (await client.weights.weights(1))[3] == {0: 0.25, 1: 0.75}
    bonds = (await client.weights.bonds(1))[3]
    assert bonds == {uid: value / U16 for uid, value in validator["bonds"]}
    assert set(bonds) == {0, 1}


async def test_time_is_told_in_every_way_the_sdk_asks(world: World) -> None:
    client = world.client
    assert await client.block() == await client.finalized_block() == 0
    assert await client.block_time() == 12.0
    reached = asyncio.create_task(client.wait_for_block(7, timeout=10))
    epoch = asyncio.create_task(client.wait_for_epoch(1, timeout=10))
    await asyncio.sleep(0.05)
    await world.advance(7)
    assert (await reached).number == 7
    await world.advance(TEMPO - 7)
    assert (await epoch).block == TEMPO
    await world.advance(3)
    assert await client.epochs.blocks_since_last_step(1) == 3
    assert await client.epochs.blocks_until_next_epoch(1) == TEMPO - 3
    status = await client.epochs.epoch_status(1)
    assert (status["last_epoch_block"], status["epoch_index"]) == (TEMPO, 1)
    passed = await client.timestamp(block=10) - await client.timestamp(block=0)
    assert passed.total_seconds() == 120


async def test_the_stream_of_blocks_links_child_to_parent(world: World) -> None:
    client, seen = world.client, []

    async def follow() -> None:
        async for header in client.blocks():
            seen.append((header.number, header.parent_hash))
            if header.number >= 3:
                return

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.05)
    for _ in range(3):
        await world.advance()
        await asyncio.sleep(0.05)
    await asyncio.wait_for(following, 10)
    assert [number for number, _ in seen] == [0, 1, 2, 3]
    for number, parent in seen[1:]:
        info = await client.block_info(number - 1)
        assert parent == info.hash


async def test_a_block_shows_its_extrinsics(world: World) -> None:
    client = world.client
    result = await client.execute(
        bt.Transfer(dest_ss58=coldkey("miner-2"), amount_tao=2), keys("miner-1")
    )
    number, index = map(int, result.extrinsic_id.split("-"))
    info = await client.block_info(number)
    assert info.hash == result.block_hash
    shown = info.extrinsics[index]
    assert shown["address"] == coldkey("miner-1")
    assert shown["call"]["call_function"] == "transfer_keep_alive"
    names = [event["event_id"] for event in result.events]
    assert names == ["Transfer", "ExtrinsicSuccess"]


async def test_a_pinned_read_keeps_seeing_its_block(world: World) -> None:
    client = world.client
    await registered(world, "miner-1")
    view = await client.at()
    await registered(world, "miner-2")
    await world.advance(2 * TEMPO)
    assert [n.hotkey for n in (await view.subnets.metagraph(1)).neurons] == [hotkey("miner-1")]
    assert len(await client.neurons.all(1)) == 2
    assert await client.neurons.all(1, block=0) == []


async def test_stake_goes_in_and_comes_out_one_to_one(world: World) -> None:
    client, who = world.client, keys("miner-1")
    on = hotkey("validator-1")
    staking = bt.AddStake(hotkey_ss58=on, netuid=1, amount_tao=100)
    assert (await client.execute(staking, who)).success
    assert (await client.balances.get(coldkey("miner-1"))).rao == BALANCE - 100 * RAO
    assert (await client.staking.get(coldkey("miner-1"), on, 1)).rao == 100 * RAO
    positions = await client.staking.positions(coldkey("miner-1"))
    assert [(p.hotkey, p.netuid, p.stake.rao) for p in positions] == [(on, 1, 100 * RAO)]
    taking = bt.RemoveStake(hotkey_ss58=on, netuid=1, amount_alpha=40)
    assert (await client.execute(taking, who)).success
    assert (await client.staking.get(coldkey("miner-1"), on, 1)).rao == 60 * RAO
    assert (await client.balances.get(coldkey("miner-1"))).rao == BALANCE - 60 * RAO
    everything = bt.RemoveStake(hotkey_ss58=on, netuid=1, amount_alpha="all")
    assert (await client.execute(everything, who)).success
    assert await client.staking.positions(coldkey("miner-1")) == []


async def test_those_who_back_a_validator_share_what_it_earns(world: World) -> None:
    client = world.client
    await playing(world)
    on = hotkey("validator-2")
    backing = bt.AddStake(hotkey_ss58=on, netuid=1, amount_tao=900)
    assert (await client.execute(backing, keys("miner-4"))).success
    await set_weights(world, "validator-2", {0: 1})
    await world.to_epoch()
    own = (await client.staking.get(coldkey("validator-2"), on, 1)).rao - 10_000 * RAO
    backed = (await client.staking.get(coldkey("miner-4"), on, 1)).rao - 900 * RAO
    earned = (await client.neurons.all(1))[4].raw["emission"]
    # the validator keeps 18 %, the rest is shared by stake: 900 of some 10,900
    assert backed == pytest.approx(earned * 0.82 * 900 / 10_908, rel=1e-2)
    assert own > backed > 0


async def test_an_axon_is_served_where_others_look_for_it(world: World) -> None:
    await registered(world, "miner-1")
    serving = bt.ServeAxon(netuid=1, ip="8.8.8.8", port=9000)
    assert (await world.client.execute(serving, keys("miner-1"))).success
    graph = await world.client.subnets.metagraph(1)
    assert graph.neurons[0].axon == "8.8.8.8:9000"
    again = await world.client.execute(serving, keys("miner-1"))
    assert again.error.code is bt.ErrorCode.RATE_LIMITED


async def test_commitments_are_read_one_by_one_all_at_once_and_in_the_metagraph(
    world: World,
) -> None:
    client = world.client
    await registered(world, "miner-1", "miner-2")
    texts = {"miner-1": b"one:model", "miner-2": bytes(range(128))}
    for name, text in texts.items():
        info = {"fields": [{f"Raw{len(text)}": text}]}
        call = calls.Commitments.set_commitment(netuid=1, info=info)
        assert (await client.submit_call(call, keys(name), signer="hotkey")).success
    head = await client.block()
    single = await client.identity.commitment(1, hotkey("miner-1"))
    assert (single.data, single.block) == ("one:model", head - 1)
    every = await client.subnets.commitments(1)
    assert {each.hotkey: each.uid for each in every.values()} == {
        hotkey("miner-1"): 0,
        hotkey("miner-2"): 1,
    }
    assert every[hotkey("miner-2")].block == head
    graph = await client.subnets.metagraph(1)
    assert graph.commitments[0].value == "one:model"
    assert await client.identity.commitment(1, hotkey("miner-3")) is None


async def test_every_kind_of_field_can_be_read_back(world: World) -> None:
    """One commitment that cannot be shown would hide everybody's."""
    client = world.client
    await registered(world, *MINERS)
    kinds: list[list[Any]] = [
        [{"BigRaw": b""}, {"Raw0": b""}, "ResetBondsFlag"],
        ["None", {"BigRaw": b"plain text"}, {"BigRaw": bytes(range(100))}],
        [{"Sha256": bytes(32)}],
    ]
    for name, fields in zip(MINERS, kinds, strict=True):
        call = calls.Commitments.set_commitment(netuid=1, info={"fields": fields})
        assert (await client.submit_call(call, keys(name), signer="hotkey")).success
    found = await client.subnets.commitments(1)
    assert [len(found[hotkey(name)].fields) for name in MINERS] == [3, 3, 1]
    assert len((await client.subnets.metagraph(1)).commitments) == 3


async def test_the_owner_sets_hyperparameters_and_nobody_else(world: World) -> None:
    client = world.client
    change = bt.SetHyperparameter(netuid=1, name="immunity_period", value=99)
    refused = await client.execute(change, keys("miner-1"))
    assert refused.error.code is bt.ErrorCode.NOT_AUTHORIZED
    assert (await client.execute(change, keys("owner"))).success
    shown = await client.subnets.subnet_hyperparameters(1)
    assert (shown["immunity_period"], shown["tempo"]) == (99, TEMPO)
    assert await client.hyperparameters.immunity_period(1) == 99
    tempo = bt.SetHyperparameter(netuid=1, name="tempo", value=400)
    assert (await client.execute(tempo, keys("owner"))).success
    multiplier = bt.SetHyperparameter(netuid=1, name="burn_increase_mult", value=2.0)
    assert (await client.execute(multiplier, keys("owner"))).success
    shown = await client.subnets.subnet_hyperparameters(1)
    assert (shown["tempo"], shown["burn_increase_mult"]) == (400, 2 * 2**64)
    alpha = bt.SetHyperparameter(netuid=1, name="alpha_low", value=0.5)
    assert (await client.execute(alpha, keys("owner"))).error.code is bt.ErrorCode.DISABLED


async def test_many_transactions_of_one_key_at_once_all_arrive(world: World) -> None:
    client = world.client
    sending = [
        client.execute(bt.Transfer(dest_ss58=coldkey("miner-2"), amount_tao=n), keys("miner-1"))
        for n in range(1, 6)
    ]
    results = await asyncio.gather(*sending)
    assert [result.message for result in results if not result.success] == []
    assert (await client.balances.get(coldkey("miner-2"))).rao == BALANCE + 15 * RAO


async def test_by_the_wall_clock_the_sdk_waits_for_the_block(tmp_path: Path) -> None:
    with make_chain(tmp_path / "net", clock=ClockSettings("wall", 200), start_ms=now_ms()) as chain:
        async with bt.Client("local", substrate=EmbeddedSubstrate(tmp_path / "net")) as client:
            before = await client.block()
            result = await client.execute(bt.BurnedRegister(netuid=1), keys("miner-1"))
            number = int(result.extrinsic_id.partition("-")[0])
            assert before < number <= await client.block()
            assert result.block_hash == (await client.block_info(number)).hash
            assert await client.neurons.uid(hotkey("miner-1"), 1) == 0
            seen = [header.number async for header in first(client.blocks(), 3)]
            assert seen == [seen[0], seen[0] + 1, seen[0] + 2]
            assert chain.head() >= seen[-1]


async def first(blocks: AsyncIterator[Any], count: int) -> AsyncIterator[Any]:
    """The first few, and no more."""
    async for block in blocks:
        yield block
        count -= 1
        if count == 0:
            return


async def test_subnets_are_listed_with_names_and_symbols(world: World) -> None:
    client = world.client
    assert await client.subnets.subnet_names() == {1: "tiny"}
    assert client.token_symbols == {1: "\N{GREEK SMALL LETTER ALPHA}"}
    graph = await client.subnets.metagraph(1)
    assert (graph.name, graph.identity["subnet_name"], graph.price) == ("tiny", "tiny", 1.0)
    assert (await client.subnets.subnet_identity(1))["subnet_name"] == "tiny"


async def test_balances_of_many(world: World) -> None:
    found = await world.client.balances.get_many([coldkey("owner"), coldkey("stranger")])
    assert found[coldkey("owner")].rao == BALANCE
    assert found[coldkey("stranger")].rao == 0
    assert (await world.client.balances.existential_deposit()).rao == 500


def weights_call(dests: list[int], values: list[int], version_key: int = 0) -> Any:
    return calls.SubtensorModule.set_mechanism_weights(
        netuid=1, mecid=0, dests=dests, weights=values, version_key=version_key
    )


def commitment_call(field: dict[str, bytes]) -> Any:
    return calls.Commitments.set_commitment(netuid=1, info={"fields": [field]})


async def refused_code(world: World, call: Any, name: str, signer: str = "hotkey") -> bt.ErrorCode:
    result = await world.client.submit_call(call, keys(name), signer=signer)
    assert not result.success
    code: bt.ErrorCode = result.error.code
    return code


async def test_weights_that_may_not_be_set_are_refused_by_the_chains_codes(world: World) -> None:
    await playing(world)
    await world.advance(RATE_LIMIT)
    code = bt.ErrorCode
    unknown = await refused_code(world, weights_call([0], [1]), "miner-9")
    assert unknown in (code.NOT_REGISTERED, code.INSUFFICIENT_BALANCE)  # served: before all else
    assert await refused_code(world, weights_call([0], [1]), "miner-2") is code.INSUFFICIENT_BALANCE
    many = weights_call(list(range(6)), [1] * 6)
    assert await refused_code(world, many, "validator-1") is code.LIMIT_EXCEEDED
    for wrong in (([0, 0], [1, 1]), ([0, 1], [1]), ([77], [1])):
        assert await refused_code(world, weights_call(*wrong), "validator-1") is (
            code.INVALID_ARGUMENT
        )
    version = bt.SetHyperparameter(netuid=1, name="weights_version", value=7)
    assert (await world.client.execute(version, keys("owner"))).success
    assert await refused_code(world, weights_call([0], [1], 6), "validator-1") is (
        code.INVALID_ARGUMENT
    )
    current = bt.SetWeights(netuid=1, weights={0: 1}, version_key=7)
    assert (await world.client.execute(current, keys("validator-1"))).success
    with pytest.raises(bt.ChainError) as hasty:  # the SDK looks first
        await world.client.execute(current, keys("validator-1"))
    assert hasty.value.code is code.RATE_LIMITED
    assert await refused_code(world, weights_call([0], [1], 7), "validator-1") is code.RATE_LIMITED


async def test_weights_need_a_permit(tmp_path: Path) -> None:
    for number, opening in enumerate(WORLDS.values()):
        begun = changed(max_validators=1)
        async with opening(tmp_path / str(number), begun) as world:
            await playing(world)
            await world.advance(RATE_LIMIT)
            refused = await refused_code(world, weights_call([0], [1]), "validator-2")
            assert refused is bt.ErrorCode.NOT_AUTHORIZED


async def test_commitments_that_may_not_be_made(world: World) -> None:
    await registered(world, "miner-1")
    code = bt.ErrorCode
    call = commitment_call({"Raw5": b"hello"})
    unknown = await refused_code(world, call, "miner-2")
    assert unknown in (code.NOT_AUTHORIZED, code.INSUFFICIENT_BALANCE)  # served: before all else
    large = commitment_call({"BigRaw": b"x" * 129})
    assert await refused_code(world, large, "miner-1") is code.LIMIT_EXCEEDED
    assert (await world.client.submit_call(call, keys("miner-1"), signer="hotkey")).success
    assert await refused_code(world, call, "miner-1") is code.RATE_LIMITED


async def test_money_that_is_not_there(world: World) -> None:
    client, code = world.client, bt.ErrorCode
    too_much = bt.Transfer(dest_ss58=coldkey("miner-2"), amount_tao=1001)
    result = await client.execute(too_much, keys("miner-1"))
    assert result.error.code is code.INSUFFICIENT_BALANCE
    staking = bt.AddStake(hotkey_ss58=hotkey("validator-1"), netuid=1, amount_tao=1001)
    result = await client.execute(staking, keys("miner-1"))
    assert result.error.code is code.INSUFFICIENT_BALANCE
    unstake = calls.SubtensorModule.remove_stake(
        hotkey=hotkey("validator-1"), netuid=1, amount_unstaked=5 * RAO
    )
    assert await refused_code(world, unstake, "miner-1", "coldkey") is code.INSUFFICIENT_BALANCE
    poor = await client.submit_call(
        calls.SubtensorModule.burned_register(netuid=1, hotkey=hotkey("stranger")),
        keys("stranger"),
    )
    assert poor.error.code is code.INSUFFICIENT_BALANCE


async def test_registrations_that_may_not_be(world: World) -> None:
    code = bt.ErrorCode
    await registered(world, "miner-1")
    again = calls.SubtensorModule.burned_register(netuid=1, hotkey=hotkey("miner-1"))
    assert await refused_code(world, again, "miner-2", "coldkey") is code.ALREADY_EXISTS
    nowhere = calls.SubtensorModule.burned_register(netuid=9, hotkey=hotkey("miner-1"))
    assert await refused_code(world, nowhere, "miner-2", "coldkey") is code.SUBNET_NOT_EXISTS
    stolen = calls.SubtensorModule.burned_register(netuid=1, hotkey=hotkey("validator-1"))
    assert await refused_code(world, stolen, "miner-2", "coldkey") is code.NOT_AUTHORIZED
    closing = bt.SetHyperparameter(netuid=1, name="registration_allowed", value=False)
    assert (await world.client.execute(closing, keys("owner"))).success
    closed = calls.SubtensorModule.burned_register(netuid=1, hotkey=hotkey("miner-2"))
    assert await refused_code(world, closed, "miner-2", "coldkey") is code.DISABLED


async def test_a_full_subnet_replaces_its_lowest_and_masks_weights_on_it(world: World) -> None:
    client = world.client
    await registered(world, *VALIDATORS, *(f"miner-{n}" for n in range(1, 7)))
    await world.advance(2 * TEMPO)
    row = {uid: uid for uid in range(2, 8)}
    for name in VALIDATORS:
        assert (await set_weights(world, name, row)).success
    await world.to_epoch()
    await world.advance(40)  # nobody is immune any more
    lowest = min(await client.neurons.all(1), key=lambda n: (n.raw["emission"], n.uid))
    assert lowest.uid == 2
    await registered(world, "miner-7")
    assert await client.neurons.uid(hotkey("miner-7"), 1) == 2
    assert await client.neurons.uid(hotkey("miner-1"), 1) is None
    rows = await client.query_map(bt.storage.SubtensorModule.Weights, [1])
    assert all(dict(row)[2] == 0 for uid, row in rows if uid in (0, 1))
    await world.to_epoch()
    graph = await client.subnets.metagraph(1)
    assert graph.neurons[2].incentive == 0
    assert sum(neuron.incentive for neuron in graph.neurons) == pytest.approx(1, abs=8 / U16)


async def test_registration_fails_when_everybody_is_immune_but_owners(tmp_path: Path) -> None:
    begun = changed(max_allowed_uids=1)
    for number, opening in enumerate(WORLDS.values()):
        async with opening(tmp_path / str(number), begun) as world:
            await registered(world, "owner")
            call = calls.SubtensorModule.burned_register(netuid=1, hotkey=hotkey("miner-1"))
            refused = await refused_code(world, call, "miner-1", "coldkey")
            assert refused is bt.ErrorCode.LIMIT_EXCEEDED
