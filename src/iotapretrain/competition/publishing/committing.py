"""Writing a commitment on the chain exactly once, although an answer may be lost at any moment.

A submission is never repeated blindly: the chain is read first, and while an earlier one may still
be on its way to a block, waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iotapretrain.chain.client import ChainClient
from iotapretrain.errors import ChainError, UnreachableError
from iotapretrain.net.retry import Clock, Deadline

if TYPE_CHECKING:
    from bittensor import Wallet

IN_FLIGHT_BLOCKS = 3
"""A transaction that is in no block after so many is lost."""
READ_BACK_SECONDS = 300.0
LONGEST_PAUSE = 12.0
RATE_LIMIT = "commitment_rate_limit"


@dataclass(frozen=True)
class Writer:
    """A hotkey's commitment on one subnet."""

    client: ChainClient
    wallet: Wallet
    netuid: int
    clock: Clock

    @property
    def hotkey(self) -> str:
        return str(self.wallet.hotkey.ss58_address)

    async def block_of(self, text: str) -> int | None:
        """The block in which this text was committed, if it stands there now."""
        found = (await self.client.commitments(self.netuid)).by_hotkey.get(self.hotkey)
        return found.block if found is not None and found.data == text.encode() else None

    async def settle(self, text: str, sent: float | None) -> int | None:
        """The same, once an earlier submission has arrived or cannot arrive any more."""
        seconds = IN_FLIGHT_BLOCKS * await self.client.block_time()
        left = 0.0 if sent is None else min(sent + seconds - self.clock(), seconds)
        return await self._look_for(text, left)

    async def wait_for_turn(self, wait: bool, say: Callable[[str], None]) -> None:
        """Return once the chain takes the next commitment; ChainError where that is not now."""
        limit = (await self.client.hyperparameters(self.netuid)).get(RATE_LIMIT)
        found = (await self.client.commitments(self.netuid)).by_hotkey.get(self.hotkey)
        if limit is None or found is None:  # the chain names no such rule, or has none of ours yet
            return
        allowed, (head, _) = found.block + int(limit), await self.client.head()
        if head + 1 >= allowed:
            return
        away = await self.client.how_far(allowed)
        then = f"the chain takes its next commitment in block {allowed}, it is now block {head}"
        if not wait:
            raise ChainError(
                f"{self.hotkey}: {then}; run the same command then{away}, or now with --wait"
            )
        say(f"waits: {then}{away}")
        patience = (allowed - head) * await self.client.block_time() * 2 + READ_BACK_SECONDS
        await self.client.wait_for_block(allowed - 1, patience)

    async def write(self, text: str) -> int:
        """Commit, read back, and return the block."""
        try:
            await self.client.commit(self.wallet, self.netuid, text.encode())
        except UnreachableError:
            if (block := await self._look_for(text, READ_BACK_SECONDS)) is None:
                raise
            return block
        block = await self._look_for(text, READ_BACK_SECONDS)
        if block is None:
            raise ChainError(
                f"{self.hotkey}: the chain shows another commitment than the one it took; does"
                " somebody else use this hotkey? run the same command again"
            )
        return block

    async def _look_for(self, text: str, seconds: float) -> int | None:
        pause = min(await self.client.block_time(), LONGEST_PAUSE)
        deadline = Deadline.after(seconds) if seconds > 0 else None
        while (block := await self.block_of(text)) is None:
            if deadline is None or deadline.left() <= 0:
                return None
            await asyncio.sleep(min(pause, max(deadline.left(), 0)))
        return block
