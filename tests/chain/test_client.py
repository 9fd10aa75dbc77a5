"""The façade: typed answers, patience, one reconnection for all, a metagraph at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from bittensor.result import RpcConnectionError

from iotapretrain.chain.client import ChainClient, ChainPatience, connect
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.freshness import Cached, Freshness
from iotapretrain.chain.rpc.server import serving
from iotapretrain.errors import InputError, SubmissionError, UnreachableError
from tests.chain.signing import signed, transfer
from tests.chain.worlds import BALANCE, RAO, coldkey, hotkey, keys, make_chain

QUICK = ChainPatience(
    connect=5, attempt=1.0, seconds=2.0, submit=10, first_pause=0.01, longest_pause=0.05
)


@pytest.fixture
def chain(tmp_path: Path) -> EmbeddedChain:
    return make_chain(tmp_path / "net")


@pytest.fixture(params=["embedded", "served"])
async def client(
    request: pytest.FixtureRequest, tmp_path: Path, chain: EmbeddedChain
) -> AsyncIterator[ChainClient]:
    if request.param == "embedded":
        async with await connect(f"embedded:{tmp_path / 'net'}", QUICK) as opened:
            yield opened
        return
    async with serving(chain, chain.codec) as service, await connect(service.url, QUICK) as opened:
        yield opened


async def test_it_does_everything_a_miner_and_a_validator_need(
    client: ChainClient, chain: EmbeddedChain
) -> None:
    for name in ("miner-1", "validator-1", "validator-2"):
        assert await client.register(keys(name), 1)
    await client.stake(keys("miner-2"), 1, 7 * RAO, hotkey("validator-1"))
    await client.transfer(keys("miner-2"), coldkey("miner-3"), RAO)
    assert await client.balance(coldkey("miner-3")) == BALANCE + RAO
    await client.commit(keys("miner-1"), 1, b"space:name:0123")
    chain.advance(40)
    await client.wait_for_block(chain.head(), timeout=5)
    await client.set_weights(keys("validator-1"), 1, {0: 1.0})
    await client.set_weights(keys("validator-2"), 1, {0: 1.0})
    chain.advance(20)
    head = await client.wait_for_block(chain.head(), timeout=5)
    graph = await client.metagraph(1, block=head)
    assert len(graph) == 3
    assert graph.uid(hotkey("validator-2")) == 2
    assert graph.uid(hotkey("nobody")) is None
    assert graph.incentive.tolist() == [1.0, 0, 0]
    assert graph.stake.dtype == np.int64
    assert graph.validator_permit.tolist() == [False, True, True]
    assert await client.weights(1) == {1: {0: 1.0}, 2: {0: 1.0}}
    assert await client.weights(1, block=1) == {}
    assert graph.validator_trust[1:] == pytest.approx([1, 1], abs=1e-4)
    assert (await client.hyperparameters(1))["tempo"] == graph.tempo == 20


async def test_commitments_come_with_their_blocks_from_one_block(
    client: ChainClient, chain: EmbeddedChain
) -> None:
    for number, text in enumerate((b"first", bytes(128)), start=1):
        await client.register(keys(f"miner-{number}"), 1)
        await client.commit(keys(f"miner-{number}"), 1, text)
    committed = await client.commitments(1)
    number, block_hash = await client.head()
    assert (committed.block, committed.block_hash) == (number, block_hash)
    assert {name: each.data for name, each in committed.by_hotkey.items()} == {
        hotkey("miner-1"): b"first",
        hotkey("miner-2"): bytes(128),
    }
    last = committed.by_hotkey[hotkey("miner-2")]
    assert last.block == number
    before = await client.commitments(1, block=number - 1)
    assert set(before.by_hotkey) == {hotkey("miner-1")}
    assert before.block_hash == await client.block_hash(number - 1)


async def test_refusals_have_the_sdks_code(client: ChainClient) -> None:
    with pytest.raises(SubmissionError) as refused:
        await client.set_weights(keys("miner-1"), 1, {0: 1})
    assert refused.value.code == "not_registered"
    with pytest.raises(SubmissionError) as refused:
        await client.commit(keys("miner-1"), 1, bytes(129))
    assert (refused.value.code, refused.value.name) == ("limit_exceeded", "SpaceLimitExceeded")
    with pytest.raises(SubmissionError) as refused:
        await client.commit(keys("miner-1"), 1, b"unregistered")
    assert refused.value.code in ("not_authorized", "insufficient_balance")  # of a served chain
    with pytest.raises(InputError, match="subnet 9: there is none"):
        await client.metagraph(9)


async def test_signed_bytes_can_be_sent(client: ChainClient, chain: EmbeddedChain) -> None:
    data = signed(chain, keys("miner-1").coldkey, transfer())
    number, _, index = (await client.submit(data)).partition("-")
    assert chain.extrinsics(int(number))[int(index)] == data
    with pytest.raises(SubmissionError) as refused:
        await client.submit(data)
    assert refused.value.code == "expired"


async def test_it_reconnects_when_the_server_comes_back(chain: EmbeddedChain) -> None:
    async with serving(chain, chain.codec) as service:
        client = await connect(service.url, QUICK)
        assert (await client.head())[0] == 0
        port = int(service.url.rpartition(":")[2])
    reading = asyncio.gather(*(client.head() for _ in range(5)))
    await asyncio.sleep(0.3)
    async with serving(chain, chain.codec, port=port):
        assert [number for number, _ in await reading] == [0] * 5
        chain.advance(3)
        assert await client.balance(coldkey("owner")) == BALANCE
        await client.close()


async def test_a_chain_that_is_not_there_is_said_within_the_deadline() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(UnreachableError, match="did not answer within 2 s"):
        await connect("ws://127.0.0.1:1", QUICK)
    assert loop.time() - began < 10


async def test_unknown_networks() -> None:
    with pytest.raises(InputError, match="'moon': unknown; allowed: finney, test, local, ws"):
        await connect("moon")


class Source:
    """Answers that can be made slow or to fail."""

    def __init__(self, *outcomes: Exception | int) -> None:
        self.outcomes = list(outcomes)
        self.asked = 0
        self.delay = 0.0

    async def __call__(self) -> int:
        self.asked += 1
        await asyncio.sleep(self.delay)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def recovered() -> None:
    """Nothing to repair."""


def patiently(
    source: Callable[[], Awaitable[int]], patience: ChainPatience = QUICK
) -> Awaitable[int]:
    return patience.keep_asking(source, recovered, (RpcConnectionError,), patience.attempt)


async def test_reads_are_tried_again_after_passing_failures_only() -> None:
    flaky = Source(RpcConnectionError("gone"), RpcConnectionError("gone"), 7)
    assert await patiently(flaky) == 7
    assert flaky.asked == 3
    wrong = Source(ValueError("a bug"), 7)
    with pytest.raises(ValueError, match="a bug"):
        await patiently(wrong)
    assert wrong.asked == 1


async def test_reads_end_with_their_deadline() -> None:
    patience = ChainPatience(attempt=0.05, seconds=0.4, first_pause=0.01, longest_pause=0.02)
    hanging = Source(7)
    hanging.delay = 60
    began = asyncio.get_running_loop().time()
    with pytest.raises(UnreachableError, match=r"within 0\.4 s: no answer within 0\.05 s"):
        await patiently(hanging, patience)
    assert asyncio.get_running_loop().time() - began < 2
    assert hanging.asked > 2


@pytest.mark.parametrize("wrong", [{"attempt": 0.0}, {"attempt": 61.0}, {"first_pause": 9.0}])
def test_deadlines_must_be_in_order(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"attempt|first_pause"):
        ChainPatience(**wrong)


async def test_an_old_answer_is_given_at_once_and_renewed_behind_it() -> None:
    source = Source(1, 2, 3)
    cached = Cached(source, Freshness(fresh=0.05, stale=10))
    assert [await cached.get(), await cached.get()] == [1, 1]
    assert source.asked == 1
    await asyncio.sleep(0.1)
    assert await cached.get() == 1
    await asyncio.sleep(0.02)
    assert await cached.get() == 2
    assert source.asked == 2


async def test_many_readers_share_one_read() -> None:
    source = Source(5)
    source.delay = 0.05
    cached = Cached(source, Freshness())
    assert await asyncio.gather(*(cached.get() for _ in range(20))) == [5] * 20
    assert source.asked == 1


async def test_a_failed_renewal_is_seen_only_when_the_answer_is_stale() -> None:
    source = Source(1, RpcConnectionError("gone"))
    cached = Cached(source, Freshness(fresh=0.01, stale=0.2))
    assert await cached.get() == 1
    await asyncio.sleep(0.05)
    assert await cached.get() == 1
    await asyncio.sleep(0.2)
    with pytest.raises(RpcConnectionError):
        await cached.get()
    cached.close()


async def test_after_writing_the_metagraph_is_read_anew(
    client: ChainClient, chain: EmbeddedChain
) -> None:
    assert len(await client.metagraph(1)) == 0
    chain.advance(3)
    assert (await client.metagraph(1)).block == 0
    await client.register(keys("miner-1"), 1)
    assert len(await client.metagraph(1)) == 1
