"""The unmodified SDK against the server: reads, and every way a submission can end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import bittensor as bt
import pytest
from bittensor import intents
from bittensor.result import ErrorCode

from iotapretrain.chain.rpc.server import serving
from iotapretrain.chain.runtime.codec import codec
from tests.chain.fake_node import BLOCK_MS, FakeNode

RATE_LIMITED = ("SubtensorModule", "SettingWeightsTooFast")
ACCOUNT = {"nonce": 0, "consumers": 0, "providers": 1, "sufficients": 0}


@pytest.fixture
def wallet(tmp_path: Path) -> bt.Wallet:
    made = bt.Wallet("owner", "hot", path=str(tmp_path / "wallets"))
    made.create_new_coldkey(use_password=False, suppress=True)
    made.create_new_hotkey(use_password=False, suppress=True)
    return made


@pytest.fixture
async def client(url: str) -> AsyncIterator[bt.Client]:
    async with bt.Client(url) as connected:
        yield connected


def fund(node: FakeNode, address: str, free: int) -> None:
    data = {"free": free, "reserved": 0, "frozen": 0, "flags": 0}
    node.put("System", "Account", (address,), ACCOUNT | {"data": data})


async def test_reads_are_decoded_as_on_the_public_network(
    node: FakeNode, client: bt.Client, wallet: bt.Wallet
) -> None:
    hotkey, coldkey = wallet.hotkey.ss58_address, wallet.coldkeypub.ss58_address
    node.put("SubtensorModule", "NetworksAdded", (1,), True)
    node.put("SubtensorModule", "Tempo", (1,), 20)
    node.put("SubtensorModule", "Uids", (1, hotkey), 3)
    node.put("SubtensorModule", "Weights", (1, 3), [(0, 1), (1, 3)])
    node.put("SubtensorModule", "IsNetworkMember", (hotkey, 1), True)
    fund(node, coldkey, 5 * 10**9)
    assert [subnet.tempo for subnet in await client.subnets.all()] == [20]
    assert await client.neurons.uid(hotkey, 1) == 3
    assert await client.neurons.netuids_for_hotkey(hotkey) == [1]
    assert await client.weights.weights(1) == {3: {0: 0.25, 1: 0.75}}
    balances = await client.balances.get_many([coldkey, hotkey])
    assert [balances[coldkey].tao, balances[hotkey].tao] == [5, 0]
    assert (await client.balances.existential_deposit()).rao == 500
    assert await client.block_time() == BLOCK_MS / 1000


async def test_blocks_are_streamed_and_waited_for(node: FakeNode, client: bt.Client) -> None:
    async def grow() -> None:
        for _ in range(5):
            await asyncio.sleep(0.02)
            node.advance()

    growing = asyncio.create_task(grow())
    header = await client.wait_for_block(3, timeout=10)
    assert header.number >= 3
    await growing
    assert await client.block() == await client.finalized_block() == 5
    info = await client.block_info(2)
    assert info is not None
    assert info.hash == "0x" + node.hash_of(2).hex()


async def test_a_commitment_is_signed_by_the_sdk_and_read_back(
    node: FakeNode, client: bt.Client, wallet: bt.Wallet
) -> None:
    call = bt.calls.Commitments.set_commitment(netuid=1, info={"fields": [{"Raw5": b"hello"}]})
    result = await client.submit_call(call, wallet, signer="hotkey")
    assert result.success
    assert result.extrinsic_id == "1-0000"
    assert result.fee.rao == 1000
    commitment = await client.identity.commitment(1, wallet.hotkey.ss58_address)
    assert (commitment.data, commitment.block) == ("hello", 1)


async def test_a_registration_arrives_sealed_and_is_opened(
    node: FakeNode, client: bt.Client, wallet: bt.Wallet
) -> None:
    result = await client.execute(intents.build("burned_register", {"netuid": 1}), wallet)
    assert result.success
    assert result.extrinsic_id == "1-0001"
    assert result.data["shielded"] is True
    calls = [
        codec(BLOCK_MS).decode_extrinsic(extrinsic)["call"]["call_function"]
        for extrinsic in node.extrinsics(1)
    ]
    assert calls == ["submit_encrypted", "burned_register"]


async def test_a_call_that_fails_is_told_by_the_sdk_s_code(
    node: FakeNode, client: bt.Client, wallet: bt.Wallet
) -> None:
    node.put("SubtensorModule", "Uids", (1, wallet.hotkey.ss58_address), 0)
    node.failing["set_mechanism_weights"] = RATE_LIMITED
    intent = intents.build("set_weights", {"netuid": 1, "weights": {0: 1.0}})
    result = await client.execute(intent, wallet)
    assert not result.success
    assert result.error.name == "SettingWeightsTooFast"
    assert result.error.code is ErrorCode.RATE_LIMITED
    assert node.head() == 1


async def test_many_at_once_from_one_account_take_their_turns(
    node: FakeNode, client: bt.Client, wallet: bt.Wallet
) -> None:
    """The SDK numbers them in order and sends them in any."""
    call = bt.calls.Commitments.set_commitment(netuid=1, info={"fields": [{"Raw1": b"x"}]})
    results = await asyncio.gather(
        *(client.submit_call(call, wallet, signer="hotkey") for _ in range(20))
    )
    assert all(result.success for result in results)
    assert node.nonces[wallet.hotkey.ss58_address] == node.head() == 20


async def test_a_wrong_nonce_is_refused_by_name(
    node: FakeNode, client: bt.Client, wallet: bt.Wallet
) -> None:
    call = bt.calls.Commitments.set_commitment(netuid=1, info={"fields": [{"Raw1": b"x"}]})
    composed = await client.compose(call)
    substrate = client._substrate
    ahead = await substrate.submit(composed, wallet.hotkey, nonce=5)
    assert (ahead.success, ahead.error.name, ahead.error.code) == (
        False,
        "Future",
        ErrorCode.TOO_EARLY,
    )
    assert (await substrate.submit(composed, wallet.hotkey, nonce=0)).success
    again = await substrate.submit(composed, wallet.hotkey, nonce=0)
    assert (again.error.name, again.error.code) == ("Stale", ErrorCode.EXPIRED)
    assert node.head() == 1


async def test_a_forged_signature_is_refused_by_name(
    node: FakeNode, client: bt.Client, wallet: bt.Wallet
) -> None:
    call = bt.calls.Commitments.set_commitment(netuid=1, info={"fields": [{"Raw1": b"x"}]})
    unsigned = await client.prepare_call(call, address=wallet.hotkey.ss58_address)
    result = await client.submit_signature(unsigned, bytes(64))
    assert (result.error.name, result.error.code) == ("BadProof", ErrorCode.INVALID_ARGUMENT)
    assert node.head() == 0


async def test_the_sdk_finds_its_way_back_after_the_server_was_away(
    node: FakeNode, wallet: bt.Wallet
) -> None:
    async with serving(node, node.codec) as service:
        port = int(service.url.rpartition(":")[2])
        client = bt.Client(service.url)
        await client.connect()
        assert await client.block() == 0
    node.advance()
    async with serving(node, node.codec, port=port):
        assert await client.block() == 1
    await client.close()
