"""Getting extrinsics into an embedded chain for the SDK: signed, placed, waited for, reported."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import Any

from bittensor import Balance, ChainError, ExtrinsicResult

from iotapretrain.chain.block_events import extrinsic_events
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.node import Submitted
from iotapretrain.chain.runtime.extrinsic import Era, Extrinsic
from iotapretrain.chain.runtime.pallets import error_text
from iotapretrain.chain.runtime.scale import to_hex
from iotapretrain.errors import IotaError, RefusedCallError, RefusedError

INCLUSION_SLACK_SECONDS = 30.0
"""How long past its block's end an inclusion is waited for: as long as for the journal's lock."""


class Sender:
    """Sends to one chain, for the tasks of one event loop."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain = chain
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._nonces: dict[str, int] = {}

    def signed(self, call: bytes, keypair: Any, nonce: int, period: int | None) -> bytes:
        """A signed extrinsic, valid from now on for `period` blocks, or for ever."""
        chain, current = self.chain, self.chain.finalized()
        era = None if period is None else Era.starting(period, current)
        birth = chain.block_hash(era.birth(current)) if era else None
        unsigned = Extrinsic(b"", 0, b"", era, nonce, 0, call)
        return unsigned.signed_by(keypair, chain.genesis_hash, birth or chain.genesis_hash).encode()

    async def send(
        self, call: bytes, keypair: Any, nonce: int | None, period: int | None
    ) -> Submitted | ChainError:
        """Sign a call and place it, one of an account after the other, with its next nonce."""
        address = keypair.ss58_address
        async with self._turns[address]:
            known = self._nonces.pop(address, None)
            chosen = known if nonce is None else nonce
            if chosen is None:
                chosen = self.chain.nonce(address)
            placed = await self.place(self.signed(call, keypair, chosen, period))
            if nonce is None and isinstance(placed, Submitted):
                self._nonces[address] = chosen + 1
        return placed

    async def place(self, data: bytes) -> Submitted | ChainError:
        """Where an extrinsic has its place, durably; or why it has none."""
        try:
            return (await asyncio.wrap_future(self.chain.offer([data])))[0]
        except RefusedError as error:
            return ChainError(error.detail, error.reason)
        except RefusedCallError as error:
            return _failure(error.pallet, error.name)
        except IotaError as error:
            raise ChainError(str(error)) from error

    async def outcome(self, placed: Submitted | ChainError, wait: bool) -> ExtrinsicResult:
        """What the SDK is told of a submission, at once or when its block is closed."""
        if isinstance(placed, ChainError):
            return ExtrinsicResult(False, placed.message, error=placed)
        if not wait:
            return ExtrinsicResult(True, "Submitted (not waiting).")
        ahead = max(placed.block - self.chain.head(), 0)
        block_seconds = self.chain.clock.settings.block_ms / 1000
        patience = ahead * block_seconds + INCLUSION_SLACK_SECONDS
        try:
            await asyncio.wait_for(reached(self.chain, placed.block), patience)
        except TimeoutError:
            problem = f"block {placed.block} was not closed within {patience:.0f} s"
            raise ChainError(f"{problem}; the extrinsic is stored: look for it later") from None
        return self.result(placed.block, placed.index)

    def result(self, number: int, index: int) -> ExtrinsicResult:
        """How an extrinsic of a closed block went."""
        chain = self.chain
        happening = chain.happenings(number)[index]
        outcome = ExtrinsicResult(
            success=happening.refusal is None,
            message="Success",
            block_hash=to_hex(chain.block_hash(number) or b""),
            extrinsic_id=f"{number}-{index:04d}",
            fee=Balance.from_rao(0),
            events=chain.codec.event_records(extrinsic_events(index, happening)),
        )
        if happening.refusal is None:
            return outcome
        error = _failure(happening.refusal.pallet, happening.refusal.name)
        return replace(outcome, message=error.message, error=error)


async def reached(chain: EmbeddedChain, block: int) -> int:
    """The newest block, once it is this one or a later one."""
    while (head := chain.head()) < block:
        await asyncio.sleep(chain.until_next_block())
    return head


def _failure(pallet: str | None, name: str) -> ChainError:
    return ChainError(error_text(pallet, name), name)
