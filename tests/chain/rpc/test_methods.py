"""The methods that answer at once, as raw JSON."""

from __future__ import annotations

import pytest

from iotapretrain.chain.runtime.codec import codec
from iotapretrain.chain.runtime.metadata import SPEC_VERSION
from tests.chain.fake_node import BLOCK_MS, FakeNode
from tests.chain.rpc.client import RawClient

CODEC = codec(BLOCK_MS)
ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"


def key(pallet: str, item: str, *keys: object) -> str:
    return "0x" + CODEC.storage_key(pallet, item, keys).hex()


async def test_says_what_it_is(url: str) -> None:
    async with RawClient.connected(url) as client:
        names = (await client.result("rpc_methods"))["methods"]
        assert {"chain_getBlock", "state_call", "author_submitExtrinsic"} <= set(names)
        assert "author_submitAndWatchExtrinsic" in names
        assert names == sorted(names)
        assert (await client.result("system_properties"))["tokenSymbol"] == "TAO"
        assert await client.result("system_health") == {
            "peers": 0,
            "isSyncing": False,
            "shouldHavePeers": False,
        }
        assert (await client.result("state_getRuntimeVersion"))["specVersion"] == SPEC_VERSION
        for method in ("system_name", "system_version", "system_chain", "system_chainType"):
            assert isinstance(await client.result(method), str)


async def test_metadata_is_the_same_by_every_way(url: str) -> None:
    async with RawClient.connected(url) as client:
        plain = bytes.fromhex((await client.result("state_getMetadata"))[2:])
        opaque = await client.result("state_call", "Metadata_metadata_at_version", "0x0f000000")
        assert plain == CODEC.metadata
        assert bytes.fromhex(opaque[2:]).endswith(plain)
        assert opaque[:4] == "0x01"
        other = await client.result("state_call", "Metadata_metadata_at_version", "0x0e000000")
        assert other == "0x00"
        assert (
            await client.result("state_call", "Metadata_metadata_versions", "0x") == "0x040f000000"
        )


async def test_blocks_by_number_hash_and_not_at_all(node: FakeNode, url: str) -> None:
    node.advance()
    node.advance()
    async with RawClient.connected(url) as client:
        hashes = await client.result("chain_getBlockHash", [0, 1, 2, 3])
        assert hashes[3] is None
        assert await client.result("chain_getBlockHash") == hashes[2]
        assert await client.result("chain_getBlockHash", "0x01") == hashes[1]
        assert await client.result("chain_getHead") == hashes[2]
        assert await client.result("chain_getFinalizedHead") == hashes[2]
        header = await client.result("chain_getHeader", hashes[1])
        assert (header["number"], header["parentHash"]) == ("0x1", hashes[0])
        block = await client.result("chain_getBlock", hashes[1])
        assert block["block"] == {"header": header, "extrinsics": []}
        assert await client.result("chain_getHeader", "0x" + "ab" * 32) is None
        assert await client.result("chain_getBlock", "0x" + "ab" * 32) is None


async def test_storage_values_and_their_absence(node: FakeNode, url: str) -> None:
    node.put("SubtensorModule", "Tempo", (1,), 99)
    async with RawClient.connected(url) as client:
        assert (
            await client.result("state_getStorage", key("SubtensorModule", "Tempo", 1)) == "0x6300"
        )
        assert await client.result("state_getStorage", key("SubtensorModule", "Tempo", 2)) is None
        assert await client.result("state_getStorage", "0x1234") is None
        asked = [key("SubtensorModule", "Tempo", netuid) for netuid in (1, 2)]
        [group] = await client.result("state_queryStorageAt", asked)
        assert group["changes"] == [[asked[0], "0x6300"], [asked[1], None]]


