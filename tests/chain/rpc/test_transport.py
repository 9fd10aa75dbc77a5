"""Hostile and clumsy clients: each gets its error, and the others never notice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus

from iotapretrain.chain.allowances import TokenBucket
from iotapretrain.chain.rpc.limits import ClientLimits
from iotapretrain.chain.rpc.server import serving
from tests.chain.fake_node import FakeNode
from tests.chain.rpc.client import RawClient

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
METHODS = st.sampled_from(
    [
        "chain_getBlockHash",
        "chain_getHeader",
        "chain_getBlock",
        "state_getStorage",
        "state_queryStorageAt",
        "state_getKeysPaged",
        "state_call",
        "state_subscribeStorage",
        "author_submitExtrinsic",
        "author_submitAndWatchExtrinsic",
        "author_unwatchExtrinsic",
        "payment_queryInfo",
        "account_nextIndex",
        "nothing",
    ]
)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", -32700),
        ("{", -32700),
        ("[" * 5000, -32700),
        (b"\xff\xfe", -32700),
        ("1", -32600),
        ("[]", -32600),
        ('{"id": 1, "method": "system_name"}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": "system_name", "params": {"a": 1}}', -32602),
        ('{"jsonrpc": "2.0", "id": 1, "method": "nothing"}', -32601),
    ],
)
async def test_malformed_messages_get_their_code_and_the_next_is_answered(
    url: str, message: str | bytes, code: int
) -> None:
    async with RawClient.connected(url) as client:
        answer = await client.say(message)
        assert answer["error"]["code"] == code
        assert await client.result("system_name") == "iotapretrain"


async def test_batches_are_answered_in_one_message_and_notifications_not_at_all(url: str) -> None:
    ask = {"jsonrpc": "2.0", "method": "system_name"}
    async with RawClient.connected(url) as client:
        answers = await client.say(json.dumps([ask | {"id": 1}, ask, 5, ask | {"id": "b"}]))
        assert [answer["id"] for answer in answers] == [1, None, "b"]
        assert answers[1]["error"]["code"] == -32600
        await client.socket.send(json.dumps(ask))
        assert await client.result("system_name") == "iotapretrain"


async def test_a_batch_over_the_bound_is_refused(url: str) -> None:
    ask = {"jsonrpc": "2.0", "method": "system_name", "id": 1}
    async with RawClient.connected(url) as client:
        answer = await client.say(json.dumps([ask] * 65))
        assert "1 to 64 requests" in answer["error"]["message"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(method=METHODS, params=st.lists(JSON, max_size=4), identity=JSON)
def test_any_request_gets_an_answer(method: str, params: list[Any], identity: Any) -> None:
    request = {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}

    async def answered() -> None:
        node = FakeNode()
        async with serving(node, node.codec) as service, RawClient.connected(service.url) as client:
            answer = await client.say(json.dumps(request))
            assert ("result" in answer) != ("error" in answer)
            assert await client.result("system_name") == "iotapretrain"

    asyncio.run(answered())


async def test_an_oversized_message_ends_its_connection_alone(node: FakeNode) -> None:
    async with (
        serving(node, node.codec, limits=ClientLimits(message_bytes=1000)) as service,
        RawClient.connected(service.url) as other,
    ):
        async with RawClient.connected(service.url) as client:
            with pytest.raises(ConnectionClosed) as closed:
                await client.say("x" * 2000)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert await other.result("system_name") == "iotapretrain"


async def test_too_many_requests_are_told_when_to_come_back(node: FakeNode) -> None:
    limits = ClientLimits(requests_per_second=20, burst=5)
    async with (
        serving(node, node.codec, limits=limits) as service,
        RawClient.connected(service.url) as client,
        RawClient.connected(service.url) as other,
    ):
        for _ in range(5):
            await client.result("system_name")
        error = await client.error("system_name")
        assert error["code"] == -32005
        assert await other.result("system_name") == "iotapretrain"
        await asyncio.sleep(float(error["data"]["retry_after"]) + 0.01)
        assert await client.result("system_name") == "iotapretrain"


def test_a_bucket_fills_up_again_but_never_over_its_brim() -> None:
    now = [0.0]
    bucket = TokenBucket(rate=2.0, burst=2, clock=lambda: now[0])
    assert [bucket.take(), bucket.take(), bucket.take()] == [0, 0, 0.5]
    now[0] = 0.25
    assert bucket.take() == 0.25
    now[0] = 1000.0
    assert [bucket.take(), bucket.take(), bucket.take()] == [0, 0, 0.5]


def test_what_is_owed_to_a_bucket_is_paid_off_with_time() -> None:
    now = [0.0]
    bucket = TokenBucket(rate=2.0, burst=2, clock=lambda: now[0])
    assert [bucket.owe(2), bucket.owe(3), bucket.owe(0)] == [0, 1.5, 1.5]
    now[0] = 1.0
    assert [bucket.owe(0), bucket.take()] == [0.5, 1.0]


async def test_too_many_subscriptions_are_refused_until_one_ends(node: FakeNode) -> None:
    async with (
        serving(node, node.codec, limits=ClientLimits(subscriptions=2)) as service,
        RawClient.connected(service.url) as client,
    ):
        first = await client.result("chain_subscribeNewHeads")
        await client.result("chain_subscribeNewHeads")
        assert (await client.error("chain_subscribeNewHeads"))["code"] == -32006
        assert await client.result("chain_unsubscribeNewHeads", first) is True
        assert await client.result("chain_unsubscribeNewHeads", first) is False
        await client.result("chain_subscribeNewHeads")


async def test_connections_over_the_bound_are_turned_away_at_the_door(node: FakeNode) -> None:
    async with serving(node, node.codec, limits=ClientLimits(connections=1)) as service:
        async with RawClient.connected(service.url):
            with pytest.raises(InvalidStatus) as refused:
                async with RawClient.connected(service.url):
                    pass
            assert refused.value.response.status_code == 429
        async with RawClient.connected(service.url) as client:
            assert await client.result("system_name") == "iotapretrain"


async def test_a_question_that_takes_too_long_is_given_up(node: FakeNode) -> None:
    async with (
        serving(node, node.codec, limits=ClientLimits(call_seconds=0.05)) as service,
        RawClient.connected(service.url) as client,
    ):
        node.slow = 0.2
        tempo = "0x" + node.codec.storage_key("SubtensorModule", "Tempo", (1,)).hex()
        error = await client.error("state_getStorage", tempo)
        assert "no answer within 0.05 s" in error["message"]
        node.slow = 0.0
        await asyncio.sleep(0.3)
        assert await client.result("state_getStorage", tempo) is None


async def test_a_defect_of_the_node_ends_the_connection_that_met_it_and_no_other(
    node: FakeNode, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> object:
        raise RuntimeError("a defect")

    monkeypatch.setattr(node, "storage", defect)
    tempo = "0x" + node.codec.storage_key("SubtensorModule", "Tempo", (1,)).hex()
    async with RawClient.connected(url) as other, RawClient.connected(url) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.ask("state_getStorage", tempo)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        assert await other.result("system_name") == "iotapretrain"


async def _send_forever(client: RawClient, request: str) -> None:
    while True:
        await client.socket.send(request)


async def test_a_client_that_never_reads_is_cut_off(node: FakeNode) -> None:
    limits = ClientLimits(send_seconds=0.2, requests_per_second=1e6, burst=10**6)
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "state_getMetadata"})
    async with serving(node, node.codec, limits=limits) as service:
        async with RawClient.connected(service.url) as client:
            client.socket.transport.pause_reading()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(_send_forever(client, request), timeout=30)
        async with RawClient.connected(service.url) as other:
            assert await other.result("system_name") == "iotapretrain"
