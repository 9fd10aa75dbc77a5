"""The server as a process: it says where it is, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import bittensor as bt
import pytest

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.rpc.server import serving
from iotapretrain.errors import ServeError
from tests.chain.fake_node import FakeNode
from tests.chain.rpc.client import RawClient
from tests.chain.rpc.networks import make_network

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chain.rpc.program", str(folder), cwd=ROOT, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def port_is_free(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_it_cleanly_even_with_clients(
    tmp_path: Path, number: signal.Signals
) -> None:
    make_network(tmp_path / "net")
    async with served(tmp_path / "net") as (process, url):
        async with RawClient.connected(url) as client:
            await client.result("chain_subscribeNewHeads")
            process.send_signal(number)
            said, _ = await asyncio.wait_for(process.communicate(), timeout=10)
        assert (process.returncode, said) == (0, b"stopped\n")
        assert port_is_free(url)


async def test_clients_see_what_another_process_writes_into_the_file(tmp_path: Path) -> None:
    make_network(tmp_path / "net")
    with EmbeddedChain(tmp_path / "net") as chain:
        async with served(tmp_path / "net") as (_, url), bt.Client(url) as client:
            waiting = asyncio.create_task(client.wait_for_block(3, timeout=10))
            await asyncio.sleep(0.1)
            chain.advance(3)
            assert (await waiting).number == 3
            assert await client.block_info(3) is not None


async def test_an_address_in_use_is_said_in_one_line(node: FakeNode, url: str) -> None:
    port = int(url.rpartition(":")[2])
    with pytest.raises(ServeError, match=rf"cannot listen on 127\.0\.0\.1:{port}") as refused:
        async with serving(node, node.codec, port=port):
            pass
    assert "\n" not in str(refused.value)


async def test_a_chain_that_cannot_be_read_stops_the_server(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(node, node.codec) as service:

        def broken() -> int:
            raise OSError("the disk is gone")

        monkeypatch.setattr(node, "head", broken)
        await asyncio.wait_for(asyncio.wait((service.watching,)), timeout=5)
        with pytest.raises(OSError, match="the disk is gone"):
            service.watching.result()
