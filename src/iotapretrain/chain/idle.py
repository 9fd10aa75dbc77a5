"""What a chain without fees keeps of extrinsics that did nothing.

A call that fails, or an envelope that held nothing, is kept so that its sender learns why from its
block. Where fees are, the sender pays for that room. Here an account with a place in a subnet has
so much of it, and all others together have as much, since anybody can make many of those.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from iotapretrain.chain.bucket import TokenBucket
from iotapretrain.chain.recent import Recent
from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.chain_state import State
from iotapretrain.rules.chain.ledger.money import has_place

IDLE_BURST_BYTES = 2**18
"""Hundreds of ordinary calls that fail, or four of the largest."""

IDLE_BYTES_PER_SECOND = 256.0
"""22 MB a day; an ordinary call that fails every three seconds."""

IDLE_EXTRINSIC_BYTES = 512
"""Added to the size of each, for its record and, by a manual clock, the block that it closes."""

ACCOUNTS_REMEMBERED = 4096


class IdleRoom:
    """Room for extrinsics that do nothing. For one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._strangers = self._bucket()
        self._accounts: Recent[str, TokenBucket] = Recent(ACCOUNTS_REMEMBERED)

    def take(self, state: State, signer: str, size: int) -> None:
        """Count what is about to be kept; RefusedError when there is no room for it."""
        wait = self._of(state, signer).take(size + IDLE_EXTRINSIC_BYTES)
        if wait:
            raise RefusedError(
                "ExhaustsResources",
                f"it would do nothing, and the room for such of {signer} is full for {wait:.0f} s",
            )

    def _of(self, state: State, signer: str) -> TokenBucket:
        if not has_place(state, signer):
            return self._strangers
        return self._accounts.get(signer) or self._accounts.put(signer, self._bucket())

    def _bucket(self) -> TokenBucket:
        return TokenBucket(IDLE_BYTES_PER_SECOND, IDLE_BURST_BYTES, self._clock)
