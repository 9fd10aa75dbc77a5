"""Requests with absurd numbers and texts: each gets one line, none an error of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotapretrain.dashboard.app import make_app
from iotapretrain.dashboard.service import Desk, ShownNetwork
from tests.dashboard.synthetic import Synthetic
from tests.dashboard.test_app import until

LIVE = "/api/live"
WILD = st.one_of(
    st.integers(-(10**400), 10**400).map(str),
    st.sampled_from(["9" * 400, "-1", str(2**63), str(2**53), "1e9", "nan", "0", "1", ""]),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=80),
)
ASKED = [
    ("/api/competitions/" + "9" * 400, 422),
    (f"/api/competitions/{2**63}/duels", 422),
    ("/api/competitions/-1/lineage", 422),
    ("/api/competitions/1?places=" + "9" * 400, 422),
    ("/api/competitions/1?validator=" + "5" * 400, 422),
    ("/api/miners/" + "5" * 400, 422),
]
BODIES = [
    b'{"validator": "x", "round": ' + b"9" * 400 + b"}",
    b'{"validator": "x", "round": %d}' % 2**63,
    b'{"validator": "' + b"5" * 400 + b'", "round": 1}',
    b'{"validator": "\xff", "round": 1}',
    b"[" * 4_000,
]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    made = Synthetic(tmp_path / "net", miners=4, validators=2)
    made.play(2)
    async with Desk(ShownNetwork(f"embedded:{made.folder}", made.folder, 1)) as desk:
        await until(desk, "SELECT count(*) FROM rounds", 4)
        transport = httpx.ASGITransport(make_app(desk, None), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://dashboard") as opened:
            yield opened


@pytest.mark.parametrize(("path", "status"), ASKED)
async def test_what_is_out_of_bounds_is_refused_in_one_line(
    client: httpx.AsyncClient, path: str, status: int
) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    problem = answer.json()["problem"]
    assert "\n" not in problem
    assert 0 < len(problem) < 200


@pytest.mark.parametrize("body", BODIES)
async def test_a_wild_request_to_audit_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/audits", content=body)
    assert 400 <= answer.status_code < 500
    assert "\n" not in answer.json()["problem"]


async def test_no_request_is_answered_with_an_error_of_ours(client: httpx.AsyncClient) -> None:
    loop = asyncio.get_running_loop()
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    routes = _routes(transport.app)
    assert len(routes) > 8

    async def ask(path: str, query: dict[str, str]) -> int:
        return (await client.get(path, params=query)).status_code

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        path, inside, asked = data.draw(st.sampled_from(routes))
        for name in inside:
            path = path.replace("{" + name + "}", quote(data.draw(WILD), safe=""))
        query = {name: data.draw(WILD) for name in asked}
        status = asyncio.run_coroutine_threadsafe(ask(path, query), loop).result(20)
        assert status < 500, (path, query)

    await asyncio.to_thread(fuzz)


def _routes(app: Any) -> list[tuple[str, list[str], list[str]]]:
    """Every address to read, and its parameters in the path and after it."""
    found = []
    for path, methods in app.openapi()["paths"].items():
        if "get" in methods and path != LIVE:
            parameters = methods["get"].get("parameters", [])
            names = {
                place: [p["name"] for p in parameters if p["in"] == place]
                for place in ("path", "query")
            }
            found.append((path, names["path"], names["query"]))
    return found
