"""One address takes all seats, or submits without end."""

from __future__ import annotations

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from iotapretrain.chain.rpc.limits import Limits
from iotapretrain.chain.rpc.server import serving
from tests.chain.fake_node import FakeNode
from tests.chain.rpc.client import RawClient


async def test_one_address_cannot_take_all_seats() -> None:
    node = FakeNode()
    async with (
        serving(node, node.codec, limits=Limits(connections_per_address=1)) as service,
        RawClient.connected(service.url) as first,
        connect(service.url, local_addr=("127.0.0.2", 0)) as other,
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(service.url):
                pass
        response = refused.value.response
        assert response.status_code == 429
        assert b"too many connections from your address; close some" in response.body
        assert await RawClient(other).result("system_name") == "iotapretrain"
        assert await first.result("system_name") == "iotapretrain"


async def test_an_address_over_its_quota_of_bytes_is_told_when_to_come_back() -> None:
    node = FakeNode()
    limits = Limits(submitted_burst_bytes=1000)
    async with (
        serving(node, node.codec, limits=limits) as service,
        RawClient.connected(service.url) as client,
    ):
        error = await client.error("author_submitExtrinsic", "0x" + "00" * 2000)
        assert error["code"] == -32005
        assert float(error["data"]["retry_after"]) > 0
