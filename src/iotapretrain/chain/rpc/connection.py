"""One client: its requests, several at a time, and its subscriptions beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from iotapretrain.chain.allowances import TokenBucket
from iotapretrain.chain.rpc import wire
from iotapretrain.chain.rpc.limits import Address, Backlog, ClientLimits
from iotapretrain.chain.rpc.line import Asker, Line, Spent
from iotapretrain.chain.rpc.methods import Methods
from iotapretrain.chain.rpc.subscriptions import ENDS, SUBMIT, TOPICS, WATCH, News, Subscriptions
from iotapretrain.chain.rpc.wire import Params, RpcError, RpcRequest
from iotapretrain.chain.runtime.scale import to_hex
from iotapretrain.errors import IotaError

TOO_MANY_FRAGMENTS = "too many fragments in a message; send it in one"


@dataclass(frozen=True, slots=True)
class RequestDesk:
    """Where requests are answered, the same for all clients."""

    methods: Methods
    subscriptions: Subscriptions
    line: Line


@dataclass(frozen=True, slots=True)
class Started:
    """A subscription whose answer is not out yet."""

    identity: str
    method: str
    news: News
    watched: int


@dataclass(frozen=True, slots=True)
class Errand:
    """A message that is being answered: who asks, until when, and what it has started."""

    asker: Asker
    deadline: float
    size: int
    started: list[Started] = field(default_factory=list)


class Connection:
    """Reads messages and answers them until the client leaves or is cut off."""

    def __init__(
        self, socket: ServerConnection, address: Address, desk: RequestDesk, limits: ClientLimits
    ) -> None:
        self._socket, self._address, self._desk, self._limits = socket, address, desk, limits
        self._bucket = TokenBucket(limits.requests_per_second, limits.burst)
        self._slots = asyncio.Semaphore(limits.pipelined)
        self._backlog = Backlog(limits.pipelined_bytes)
        self._running: set[asyncio.Task[None]] = set()
        self._subscriptions: dict[str, asyncio.Task[None]] = {}
        self._open = 0
        self._numbered = 0

    async def run(self) -> None:
        """Serve until the connection ends; nothing of it remains afterwards."""
        async with asyncio.TaskGroup() as tasks:
            self._running.add(tasks.create_task(self._read(tasks)))
            await self._socket.wait_closed()
            for task in (*self._running, *self._subscriptions.values()):
                task.cancel()

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        with suppress(ConnectionClosed):
            while (message := await self._message()) is not None:
                errand = await self._admitted(len(message))
                task = tasks.create_task(self._serve(message, errand, tasks))
                self._running.add(task)
                task.add_done_callback(partial(self._done, errand))

    async def _message(self) -> bytes | None:
        """The next message, no sooner than its address may send it; None for one in crumbs."""
        parts: list[bytes] = []
        async for part in self._socket.recv_streaming(decode=False):
            parts.append(part)
            if len(parts) > self._limits.message_fragments:
                await self._socket.close(CloseCode.POLICY_VIOLATION, TOO_MANY_FRAGMENTS)
                return None
        message = b"".join(parts)
        await self._address.receive(len(message), len(parts))
        return message

    async def _admitted(self, size: int) -> Errand:
        """Read no further while too much waits for its answers."""
        await self._slots.acquire()
        await self._backlog.take(size)
        await self._address.messages.take(size)
        deadline = asyncio.get_running_loop().time() + self._limits.call_seconds
        return Errand(Asker(self._desk.line, self._address, Spent()), deadline, size)

    def _done(self, errand: Errand, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()
        self._backlog.give(errand.size)
        self._address.messages.give(errand.size)
        for subscription in errand.started:
            self._address.unwatch(subscription.watched)

    async def _serve(self, message: bytes, errand: Errand, tasks: asyncio.TaskGroup) -> None:
        await self._answer(message, errand)
        while errand.started:
            subscription = errand.started.pop(0)
            task = tasks.create_task(self._push(subscription), name=subscription.identity)
            self._subscriptions[subscription.identity] = task
            task.add_done_callback(partial(self._forget, subscription))

    async def _answer(self, message: bytes, errand: Errand) -> None:
        """Answer a message: one request, or a batch of them."""
        try:
            wire.check_values(message, self._limits.message_values)
            batch = wire.read_batch(message)
            if batch is not None and not 1 <= len(batch) <= self._limits.batch:
                problem = f"a batch has 1 to {self._limits.batch} requests, not {len(batch)}"
                raise RpcError(wire.INVALID_REQUEST, f"Invalid request: {problem}")
        except RpcError as error:
            await self._send(wire.failure(None, error))
            return
        if batch is None:
            await self._answer_all([message], errand)
        else:
            async with self._address.batches:
                await self._answer_all(batch, errand, b"[", b"]")

    async def _answer_all(
        self,
        requests: Sequence[bytes | msgspec.Raw],
        errand: Errand,
        before: bytes = b"",
        after: bytes = b"",
    ) -> None:
        spent, answers = errand.asker.spent, []
        for request in requests:
            answer = await self._answer_one(request, errand)
            if answer is not None:
                answers.append(answer)
                spent.answered += len(answer)
        if not answers:
            return
        self._address.answered(spent.answered)
        try:
            await self._send(before + b",".join(answers) + after)
        finally:
            self._address.answers.give(spent.answered)

    async def _answer_one(self, raw: bytes | msgspec.Raw, errand: Errand) -> bytes | None:
        identity: wire.Id = None
        try:
            request = wire.read_request(raw)
            identity = request.identity()
            _refuse_until(self._bucket.take(), "requests per second")
            result = await self._in_time(request.called(), request, errand)
        except RpcError as error:
            return wire.failure(identity, error)
        return None if request.notification else wire.result(identity, result)

    async def _in_time(self, method: str, request: RpcRequest, errand: Errand) -> object:
        try:
            async with asyncio.timeout_at(errand.deadline):
                return await self._result(method, request, errand)
        except TimeoutError:
            problem = f"no answer within {self._limits.call_seconds} s"
            raise RpcError(wire.INTERNAL_ERROR, f"Internal error: {problem}") from None
        except IotaError as error:
            raise RpcError(wire.INTERNAL_ERROR, f"Internal error: {error}") from None

    async def _result(self, method: str, request: RpcRequest, errand: Errand) -> object:
        if method == SUBMIT:
            extrinsic = Params(request.values()).hex(0)
            self._check_submitted(extrinsic)
            return to_hex((await self._desk.subscriptions.submit(errand.asker, extrinsic)).hash)
        if method in TOPICS:
            return await self._subscribe(method, Params(request.values()), errand)
        if method in ENDS:
            return self._end(request.values())
        return await errand.asker.ask(self._called, method, request)

    def _called(self, method: str, request: RpcRequest) -> object:
        """In the node's thread, where parameters are values for no longer than a turn."""
        return self._desk.methods.call(method, request.values())

    def _check_submitted(self, extrinsic: bytes) -> None:
        wait = self._address.submit(len(extrinsic))
        _refuse_until(wait, "submitted bytes of an address")

    async def _subscribe(self, method: str, params: Params, errand: Errand) -> str:
        subscriptions = self._desk.subscriptions
        watched = subscriptions.weight(method, params)
        if self._open >= self._limits.subscriptions:
            message = f"Too many subscriptions: {self._limits.subscriptions} are open already"
            raise RpcError(wire.TOO_MANY_SUBSCRIPTIONS, message)
        if method == WATCH:
            self._check_submitted(params.hex(0))
        if not self._address.watch(watched):
            message = f"Too many subscriptions: {self._limits.watched_per_address} heads and keys"
            raise RpcError(wire.TOO_MANY_SUBSCRIPTIONS, f"{message} are watched by your address")
        self._open += 1
        try:
            news = await subscriptions.start(method, params, errand.asker)
        except BaseException:
            self._open -= 1
            self._address.unwatch(watched)
            raise
        self._numbered += 1
        errand.started.append(Started(str(self._numbered), method, news, watched))
        return str(self._numbered)

    def _end(self, params: list[Any]) -> bool:
        task = self._subscriptions.get(str(params[0]) if params else "")
        return task is not None and task.cancel()

    def _forget(self, subscription: Started, _: asyncio.Task[None]) -> None:
        del self._subscriptions[subscription.identity]
        self._address.unwatch(subscription.watched)
        self._open -= 1

    async def _push(self, subscription: Started) -> None:
        """Tell news for as long as there are any; none follow when the chain cannot be read."""
        news = TOPICS[subscription.method]
        with suppress(IotaError, RpcError):
            async for value in subscription.news:
                await self._send(wire.notification(news, subscription.identity, value))

    async def _send(self, message: bytes) -> None:
        """Send, or cut off a client that does not take what it asked for."""
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                with suppress(ConnectionClosed):
                    await self._socket.send(message, text=True)
        except TimeoutError:
            self._socket.transport.abort()


def _refuse_until(wait: float, policy: str) -> None:
    """Refuse what may be asked again so many seconds later."""
    if wait:
        advice = {"policy": policy, "retry_after": f"{wait:.3f}"}
        raise RpcError(wire.TOO_MANY_REQUESTS, "Too many requests", advice)
