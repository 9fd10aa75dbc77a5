"""A JSON-RPC client of a few lines, for what the SDK would never send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect


class RawClient:
    """Sends what it is given and reads what comes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.news: list[dict[str, Any]] = []
        self._number = 0

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> AsyncIterator[Self]:
        async with connect(url, max_size=None) as socket:
            yield cls(socket)

    async def say(self, message: str | bytes) -> Any:
        """The answer to a raw message, whatever it is."""
        await self.socket.send(message)
        return await self.answer()

    async def answer(self) -> Any:
        """The next answer; news that come before it are kept."""
        while True:
            received = json.loads(await self.socket.recv())
            if isinstance(received, list) or "method" not in received:
                return received
            self.news.append(received)

    async def ask(self, method: str, *params: object) -> dict[str, Any]:
        """The whole answer to a request."""
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        answer: dict[str, Any] = await self.say(json.dumps(request))
        assert answer["id"] == self._number
        return answer

    async def result(self, method: str, *params: object) -> Any:
        """The result of a request that succeeds."""
        answer = await self.ask(method, *params)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    async def error(self, method: str, *params: object) -> dict[str, Any]:
        """The error of a request that fails."""
        answer = await self.ask(method, *params)
        error: dict[str, Any] = answer["error"]
        return error

    async def next_news(self) -> Any:
        """The next result that a subscription pushes."""
        if not self.news:
            self.news.append(json.loads(await self.socket.recv()))
        return self.news.pop(0)["params"]["result"]
