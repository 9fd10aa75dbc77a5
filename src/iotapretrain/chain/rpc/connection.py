"""One client: its requests in order, its subscriptions beside them."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from iotapretrain.chain.rpc import wire
from iotapretrain.chain.rpc.heads import NodeThread
from iotapretrain.chain.rpc.limits import Limits, TokenBucket
from iotapretrain.chain.rpc.methods import Methods
from iotapretrain.chain.rpc.params import Params
from iotapretrain.chain.rpc.subscriptions import News, Topic, Topics
from iotapretrain.chain.rpc.wire import RpcError
from iotapretrain.errors import IotaError


class Connection:
    """Reads messages and answers them until the client leaves or is cut off."""

    def __init__(
        self,
        socket: ServerConnection,
        methods: Methods,
        topics: Topics,
        thread: NodeThread,
        limits: Limits,
    ) -> None:
        self._socket, self._methods, self._topics = socket, methods, topics
        self._thread, self._limits = thread, limits
        self._bucket = TokenBucket(limits.requests_per_second, limits.burst, time.monotonic)
        self._subscriptions: dict[str, asyncio.Task[None]] = {}
        self._starting: list[tuple[str, Topic, News]] = []
        self._numbered = 0

    async def run(self) -> None:
        """Serve until the connection ends; nothing of it remains afterwards."""
        try:
            with suppress(ConnectionClosed):
                async for message in self._socket:
                    answer = await self._answer(message)
                    if answer is not None:
                        await self._send(answer)
                    self._start_subscriptions()
        finally:
            for task in self._subscriptions.values():
                task.cancel()
            await asyncio.gather(*self._subscriptions.values(), return_exceptions=True)

    async def _answer(self, message: str | bytes) -> bytes | None:
        """The answer to a message: one request, or a batch of them."""
        try:
            value = wire.parse(message)
        except RpcError as error:
            return wire.failure(None, error)
        if not isinstance(value, list):
            return await self._answer_one(value)
        if not 1 <= len(value) <= self._limits.batch:
            problem = f"a batch has 1 to {self._limits.batch} requests, not {len(value)}"
            return wire.failure(None, RpcError(wire.INVALID_REQUEST, f"Invalid request: {problem}"))
        answers = [await self._answer_one(request) for request in value]
        given = [answer for answer in answers if answer is not None]
        return b"[" + b",".join(given) + b"]" if given else None

    async def _answer_one(self, value: Any) -> bytes | None:
        try:
            self._check_rate()
            request = wire.read_request(value)
            result = await self._result(request)
        except RpcError as error:
            return wire.failure(wire.read_id(value), error)
        return None if request.notification else wire.result(request.id, result)

    def _check_rate(self) -> None:
        wait = self._bucket.take()
        if wait:
            advice = {"policy": "requests per second", "retry_after": f"{wait:.3f}"}
            raise RpcError(wire.TOO_MANY_REQUESTS, "Too many requests", advice)

    async def _result(self, request: wire.Request) -> object:
        if request.method in self._topics.ends:
            return self._end(request)
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                topic = self._topics.by_method.get(request.method)
                if topic is not None:
                    return await self._subscribe(topic, Params(request.params))
                return await self._thread.ask(self._methods.call, request.method, request.params)
        except TimeoutError:
            problem = f"no answer within {self._limits.call_seconds} s"
            raise RpcError(wire.INTERNAL_ERROR, f"Internal error: {problem}") from None
        except IotaError as error:
            raise RpcError(wire.INTERNAL_ERROR, f"Internal error: {error}") from None

    async def _subscribe(self, topic: Topic, params: Params) -> str:
        if len(self._subscriptions) + len(self._starting) >= self._limits.subscriptions:
            message = f"Too many subscriptions: {self._limits.subscriptions} are open already"
            raise RpcError(wire.TOO_MANY_SUBSCRIPTIONS, message)
        news = await topic.start(params)
        self._numbered += 1
        self._starting.append((str(self._numbered), topic, news))
        return str(self._numbered)

    def _start_subscriptions(self) -> None:
        """Start what was subscribed to, once its answer is out: news must come after it."""
        for identity, topic, news in self._starting:
            task = asyncio.create_task(self._push(identity, topic, news), name=identity)
            self._subscriptions[identity] = task
            task.add_done_callback(self._forget)
        self._starting.clear()

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._subscriptions[task.get_name()]

    def _end(self, request: wire.Request) -> bool:
        identity = str(request.params[0]) if request.params else ""
        task = self._subscriptions.get(identity)
        return task is not None and task.cancel()

    async def _push(self, identity: str, topic: Topic, news: News) -> None:
        with suppress(ConnectionClosed):
            async for value in news:
                await self._send(wire.notification(topic.news, identity, value))

    async def _send(self, message: bytes) -> None:
        """Send, or cut off a client that does not take what it asked for."""
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._socket.send(message.decode())
        except TimeoutError:
            self._socket.transport.abort()
