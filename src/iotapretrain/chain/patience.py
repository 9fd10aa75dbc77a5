"""How long the chain is waited for, and how reads are tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from iotapretrain.errors import InputError, UnreachableError
from iotapretrain.net.waiting import pause

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """Deadlines in seconds. What each bounds, and in which order they must be: `docs/chain.md`."""

    connect: float = 15.0
    """Opening the connection, once."""
    attempt: float = 20.0
    """One try of a read."""
    read: float = 60.0
    """A read with all its tries and pauses."""
    submit: float = 120.0
    """A submission until its block is final: several blocks."""
    first_pause: float = 0.25
    longest_pause: float = 8.0

    def __post_init__(self) -> None:
        if not 0 < self.attempt <= self.read:
            raise InputError(f"attempt: {self.attempt} s is not within read, {self.read} s")
        if not 0 < self.first_pause <= self.longest_pause:
            raise InputError("first_pause: must lie between 0 and longest_pause")


async def retried(
    attempt: Callable[[], Awaitable[Answer]],
    recover: Callable[[], Awaitable[None]],
    transient: tuple[type[Exception], ...],
    patience: Patience,
    rng: Random,
) -> Answer:
    """The answer of a read, tried again after transient failures until the deadline is over."""
    loop = asyncio.get_running_loop()
    deadline, tries = loop.time() + patience.read, 0
    passing: tuple[type[Exception], ...] = (TimeoutError, *transient)
    while True:
        try:
            async with asyncio.timeout(min(patience.attempt, max(deadline - loop.time(), 0))):
                if tries:
                    await recover()
                return await attempt()
        except passing as error:
            tries += 1
            seconds = pause(tries, patience.first_pause, patience.longest_pause, rng)
            if loop.time() + seconds >= deadline:
                reason = str(error) or f"no answer within {patience.attempt:g} s"
                raise UnreachableError(
                    f"the chain did not answer within {patience.read:g} s: {reason}"
                ) from error
        await asyncio.sleep(seconds)
