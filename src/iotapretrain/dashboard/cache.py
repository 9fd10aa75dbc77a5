"""Answers kept as bytes until what they depend on changes, and computed once for all who ask."""

from __future__ import annotations

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import final

import msgspec

MOST_BYTES = 48 << 20
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


@final
class Cache:
    """Answers by their address, the least used forgotten first."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0
        self._computing: dict[tuple[str, str], asyncio.Future[Answer]] = {}

    async def get(self, address: str, tag: str, compute: Callable[[], msgspec.Struct]) -> Answer:
        """The answer that is as new as `tag`; errors of computing it are raised to all who wait."""
        found = self._answers.get(address)
        if found is not None and found.tag == tag:
            self._answers.move_to_end(address)
            return found
        key = (address, tag)
        running = self._computing.get(key)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._executor, _computed, tag, compute)
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


def _computed(tag: str, compute: Callable[[], msgspec.Struct]) -> Answer:
    plain = msgspec.json.encode(compute())
    if len(plain) < WORTH_PACKING:
        return Answer(tag, plain, None)
    packer = zlib.compressobj(PACKING, zlib.DEFLATED, GZIP)
    return Answer(tag, plain, packer.compress(plain) + packer.flush())