async def test_what_follows_from_the_block_itself(node: FakeNode, url: str) -> None:
    node.advance()
    async with RawClient.connected(url) as client:
        number = await client.result("state_getStorage", key("System", "Number"))
        parent = await client.result("state_getStorage", key("System", "ParentHash"))
        genesis = await client.result("state_getStorage", key("System", "BlockHash", 0))
        unborn = await client.result("state_getStorage", key("System", "BlockHash", 9))
        events = await client.result("state_getStorage", key("System", "Events"))
        assert number == "0x01000000"
        assert parent == genesis == "0x" + node.genesis_hash.hex()
        assert (unborn, events) == (None, "0x00")


async def test_keys_come_in_pages_in_order(node: FakeNode, url: str) -> None:
    for uid in range(25):
        node.put("SubtensorModule", "Weights", (1, uid), [(0, uid)])
    node.put("SubtensorModule", "Weights", (2, 0), [])
    async with RawClient.connected(url) as client:
        prefix, collected = key("SubtensorModule", "Weights", 1), []
        while page := await client.result(
            "state_getKeysPaged", prefix, 10, collected[-1] if collected else prefix
        ):
            collected += page
        assert collected == sorted(key("SubtensorModule", "Weights", 1, uid) for uid in range(25))
        everything = await client.result(
            "state_getKeysPaged", key("SubtensorModule", "Weights"), 100
        )
        assert len(everything) == 26
        whole_chain = await client.result("state_getKeysPaged", "0x", 1000)
        assert set(everything) < set(whole_chain)
        within_a_key = await client.result("state_getKeysPaged", prefix[:-2], 1000)
        assert len(within_a_key) == 25


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (("NeuronInfoRuntimeApi_nothing", "0x"), "Exported method NeuronInfoRuntimeApi_nothing"),
        (("nonsense", "0x"), "Exported method nonsense_ is not found"),
        (("NeuronInfoRuntimeApi_get_neuron", "0x01"), "get_neuron"),
        (("Core_version", "zz"), "parameter 2 must be hex"),
        ((), "parameter 1 must be"),
    ],
)
async def test_unfit_calls_are_invalid_params(url: str, params: tuple[str], said: str) -> None:
    async with RawClient.connected(url) as client:
        error = await client.error("state_call", *params)
        assert error["code"] == -32602
        assert said in error["message"]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("state_getStorage", [5]),
        ("state_getStorage", ["0xabc"]),
        ("state_getStorage", ["0x", "0xab"]),
        ("state_queryStorageAt", ["0x"]),
        ("state_queryStorageAt", [["0x"] * 1001]),
        ("state_getKeysPaged", ["0x", -1]),
        ("state_getKeysPaged", ["0x", True]),
        ("chain_getBlockHash", ["0xzz"]),
        ("chain_getBlockHash", [1.5]),
        ("chain_getBlockHash", [{"a": 1}]),
        ("account_nextIndex", ["5Nobody"]),
        ("author_submitExtrinsic", [None]),
    ],
)
async def test_unfit_parameters_are_named(url: str, method: str, params: list[object]) -> None:
    async with RawClient.connected(url) as client:
        error = await client.error(method, *params)
        assert error["code"] == -32602
        assert "must be" in error["message"]


async def test_a_block_of_another_chain_is_unknown(url: str) -> None:
    async with RawClient.connected(url) as client:
        error = await client.error("state_getStorage", "0x", "0x" + "ab" * 32)
        assert error["code"] == 4003
        assert "UnknownBlock" in error["message"]


async def test_discarded_state_is_said_in_the_words_that_send_the_sdk_to_an_archive(
    node: FakeNode, url: str
) -> None:
    node.advance()
    node.kept_from = 1
    genesis = "0x" + node.genesis_hash.hex()
    async with RawClient.connected(url) as client:
        error = await client.error("state_getStorage", key("SubtensorModule", "Tempo", 1), genesis)
        assert f"State already discarded for {genesis}" in error["message"]


async def test_nonces_and_fees(node: FakeNode, url: str) -> None:
    node.nonces[ALICE] = 7
    async with RawClient.connected(url) as client:
        assert await client.result("account_nextIndex", ALICE) == 7
        assert await client.result("system_accountNextIndex", ALICE) == 7
        info = await client.result("payment_queryInfo", "0x0102")
        assert info["partialFee"] == "2"
