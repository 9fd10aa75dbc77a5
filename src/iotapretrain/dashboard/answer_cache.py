"""Answers kept as bytes until what they depend on changes, and computed once for all who ask."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import final

import msgspec
from msgspec import Struct

from iotapretrain.dashboard.live import Topic
from iotapretrain.errors import InputError

MOST_BYTES = 48 << 20
MOST_PAGES = 256
HOT_SECONDS = 30.0
"""Who looks at a page asks for it again at every change: what nobody asked for is not looked at."""
WORTH_PACKING = 1_024
PACKING = 5
GZIP = 31
"""The window that makes zlib write gzip's format."""


@dataclass(frozen=True, slots=True)
class AnswerBytes:
    """The bytes of an answer, also packed where that pays, and what names them."""

    tag: str
    plain: bytes
    packed: bytes | None


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """What is asked for: its address, what it depends on, and how to answer it."""

    address: str
    topics: tuple[Topic, ...]
    compute: Callable[[], Struct]


@dataclass(slots=True)
class _Page:
    """A question, when it was last asked, its newest answer, and those that are being computed."""

    question: PageQuestion
    asked: float
    answer: AnswerBytes | None = None
    computing: dict[str, asyncio.Future[AnswerBytes]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return 0 if self.answer is None else len(self.answer.plain) + len(self.answer.packed or b"")

    def keep(self, done: asyncio.Future[AnswerBytes], tag: str) -> None:
        del self.computing[tag]
        if not done.cancelled() and done.exception() is None:
            self.answer = done.result()


@final
class AnswerCache:
    """Answers by their address, the least used forgotten first."""

    def __init__(self, executor: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        self._executor, self._clock = executor, clock
        self._pages: OrderedDict[str, _Page] = OrderedDict()

    async def get(self, question: PageQuestion, tag: str) -> AnswerBytes:
        """The answer that is as new as `tag`; errors of computing it are raised to all who wait."""
        page = self._pages.setdefault(question.address, _Page(question, 0.0))
        page.question, page.asked = question, self._clock()
        self._pages.move_to_end(question.address)
        answer = await self._newest(page, tag)
        while len(self._pages) > MOST_PAGES or self._size() > MOST_BYTES:
            self._pages.popitem(last=False)
        return answer

    async def renew(self, tag: Callable[[tuple[Topic, ...]], str]) -> None:
        """Answer anew, one after the other, what was asked for of late."""
        since = self._clock() - HOT_SECONDS
        for page in [page for page in self._pages.values() if page.asked >= since]:
            with suppress(InputError):  # gone: who asks again is told so
                await self._newest(page, tag(page.question.topics))

    async def _newest(self, page: _Page, tag: str) -> AnswerBytes:
        if page.answer is not None and page.answer.tag == tag:
            return page.answer
        running = page.computing.get(tag)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._executor, _computed, tag, page.question.compute)
            page.computing[tag] = running
            running.add_done_callback(lambda done: page.keep(done, tag))
        return await asyncio.shield(running)

    def _size(self) -> int:
        return sum(page.size for page in self._pages.values())


def _computed(tag: str, compute: Callable[[], Struct]) -> AnswerBytes:
    plain = msgspec.json.encode(compute())
    if len(plain) < WORTH_PACKING:
        return AnswerBytes(tag, plain, None)
    packer = zlib.compressobj(PACKING, zlib.DEFLATED, GZIP)
    return AnswerBytes(tag, plain, packer.compress(plain) + packer.flush())
