"""Answers kept as bytes until what they depend on changes, and computed once for all who ask."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import NamedTuple, final

import msgspec
from msgspec import Struct

from iotapretrain.dashboard.live import Numbers, Topic, Versions
from iotapretrain.errors import InputError

MOST_BYTES = 48 << 20
MOST_ANSWERS = 1_024
MOST_HOT = 256
HOT_SECONDS = 30.0
"""Who looks at a page asks for it again at every change: what nobody asked for is not looked at."""
WORTH_PACKING = 1_024
PACKING = 5


class AnswerBytes(NamedTuple):
    """The bytes of an answer, also packed where that pays, and what names them."""

    tag: str
    plain: bytes
    packed: bytes | None


class PageQuestion(NamedTuple):
    """What is asked for: its address, what it depends on, and how to answer it."""

    address: str
    topics: tuple[Topic, ...]
    compute: Callable[[], Struct]


@final
class AnswerCache:
    """Answers by their address and tag, the least used forgotten first."""

    def __init__(self, executor: Executor, versions: Versions) -> None:
        self._executor, self._versions = executor, versions
        self._asked: OrderedDict[str, tuple[PageQuestion, float]] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], asyncio.Future[AnswerBytes]] = OrderedDict()

    async def get(self, question: PageQuestion) -> AnswerBytes:
        """As new as what viewers were told; errors of computing it are raised to all who wait."""
        self._asked[question.address] = (question, time.monotonic())
        self._asked.move_to_end(question.address)
        if len(self._asked) > MOST_HOT:
            self._asked.popitem(last=False)
        return await self._answer(question, self._versions.told)

    async def renew(self, numbers: Numbers) -> None:
        """Answer by these numbers, one after the other, what was asked for of late."""
        since = time.monotonic() - HOT_SECONDS
        for question in [question for question, asked in self._asked.values() if asked >= since]:
            with suppress(InputError):  # gone: who asks again is told so
                await self._answer(question, numbers)

    async def _answer(self, question: PageQuestion, numbers: Numbers) -> AnswerBytes:
        tag = self._versions.tag(question.topics, numbers)
        key = (question.address, tag)
        found = self._answers.get(key)
        if found is None:
            loop = asyncio.get_running_loop()
            found = loop.run_in_executor(self._executor, _computed, tag, question.compute)
            self._answers[key] = found
            found.add_done_callback(lambda done: self._keep(key, done))
        self._answers.move_to_end(key)
        return await asyncio.shield(found)

    def _keep(self, key: tuple[str, str], done: asyncio.Future[AnswerBytes]) -> None:
        if done.cancelled() or done.exception() is not None:
            self._answers.pop(key, None)
        while len(self._answers) > MOST_ANSWERS or self._size() > MOST_BYTES:
            self._answers.popitem(last=False)

    def _size(self) -> int:
        return sum(map(_size, self._answers.values()))


def _size(found: asyncio.Future[AnswerBytes]) -> int:
    if not found.done() or found.cancelled() or found.exception() is not None:
        return 0
    answer = found.result()
    return len(answer.plain) + len(answer.packed or b"")


def _computed(tag: str, compute: Callable[[], Struct]) -> AnswerBytes:
    plain = msgspec.json.encode(compute())
    worth = len(plain) >= WORTH_PACKING
    return AnswerBytes(tag, plain, gzip.compress(plain, PACKING, mtime=0) if worth else None)
