"""Answers kept as bytes until what they depend on changes, and computed once for all who ask."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import final

import msgspec
from msgspec import Struct

from iotapretrain.dashboard.versions import Topic
from iotapretrain.errors import InputError

MOST_BYTES = 48 << 20
MOST_HOT = 256
HOT_SECONDS = 30.0
"""Who looks at a page asks for it again at every change: what nobody asked for is not looked at."""
WORTH_PACKING = 1_024
PACKING = 5
GZIP = 31
"""The window that makes zlib write gzip's format."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer, also packed where that pays, and what names them."""

    tag: str
    plain: bytes
    packed: bytes | None

    @property
    def size(self) -> int:
        return len(self.plain) + len(self.packed or b"")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: its address, what it depends on, and how to answer it."""

    address: str
    topics: tuple[Topic, ...]
    compute: Callable[[], Struct]


@final
class Cache:
    """Answers by their address, the least used forgotten first."""

    def __init__(self, executor: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        self._executor, self._clock = executor, clock
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._asked: OrderedDict[str, tuple[Question, float]] = OrderedDict()
        self._bytes = 0
        self._computing: dict[tuple[str, str], asyncio.Future[Answer]] = {}

    async def get(self, question: Question, tag: str) -> Answer:
        """The answer that is as new as `tag`; errors of computing it are raised to all who wait."""
        self._asked[question.address] = (question, self._clock())
        self._asked.move_to_end(question.address)
        while len(self._asked) > MOST_HOT:
            self._asked.popitem(last=False)
        return await self._newest(question, tag)

    async def renew(self, tag: Callable[[tuple[Topic, ...]], str]) -> None:
        """Answer anew, one after the other, what was asked for of late."""
        since = self._clock() - HOT_SECONDS
        hot = [question for question, asked in self._asked.values() if asked >= since]
        for question in hot:
            with suppress(InputError):  # gone: who asks again is told so
                await self._newest(question, tag(question.topics))

    async def _newest(self, question: Question, tag: str) -> Answer:
        found = self._answers.get(question.address)
        if found is not None and found.tag == tag:
            self._answers.move_to_end(question.address)
            return found
        key = (question.address, tag)
        running = self._computing.get(key)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._executor, _computed, tag, question.compute)
            self._computing[key] = running
            running.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(running)

    def _keep(self, key: tuple[str, str], done: asyncio.Future[Answer]) -> None:
        del self._computing[key]
        if done.cancelled() or done.exception() is not None:
            return
        address, answer = key[0], done.result()
        before = self._answers.pop(address, None)
        self._bytes += answer.size - (before.size if before else 0)
        self._answers[address] = answer
        while self._bytes > MOST_BYTES:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= oldest.size


def _computed(tag: str, compute: Callable[[], Struct]) -> Answer:
    plain = msgspec.json.encode(compute())
    if len(plain) < WORTH_PACKING:
        return Answer(tag, plain, None)
    packer = zlib.compressobj(PACKING, zlib.DEFLATED, GZIP)
    return Answer(tag, plain, packer.compress(plain) + packer.flush())
