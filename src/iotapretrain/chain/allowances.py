"""How much may be had and kept: tokens that come back with time, and room where no fee is paid."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.chain_state import ChainState
from iotapretrain.rules.chain.ledger.money import has_place


class TokenBucket:
    """Lets `burst` requests through at once and `rate` a second after that."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._filled = float(burst), clock()

    def take(self, amount: float = 1) -> float:
        """Take this many tokens; returns 0, or the seconds until there are as many to take."""
        self._fill()
        if self._tokens < amount:
            return (amount - self._tokens) / self._rate
        self._tokens -= amount
        return 0.0

    def owe(self, amount: float) -> float:
        """Take tokens that may not be there yet; the seconds until they are."""
        self._fill()
        self._tokens -= amount
        return max(-self._tokens / self._rate, 0.0)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._filled) * self._rate, self._burst)
        self._filled = now


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Entries whose weights, 1 unless said, come to at most `size`; the newest always stays."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: Key) -> Value | None:
        """The entry, which thereby becomes the most recent."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def held(self) -> list[Key]:
        """What there is, without using it."""
        return list(self._entries)

    def put(self, key: Key, value: Value, weight: int = 1) -> Value:
        """Keep an entry; the oldest make room."""
        self._weight += weight - self._entries.pop(key, (value, 0))[1]
        self._entries[key] = value, weight
        while self._weight > self._size and len(self._entries) > 1:
            _, (_, gone) = self._entries.popitem(last=False)
            self._weight -= gone
        return value

    def drop(self, key: Key) -> None:
        self._weight -= self._entries.pop(key, (None, 0))[1]


IDLE_BURST_BYTES = 2**18
"""Hundreds of ordinary calls that fail, or four of the largest."""

IDLE_BYTES_PER_SECOND = 256.0
"""22 MB a day; an ordinary call that fails every three seconds."""

IDLE_EXTRINSIC_BYTES = 512
"""Added to the size of each, for its record and, by a manual clock, the block that it closes."""

ACCOUNTS_REMEMBERED = 4096


class IdleRoom:
    """Room for extrinsics that did nothing. For one thread at a time.

    A call that fails, or an envelope that held nothing, is kept so that its sender learns why from
    its block. Where fees are, the sender pays for that room. Here an account with a place in a
    subnet has so much of it, and all others together have as much, since anybody can make many.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._strangers = self._bucket()
        self._accounts: Recent[str, TokenBucket] = Recent(ACCOUNTS_REMEMBERED)

    def take(self, state: ChainState, signer: str, size: int) -> None:
        """Count what is about to be kept; RefusedError when there is no room for it."""
        wait = self._of(state, signer).take(size + IDLE_EXTRINSIC_BYTES)
        if wait:
            raise RefusedError(
                "ExhaustsResources",
                f"it would do nothing, and the room for such of {signer} is full for {wait:.0f} s",
            )

    def _of(self, state: ChainState, signer: str) -> TokenBucket:
        if not has_place(state, signer):
            return self._strangers
        return self._accounts.get(signer) or self._accounts.put(signer, self._bucket())

    def _bucket(self) -> TokenBucket:
        return TokenBucket(IDLE_BYTES_PER_SECOND, IDLE_BURST_BYTES, self._clock)
