"""The WebSocket server: `iota chain serve` and the tests' local node. It holds no keys."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websocket

from iotapretrain.chain.node import Node
from iotapretrain.chain.rpc.connection import Connection, RequestDesk
from iotapretrain.chain.rpc.door import Door, Visitor, admit
from iotapretrain.chain.rpc.limits import ClientLimits
from iotapretrain.chain.rpc.line import HeadWatcher, Line, NodeThread
from iotapretrain.chain.rpc.methods import Methods
from iotapretrain.chain.rpc.subscriptions import ENDS, SUBMIT, TOPICS, Subscriptions
from iotapretrain.chain.runtime.codec import Codec
from iotapretrain.chain.state_queries import Surface
from iotapretrain.errors import ServeError

LOGGER = logging.getLogger(__name__)
LOGGER.addHandler(logging.NullHandler())
CHAIN_NAME = "IOTA embedded chain"
KEEPALIVE_SECONDS = 20.0
CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Service:
    url: str
    watching: asyncio.Task[None]
    """Ends only by an error that keeps the chain from being read."""


@asynccontextmanager
async def serving(
    node: Node,
    codec: Codec,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: ClientLimits | None = None,
) -> AsyncIterator[Service]:
    """Serve a chain while the context lasts. Port 0 takes any free one."""
    limits = limits or ClientLimits()
    thread = NodeThread()
    watcher = HeadWatcher(node, thread)
    methods = Methods(Surface(node, codec), CHAIN_NAME, ENDS.union(TOPICS, {SUBMIT}))
    subscriptions = Subscriptions(node, methods, watcher, limits.watched_key_bytes)
    desk = RequestDesk(methods, subscriptions, Line(node, thread, limits))

    async def client(socket: ServerConnection) -> None:
        if isinstance(socket, Visitor) and socket.address is not None:
            await Connection(socket, socket.address, desk, limits).run()

    try:
        await watcher.look()
        async with await _listen(client, host, port, limits) as server:
            watching = asyncio.create_task(watcher.run())
            try:
                yield Service(_url(server), watching)
            finally:
                watching.cancel()
                await asyncio.wait((watching,))
    finally:
        thread.close()


async def serve(
    node: Node,
    codec: Codec,
    *,
    host: str,
    port: int,
    announce: Callable[[str], None],
    limits: ClientLimits | None = None,
) -> None:
    """Serve a chain until SIGINT or SIGTERM; `announce` gets the URL once clients can connect."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with serving(node, codec, host=host, port=port, limits=limits) as service:
            announce(service.url)
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait((stopped, service.watching), return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if service.watching.done():
                service.watching.result()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _url(server: Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"


async def _listen(
    client: Callable[[ServerConnection], Awaitable[None]],
    host: str,
    port: int,
    limits: ClientLimits,
) -> Server:
    class Visitors(Visitor):
        door = Door(limits)

    try:
        return await serve_websocket(
            client,
            host,
            port,
            process_request=admit,
            create_connection=Visitors,
            compression=None,
            max_size=limits.message_bytes,
            max_queue=limits.queued_messages,
            open_timeout=limits.handshake_seconds,
            ping_interval=KEEPALIVE_SECONDS,
            ping_timeout=KEEPALIVE_SECONDS,
            close_timeout=CLOSE_SECONDS,
            server_header="iotapretrain",
            logger=LOGGER,
        )
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ServeError(
            f"cannot listen on {host}:{port}: {reason}; choose another host or port"
        ) from None
