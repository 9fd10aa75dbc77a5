"""One client: its requests, several at a time, and its subscriptions beside them."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from iotapretrain.chain.rpc import wire
from iotapretrain.chain.rpc.addresses import Address
from iotapretrain.chain.rpc.heads import NodeThread
from iotapretrain.chain.rpc.limits import Limits, TokenBucket
from iotapretrain.chain.rpc.methods import Methods
from iotapretrain.chain.rpc.params import Params, to_hex
from iotapretrain.chain.rpc.submissions import SUBMIT, Submissions
from iotapretrain.chain.rpc.subscriptions import ENDS, TOPICS, WATCH, News, Subscriptions
from iotapretrain.chain.rpc.wire import Request, RpcError
from iotapretrain.errors import IotaError


@dataclass(frozen=True, slots=True)
class Desk:
    """Where requests are answered, the same for all clients."""

    methods: Methods
    submissions: Submissions
    subscriptions: Subscriptions
    thread: NodeThread


@dataclass(frozen=True, slots=True)
class Started:
    """A subscription whose answer is not out yet."""

    identity: str
    method: str
    news: News


class Connection:
    """Reads messages and answers them until the client leaves or is cut off."""

    def __init__(
        self, socket: ServerConnection, address: Address, desk: Desk, limits: Limits
    ) -> None:
        self._socket, self._address, self._desk, self._limits = socket, address, desk, limits
        self._bucket = TokenBucket(limits.requests_per_second, limits.burst, time.monotonic)
        self._slots = asyncio.Semaphore(limits.pipelined)
        self._turn = asyncio.Lock()
        self._bytes = 0
        self._fewer_bytes = asyncio.Event()
        self._subscriptions: dict[str, asyncio.Task[None]] = {}
        self._open = 0
        self._numbered = 0

    async def run(self) -> None:
        """Serve until the connection ends; nothing of it remains afterwards."""
        async with asyncio.TaskGroup() as tasks:
            running: set[asyncio.Task[None]] = set()
            with suppress(ConnectionClosed):
                async for message in self._socket:
                    await self._slots.acquire()
                    await self._room_for(len(message))
                    task = tasks.create_task(self._serve(message, tasks))
                    running.add(task)
                    task.add_done_callback(running.discard)
            for task in (*running, *self._subscriptions.values()):
                task.cancel()

    async def _room_for(self, size: int) -> None:
        """Read no further while too many bytes wait for their answers; one message always may."""
        while self._bytes and self._bytes + size > self._limits.pipelined_bytes:
            self._fewer_bytes.clear()
            await self._fewer_bytes.wait()
        self._bytes += size

    async def _serve(self, message: str | bytes, tasks: asyncio.TaskGroup) -> None:
        started: list[Started] = []
        try:
            answer = await self._answer(message, started)
            if answer is not None:
                await self._send(answer)
        finally:
            self._slots.release()
            self._bytes -= len(message)
            self._fewer_bytes.set()
        for subscription in started:
            task = tasks.create_task(self._push(subscription), name=subscription.identity)
            self._subscriptions[subscription.identity] = task
            task.add_done_callback(self._forget)

    async def _answer(self, message: str | bytes, started: list[Started]) -> bytes | None:
        """The answer to a message: one request, or a batch of them."""
        try:
            value = wire.parse(message)
        except RpcError as error:
            return wire.failure(None, error)
        if not isinstance(value, list):
            return await self._answer_one(value, started)
        if not 1 <= len(value) <= self._limits.batch:
            problem = f"a batch has 1 to {self._limits.batch} requests, not {len(value)}"
            return wire.failure(None, RpcError(wire.INVALID_REQUEST, f"Invalid request: {problem}"))
        answers = [await self._answer_one(request, started) for request in value]
        given = [answer for answer in answers if answer is not None]
        return b"[" + b",".join(given) + b"]" if given else None

    async def _answer_one(self, value: Any, started: list[Started]) -> bytes | None:
        try:
            self._check_rate()
            request = wire.read_request(value)
            result = await self._in_time(request, started)
        except RpcError as error:
            return wire.failure(wire.read_id(value), error)
        return None if request.notification else wire.result(request.id, result)

    def _check_rate(self) -> None:
        wait = self._bucket.take()
        if wait:
            advice = {"policy": "requests per second", "retry_after": f"{wait:.3f}"}
            raise RpcError(wire.TOO_MANY_REQUESTS, "Too many requests", advice)

    async def _in_time(self, request: Request, started: list[Started]) -> object:
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                return await self._result(request, started)
        except TimeoutError:
            problem = f"no answer within {self._limits.call_seconds} s"
            raise RpcError(wire.INTERNAL_ERROR, f"Internal error: {problem}") from None
        except IotaError as error:
            raise RpcError(wire.INTERNAL_ERROR, f"Internal error: {error}") from None

    async def _result(self, request: Request, started: list[Started]) -> object:
        if request.method == SUBMIT:
            extrinsic = Params(request.params).hex(0)
            self._check_submitted(extrinsic)
            return to_hex((await self._desk.submissions.submit(extrinsic)).hash)
        if request.method in TOPICS:
            return await self._subscribe(request, started)
        if request.method in ENDS:
            return self._end(request)
        methods = self._desk.methods
        async with self._turn, self._address.turn():
            return await self._desk.thread.ask(methods.call, request.method, request.params)

    def _check_submitted(self, extrinsic: bytes) -> None:
        wait = self._address.submit(len(extrinsic))
        if wait:
            advice = {"policy": "submitted bytes of an address", "retry_after": f"{wait:.3f}"}
            raise RpcError(wire.TOO_MANY_REQUESTS, "Too many requests", advice)

    async def _subscribe(self, request: Request, started: list[Started]) -> str:
        if self._open >= self._limits.subscriptions:
            message = f"Too many subscriptions: {self._limits.subscriptions} are open already"
            raise RpcError(wire.TOO_MANY_SUBSCRIPTIONS, message)
        if request.method == WATCH:
            self._check_submitted(Params(request.params).hex(0))
        self._open += 1
        try:
            news = await self._desk.subscriptions.start(request.method, Params(request.params))
        except BaseException:
            self._open -= 1
            raise
        self._numbered += 1
        started.append(Started(str(self._numbered), request.method, news))
        return str(self._numbered)

    def _end(self, request: Request) -> bool:
        identity = str(request.params[0]) if request.params else ""
        task = self._subscriptions.get(identity)
        return task is not None and task.cancel()

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._subscriptions[task.get_name()]
        self._open -= 1

    async def _push(self, subscription: Started) -> None:
        """Tell news for as long as there are any; none follow when the chain cannot be read."""
        news = TOPICS[subscription.method].news
        with suppress(IotaError, RpcError):
            async for value in subscription.news:
                await self._send(wire.notification(news, subscription.identity, value))

    async def _send(self, message: bytes) -> None:
        """Send, or cut off a client that does not take what it asked for."""
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                with suppress(ConnectionClosed):
                    await self._socket.send(message.decode())
        except TimeoutError:
            self._socket.transport.abort()
