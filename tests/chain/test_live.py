"""What every chain must answer, be it in a file, served, or a node that runs elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import bittensor as bt
import pytest

from tests.chain.worlds import LIVE, changed, embedded, hotkey, keys, live_url, served

NETUID = 1


@pytest.fixture(params=["embedded", "served", "live"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[bt.Client]:
    if request.param == "live":
        url = live_url()
        if url is None:
            pytest.skip(f"no live node: set {LIVE}=ws://… to one whose subnet {NETUID} exists")
        async with bt.Client(url) as opened:
            yield opened
        return
    opening = embedded if request.param == "embedded" else served
    async with opening(tmp_path / "net", changed(tempo=10)) as world:
        await world.advance(25)
        yield world.client


async def test_blocks_have_hashes_headers_and_times(client: bt.Client) -> None:
    head = await client.block()
    assert head >= await client.finalized_block()
    info = await client.block_info(head - 1)
    assert (info.number, len(bytes.fromhex(info.hash[2:]))) == (head - 1, 32)
    before = await client.block_info(head - 2)
    assert info.header["parentHash"] == before.hash
    assert info.timestamp > before.timestamp
    async for header in client.blocks():
        assert header.number >= head
        break
    assert await client.block_time() > 0


async def test_subnets_neurons_and_metagraph_agree(client: bt.Client) -> None:
    view = await client.at()
    subnets = {subnet.netuid: subnet for subnet in await view.subnets.all()}
    lite, full, graph = await asyncio.gather(
        view.neurons.all(NETUID),
        view.neurons.all(NETUID, lite=False),
        view.subnets.metagraph(NETUID),
    )
    assert subnets[NETUID].neuron_count == len(lite) == len(full) == len(graph.neurons)
    assert [neuron.hotkey for neuron in lite] == graph.hotkeys
    assert graph.tempo == subnets[NETUID].tempo
    assert graph.block == view.block


async def test_hyperparameters_are_told_whole_and_one_by_one(client: bt.Client) -> None:
    whole = await client.subnets.subnet_hyperparameters(NETUID)
    assert await client.hyperparameters.immunity_period(NETUID) == whole["immunity_period"]
    assert await client.hyperparameters.weights_rate_limit(NETUID) == whole["weights_rate_limit"]
    assert await client.query(bt.storage.SubtensorModule.Tempo, [NETUID]) == whole["tempo"]
    status = await client.epochs.epoch_status(NETUID)
    assert status["tempo"] == whole["tempo"]
    assert status["blocks_remaining"] <= whole["tempo"]


async def test_strangers_have_nothing_and_may_do_nothing(client: bt.Client) -> None:
    stranger = keys("stranger")
    assert await client.neurons.uid(hotkey("stranger"), NETUID) is None
    assert (await client.balances.get(stranger.coldkey.ss58_address)).rao == 0
    assert await client.identity.commitment(NETUID, hotkey("stranger")) is None
    with pytest.raises(bt.ChainError) as refused:
        await client.execute(bt.SetWeights(netuid=NETUID, weights={0: 1}), stranger)
    assert refused.value.code is bt.ErrorCode.NOT_REGISTERED
    sending = bt.Transfer(dest_ss58=hotkey("stranger"), amount_tao=1)
    result = await client.execute(sending, stranger)
    assert result.error.code is bt.ErrorCode.INSUFFICIENT_BALANCE


async def test_what_does_not_exist_is_said_not_to(client: bt.Client) -> None:
    assert await client.subnets.metagraph(4000) is None
    assert await client.subnets.subnet_hyperparameters(4000) is None
    assert await client.neurons.all(4000) == []
    with pytest.raises(bt.ChainError):
        await client.query(bt.storage.SubtensorModule.Tempo, [1], block=2**31)
