"""What is new, told live: a number a topic, and a stream of them for everybody who has a seat.

A change is told only once the pages that are being looked at have been made anew, so that viewers
who then all ask at once are answered from memory. They get numbers, never a queue of messages: who
is slow misses nothing but the steps between.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, final, get_args

import msgspec
from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from iotapretrain.net.site import site_of

HEARTBEAT_SECONDS = 15.0
PAUSE_SECONDS = 1.0
MOST_VIEWERS = 1_000
MOST_OF_ADDRESS = 20
LATER_SECONDS = "30"
Topic = Literal["rounds", "events", "chain", "audits"]
TOPICS: tuple[Topic, ...] = get_args(Topic)
Numbers = Mapping[Topic, int]


@final
class Versions:
    """Numbers that only grow while the process lives; `boot` tells processes apart."""

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self.told: Numbers = dict.fromkeys(TOPICS, 0)
        self._newest: dict[Topic, int] = dict.fromkeys(TOPICS, 0)
        self._serial = 0
        self._due, self._news = asyncio.Event(), asyncio.Event()

    def bump(self, topic: Topic) -> None:
        self._serial += 1
        self._newest[topic] = self._serial
        self._due.set()

    async def due(self) -> Numbers:
        """The newest numbers, once they differ from those that were told."""
        await self._due.wait()
        self._due.clear()
        return dict(self._newest)

    def tell(self, numbers: Numbers) -> None:
        """Everybody who waits wakes up."""
        self.told = numbers
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def other_than(self, numbers: Numbers) -> None:
        """Return once others have been told."""
        while self.told == numbers:
            await self._news.wait()

    def tag(self, topics: tuple[Topic, ...], numbers: Numbers | None = None) -> str:
        """What a page that depends on these topics is as new as."""
        chosen = self.told if numbers is None else numbers
        return "-".join([self.boot, *(str(chosen[topic]) for topic in topics)])


@final
@dataclass
class Seats:
    """Places for viewers; one without an address counts as the address `unknown`."""

    most: int = MOST_VIEWERS
    most_of_address: int = MOST_OF_ADDRESS
    taken: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def taking(self, address: str) -> Iterator[tuple[str, int] | None]:
        """One place for as long as this lasts, or what to answer to whom there is none. Asked and
        taken without a pause between, so that none slips in."""
        site = site_of(address)
        if self.taken[site] >= self.most_of_address:
            yield f"{self.most_of_address} streams are open to this address: close one", 429
        elif self.taken.total() >= self.most:
            yield "too many viewers", 503
        else:
            self.taken[site] += 1
            try:
                yield None
            finally:
                self.taken[site] -= 1
                self.taken += Counter()  # forgets who has none


@final
class LiveStream(StreamingResponse):
    """A stream of what is new that has a seat while it is sent, or a refusal."""

    def __init__(self, versions: Versions, seats: Seats) -> None:
        super().__init__(_news(versions), media_type="text/event-stream")
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        address = client[0] if client else "unknown"
        with self._seats.taking(address) as refusal:
            if refusal is None:
                await super().__call__(scope, receive, send)
            else:
                answer = Response(*refusal, {"Retry-After": LATER_SECONDS})
                await answer(scope, receive, send)


async def _news(versions: Versions) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    while True:
        seen = versions.told
        told = msgspec.json.encode({"boot": versions.boot, "topics": seen})
        yield b"data: " + told + b"\n\n"
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await versions.other_than(seen)
        except TimeoutError:
            yield b": still here\n\n"
