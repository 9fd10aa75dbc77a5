"""Addresses that ask a served chain for too much: the others go on, and they are told why not."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from iotapretrain.chain.rpc.limits import ClientLimits
from iotapretrain.chain.rpc.methods import Methods
from iotapretrain.chain.rpc.server import serving
from tests.chain.fake_node import FakeNode
from tests.chain.rpc.client import RawClient

ATTACKER = ("127.0.0.2", 0)


def reads(node: FakeNode, count: int) -> str:
    """A batch of questions that each take the node as long as it is slow."""
    key = "0x" + node.codec.storage_key("SubtensorModule", "Tempo", (1,)).hex()
    ask = {"jsonrpc": "2.0", "method": "state_getStorage", "params": [key]}
    return json.dumps([ask | {"id": number} for number in range(count)])


async def test_one_address_cannot_take_all_seats() -> None:
    node = FakeNode()
    async with (
        serving(node, node.codec, limits=ClientLimits(connections_per_address=1)) as service,
        RawClient.connected(service.url) as first,
        connect(service.url, local_addr=ATTACKER) as other,
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(service.url):
                pass
        response = refused.value.response
        assert response.status_code == 429
        assert b"too many connections from your address; close some" in response.body
        assert await RawClient(other).result("system_name") == "iotapretrain"
        assert await first.result("system_name") == "iotapretrain"


async def test_connections_that_say_nothing_are_counted_too() -> None:
    node = FakeNode()
    limits = ClientLimits(connections_per_address=4, waiting_at_the_door=2)

    async def dropped(url: str) -> bool:
        host, _, port = url.removeprefix("ws://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), local_addr=ATTACKER)
        held.append(writer)
        try:
            return not await asyncio.wait_for(reader.read(1), 0.5)
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    held: list[asyncio.StreamWriter] = []
    async with serving(node, node.codec, limits=limits) as service:
        gone = await asyncio.gather(*(dropped(service.url) for _ in range(40)))
        assert gone.count(False) <= 6
        async with RawClient.connected(service.url) as honest:
            assert await honest.result("system_name") == "iotapretrain"
        for writer in held:
            writer.close()


async def test_an_address_over_its_quota_of_bytes_is_told_when_to_come_back() -> None:
    node = FakeNode()
    limits = ClientLimits(submitted_burst_bytes=1000)
    async with (
        serving(node, node.codec, limits=limits) as service,
        RawClient.connected(service.url) as client,
    ):
        error = await client.error("author_submitExtrinsic", "0x" + "00" * 2000)
        assert error["code"] == -32005
        assert float(error["data"]["retry_after"]) > 0


async def test_a_batch_has_so_much_of_the_nodes_time_and_no_more() -> None:
    node = FakeNode()
    node.slow = 0.02
    async with (
        serving(node, node.codec, limits=ClientLimits(message_seconds=0.2)) as service,
        RawClient.connected(service.url) as client,
    ):
        answers = await client.say(reads(node, 64))
        refused = [answer["error"] for answer in answers if "error" in answer]
        assert 0 < len(answers) - len(refused) <= 10
        assert {error["code"] for error in refused} == {-32005}
        assert refused[0]["data"]["policy"] == "seconds of the node for one message"


async def test_a_batch_has_so_many_bytes_of_answers_and_no_more() -> None:
    node = FakeNode()
    ask = {"jsonrpc": "2.0", "method": "state_getMetadata", "id": 1}
    async with (
        serving(node, node.codec, limits=ClientLimits(message_answer_bytes=1000)) as service,
        RawClient.connected(service.url) as client,
    ):
        whole, *others = await client.say(json.dumps([ask] * 5))
        assert whole["result"].startswith("0x")
        assert {other["error"]["code"] for other in others} == {-32005}


async def test_others_are_answered_between_the_questions_of_many_connections() -> None:
    node = FakeNode()
    node.slow = 0.02
    asked = reads(node, 32)
    async with (
        serving(node, node.codec) as service,
        RawClient.connected(service.url) as honest,
    ):
        sockets = [await connect(service.url, local_addr=ATTACKER) for _ in range(8)]
        for socket in sockets:
            for _ in range(4):
                await socket.send(asked)  # 20 s of work
        first = asyncio.create_task(sockets[0].recv())
        await asyncio.sleep(0.1)
        for _ in range(5):
            key = json.loads(asked)[0]["params"][0]
            assert await honest.result("state_getStorage", key) is None
        assert not first.done()
        first.cancel()
        for socket in sockets:
            socket.transport.abort()


async def test_an_address_that_used_up_its_time_waits_alone() -> None:
    node = FakeNode()
    node.slow = 0.05
    limits = ClientLimits(node_seconds_per_second=0.2, node_burst_seconds=0.1)
    async with (
        serving(node, node.codec, limits=limits) as service,
        RawClient.connected(service.url) as honest,
        connect(service.url, local_addr=ATTACKER) as socket,
    ):
        loop = asyncio.get_running_loop()
        began = loop.time()
        await socket.send(reads(node, 8))  # 0.4 s of work, of which 0.1 s at once
        await honest.result("system_name")
        assert loop.time() - began < 0.5
        await socket.recv()
        assert loop.time() - began > 1.2


async def test_who_does_not_take_answers_is_given_no_more() -> None:
    node = FakeNode()
    called = 0
    call = Methods.call

    def counted(self: Methods, *arguments: Any) -> object:
        nonlocal called
        called += 1
        return call(self, *arguments)

    limits = ClientLimits(pipelined=300, answer_bytes_per_address=1, send_seconds=2)
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "state_getMetadata"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Methods, "call", counted)
        async with (
            serving(node, node.codec, limits=limits) as service,
            RawClient.connected(service.url) as client,
        ):
            client.socket.transport.pause_reading()
            for _ in range(300):
                await client.socket.send(request)
            await asyncio.sleep(1)
            assert 0 < called < 200  # what has gone into the sockets' buffers, and one more
            client.socket.transport.abort()


async def test_a_message_of_very_many_values_is_refused_unread() -> None:
    node = FakeNode()
    junk = ",".join(["[]"] * 300_000)
    message = f'{{"jsonrpc": "2.0", "id": 1, "method": "state_getStorage", "params": [{junk}]}}'
    async with serving(node, node.codec) as service, RawClient.connected(service.url) as client:
        error = (await client.say(message))["error"]
        assert (error["code"], "more than 16384 values" in error["message"]) == (-32600, True)
        assert await client.result("system_name") == "iotapretrain"


async def test_a_message_in_crumbs_ends_its_connection() -> None:
    node = FakeNode()
    async with (
        serving(node, node.codec) as service,
        RawClient.connected(service.url) as other,
        RawClient.connected(service.url) as client,
    ):
        sending = asyncio.create_task(client.socket.send(iter([" "] * 1000)))
        with pytest.raises(ConnectionClosed) as closed:
            await client.socket.recv()
        await asyncio.gather(sending, return_exceptions=True)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert await other.result("system_name") == "iotapretrain"


async def test_who_does_nothing_but_ping_is_dropped() -> None:
    node = FakeNode()
    async with (
        serving(node, node.codec, limits=ClientLimits(signals_burst=20)) as service,
        RawClient.connected(service.url) as other,
        connect(service.url, local_addr=ATTACKER) as socket,
    ):
        for _ in range(10):
            await (await socket.ping())
        for _ in range(30):
            with suppress(ConnectionClosed):
                await socket.ping()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert await other.result("system_name") == "iotapretrain"


async def test_an_address_watches_so_many_keys_and_no_more() -> None:
    node = FakeNode()
    keys = [
        "0x" + node.codec.storage_key("SubtensorModule", "Tempo", (netuid,)).hex()
        for netuid in range(6)
    ]
    async with (
        serving(node, node.codec, limits=ClientLimits(watched_per_address=10)) as service,
        RawClient.connected(service.url) as client,
        RawClient.connected(service.url) as second,
    ):
        watching = await client.result("state_subscribeStorage", keys)
        error = await second.error("state_subscribeStorage", keys)
        assert (error["code"], "10 heads and keys" in error["message"]) == (-32006, True)
        assert await client.result("state_unsubscribeStorage", watching) is True
        await second.result("state_subscribeStorage", keys)
        error = await client.error("state_subscribeStorage", ["0x" + "00" * 257])
        assert error["code"] == -32602
