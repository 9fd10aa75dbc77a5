"""What is pushed: heads, storage, and what became of an extrinsic."""

from __future__ import annotations

import asyncio

from bittensor.keyfiles import Keypair

from iotapretrain.chain.runtime.codec import codec
from iotapretrain.chain.runtime.extrinsic import Extrinsic, digest
from tests.chain.fake_node import BLOCK_MS, FakeNode
from tests.chain.rpc.client import RawClient

CODEC = codec(BLOCK_MS)
ALICE = Keypair.create_from_uri("//Alice")


def commitment(node: FakeNode, nonce: int = 0) -> bytes:
    arguments = {"netuid": 1, "info": {"fields": [{"Raw5": b"hello"}]}}
    call = CODEC.compose("Commitments", "set_commitment", arguments)
    unsigned = Extrinsic(b"", 0, b"", None, nonce, 0, call)
    return unsigned.signed_by(ALICE, node.genesis_hash, node.genesis_hash).encode()


async def test_heads_come_from_now_on_and_none_is_left_out(node: FakeNode, url: str) -> None:
    node.advance()
    async with RawClient.connected(url) as client:
        await client.result("chain_subscribeNewHeads")
        assert (await client.next_news())["number"] in ("0x0", "0x1")
        for _ in range(5):
            node.advance()
        numbers = [int((await client.next_news())["number"], 16) for _ in range(5)]
        assert numbers == list(range(numbers[0], numbers[0] + 5))


async def test_a_client_that_lags_far_behind_skips_blocks(node: FakeNode, url: str) -> None:
    async with RawClient.connected(url) as client:
        await client.result("chain_subscribeFinalizedHeads")
        assert (await client.next_news())["number"] == "0x0"
        for _ in range(500):
            node.advance()
        while (number := int((await client.next_news())["number"], 16)) < 400:
            pass
        assert number > 400


async def test_after_unsubscribing_nothing_more_comes(node: FakeNode, url: str) -> None:
    async with RawClient.connected(url) as client:
        subscription = await client.result("chain_subscribeNewHeads")
        await client.next_news()
        assert await client.result("chain_unsubscribeNewHeads", subscription) is True
        client.news.clear()
        node.advance()
        await asyncio.sleep(0.1)
        await client.result("system_name")
        assert client.news == []


async def test_an_extrinsic_is_followed_from_ready_to_finalized(node: FakeNode, url: str) -> None:
    data = commitment(node)
    async with RawClient.connected(url) as client:
        await client.result("author_submitAndWatchExtrinsic", "0x" + data.hex())
        news = [await client.next_news() for _ in range(3)]
        block_hash = "0x" + node.hash_of(1).hex()
        assert news == ["ready", {"inBlock": block_hash}, {"finalized": block_hash}]
        block = await client.result("chain_getBlock", block_hash)
        assert block["block"]["extrinsics"] == ["0x" + data.hex()]


async def test_a_refused_extrinsic_is_an_error_and_no_subscription(
    node: FakeNode, url: str
) -> None:
    data = commitment(node)
    async with RawClient.connected(url) as client:
        submitted = await client.result("author_submitExtrinsic", "0x" + data.hex())
        assert submitted == "0x" + digest(data).hex()
        for method in ("author_submitExtrinsic", "author_submitAndWatchExtrinsic"):
            error = await client.error(method, "0x" + data.hex())
            assert (error["code"], error["message"]) == (1010, "Invalid Transaction")
            assert error["data"].startswith("Transaction is outdated")
        assert node.head() == 1


async def test_storage_changes_are_told_when_they_happen(node: FakeNode, url: str) -> None:
    tempo, burn = (
        "0x" + CODEC.storage_key("SubtensorModule", item, (1,)).hex() for item in ("Tempo", "Burn")
    )
    node.put("SubtensorModule", "Tempo", (1,), 99)
    async with RawClient.connected(url) as client:
        await client.result("state_subscribeStorage", [tempo, burn])
        assert (await client.next_news())["changes"] == [[tempo, "0x6300"], [burn, None]]
        node.advance()
        node.put("SubtensorModule", "Tempo", (1,), 100)
        node.advance()
        assert (await client.next_news())["changes"] == [[tempo, "0x6400"]]


async def test_the_runtime_version_is_told_once(url: str) -> None:
    async with RawClient.connected(url) as client:
        await client.result("state_subscribeRuntimeVersion")
        assert await client.next_news() == await client.result("state_getRuntimeVersion")
