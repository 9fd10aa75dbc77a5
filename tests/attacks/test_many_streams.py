"""One address that opens streams until nobody else can: it gets its share and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from iotapretrain.dashboard.app import make_app
from iotapretrain.dashboard.live import MOST_OF_ADDRESS, MOST_VIEWERS, Seats
from iotapretrain.dashboard.service import Desk, ShownNetwork
from iotapretrain.net.site import site_of

ATTACKER, READER = "203.0.113.7", "198.51.100.4"
MANY = 1_000


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "net").mkdir()
    async with Desk(ShownNetwork(f"embedded:{tmp_path / 'net'}", tmp_path / "net", 1)) as opened:
        yield opened


class Viewer:
    """A connection that asks for the stream and stays."""

    def __init__(self, app: object, address: str, headers: tuple[tuple[bytes, bytes], ...] = ()):
        self.status: int | None = None
        self.headers: dict[bytes, bytes] = {}
        self._gone, self._began = asyncio.Event(), asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/live",
            "raw_path": b"/api/live",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"dashboard"), *headers],
            "client": (address, 1),
            "server": ("dashboard", 80),
        }
        self._task = asyncio.create_task(app(scope, self._receive, self._send))  # type: ignore[operator] # an ASGI application

    async def began(self) -> Viewer:
        await asyncio.wait_for(self._began.wait(), 20)
        return self

    async def leave(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self._task, 20)

    async def _receive(self) -> dict[str, object]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            self.status = int(str(message["status"]))
            self.headers = dict(message["headers"])  # type: ignore[call-overload] # pairs
            self._began.set()


async def opened(app: object, address: str, number: int) -> list[Viewer]:
    viewers = [Viewer(app, address) for _ in range(number)]
    return [await viewer.began() for viewer in viewers]


async def test_an_address_has_its_share_of_the_streams(desk: Desk) -> None:
    app = make_app(desk, None)
    flood = await opened(app, ATTACKER, MANY)
    seated = [viewer for viewer in flood if viewer.status == 200]
    refused = [viewer for viewer in flood if viewer.status == 429]
    assert (len(seated), len(refused)) == (MOST_OF_ADDRESS, MANY - MOST_OF_ADDRESS)
    assert all(int(viewer.headers[b"retry-after"]) > 0 for viewer in refused)
    (reader,) = await opened(app, READER, 1)
    assert reader.status == 200
    for viewer in (*flood, reader):
        await viewer.leave()
    (again,) = await opened(app, ATTACKER, 1)
    assert again.status == 200
    await again.leave()


async def test_a_forwarded_address_of_nobody_we_trust_counts_for_nothing(desk: Desk) -> None:
    app = make_app(desk, None, Seats(most_of_address=1))
    viewers = [
        await Viewer(app, ATTACKER, ((b"x-forwarded-for", f"192.0.2.{n}".encode()),)).began()
        for n in range(3)
    ]
    assert [viewer.status for viewer in viewers] == [200, 429, 429]
    for viewer in viewers:
        await viewer.leave()


async def test_all_the_streams_together_are_bounded(desk: Desk) -> None:
    app = make_app(desk, None, Seats(most=3))
    viewers = [await Viewer(app, f"192.0.2.{n}").began() for n in range(5)]
    assert [viewer.status for viewer in viewers] == [200, 200, 200, 503, 503]
    assert viewers[-1].headers[b"retry-after"]
    for viewer in viewers:
        await viewer.leave()


def test_addresses_of_one_site_count_as_one() -> None:
    assert site_of("2001:db8::1") == site_of("2001:db8::ffff:2")
    assert site_of("2001:db8::1") != site_of("2001:db8:0:1::1")
    assert site_of("::ffff:192.0.2.1") == site_of("192.0.2.1")
    assert MOST_OF_ADDRESS < MOST_VIEWERS
