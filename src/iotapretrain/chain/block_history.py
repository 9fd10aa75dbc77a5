"""What an embedded chain knows of its blocks: the newest at hand, older ones by replaying."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from blake3 import blake3

from iotapretrain.chain.block_events import Happening
from iotapretrain.chain.old_blocks import OldBlocks, Turn, size_of
from iotapretrain.chain.replay import SNAPSHOT_EVERY, Ledger, Tip, footprint, reading
from iotapretrain.chain.runtime.codec import Codec
from iotapretrain.rules.chain.ledger.advance import advance
from iotapretrain.rules.chain.ledger.chain_state import ChainState
from iotapretrain.store.fold import FoldReplay
from iotapretrain.store.journal import Journal
from iotapretrain.store.record import Head

BLOCKS_AT_HAND = 256
EXTRINSIC_BYTES_AT_HAND = 2**24
STATE_BYTES_AT_HAND = 2**28
"""Of extrinsics as submitted, and of states, roughly: fewer blocks are at hand beyond these."""
NUMBER_BYTES = 8
HASH_CONTEXT = "iotapretrain 2026 embedded chain: block hash"
MASK_CONTEXT = "iotapretrain 2026 embedded chain: block number"


class BlockHistory:
    """Follows one journal: `tip` is behind the last record read. For one thread at a time."""

    def __init__(self, journal: Journal, codec: Codec) -> None:
        self._journal = journal
        self._replay = FoldReplay(journal, reading(codec, self.start_of), SNAPSHOT_EVERY)
        self.tip = self._replay.opened()
        self._at_hand_after = self.tip.state.block  # of later blocks, everything is at hand
        self._ends: list[Tip] = []  # the last tip of every block at hand before the newest
        self._happened: dict[int, list[Happening]] = {}
        self._happened_bytes = 0
        self._sizes: list[int] = []  # of their states
        self.turn = Turn()
        """Of whoever asks: how long a question about an old block may take at a stretch."""
        self._old = OldBlocks(journal, codec, self.turn)
        self.refresh()

    def refresh(self) -> None:
        """Follow what has been appended since, by whatever process."""
        for tip in self._replay.behind(self.tip):
            self.adopt(tip)

    def adopt(self, tip: Tip) -> None:
        """Move on to the tip behind the next record."""
        if tip.state.block > self.tip.state.block:
            self._ends.append(self.tip)
            self._sizes.append(footprint(self.tip.state.state))
            self._forget()
        for happening in tip.state.done:
            self._happened.setdefault(tip.state.block, []).append(happening)
            self._happened_bytes += len(happening.extrinsic)
        self.tip = tip

    def keep_if_due(self) -> None:
        """Save the newest state beside its record, now and then; it takes the journal's lock."""
        self._replay.save(self.tip)

    def start_of(self, ledger: Ledger, block: int) -> ChainState:
        """The newest block's state so far, or a later block's at its start."""
        return ledger.state if block == ledger.block else advance(self.state(block - 1), block)

    def state(self, block: int) -> ChainState:
        """The state at the end of a block that nothing can join any more."""
        return self._old.state(block, self._tip_of(block).state.state)

    def happenings(self, block: int) -> Sequence[Happening]:
        """What the extrinsics of a block did, in order."""
        if block > self._at_hand_after:
            return self._happened.get(block, [])
        start, end = self._last_record(max(block - 1, 0)), self._last_record(block)
        return self._old.happenings(block, start, end) if start != end else []

    def hash(self, block: int) -> bytes:
        """A closed block's hash: a commitment to the chain up to it, and its number, masked."""
        return block_hash(self.link(block), block)

    def link(self, block: int) -> bytes:
        """The journal's link behind the last record of a closed block."""
        return self._last_record(block).link

    def _tip_of(self, block: int) -> Tip:
        """Behind the last record of a block or of the blocks before it."""
        return self._at_hand(block) or self._old.tip(self._last_record(block))

    def _last_record(self, block: int) -> Head:
        """The head of the journal as it was when a block ended."""
        tip = self._at_hand(block)
        if tip is not None:
            return tip.head
        return self._old.end(block, (self._ends[0] if self._ends else self.tip).head)

    def _at_hand(self, block: int) -> Tip | None:
        if block >= self.tip.state.block:
            return self.tip
        place = bisect_right(self._ends, block, key=attrgetter("state.block"))
        return self._ends[place - 1] if place else None

    def _forget(self) -> None:
        while self._ends and (
            len(self._ends) > BLOCKS_AT_HAND
            or self._happened_bytes > EXTRINSIC_BYTES_AT_HAND
            or sum(self._sizes) > STATE_BYTES_AT_HAND
        ):
            oldest = self._ends.pop(0).state.block
            self._sizes.pop(0)
            self._happened_bytes -= size_of(self._happened.pop(oldest, []))
            self._at_hand_after = max(self._at_hand_after, oldest)


def block_hash(link: bytes, block: int) -> bytes:
    """The hash of a block, from the journal's link behind the last record up to it."""
    number = block.to_bytes(NUMBER_BYTES, "big")
    digest = blake3(link + number, derive_key_context=HASH_CONTEXT).digest(32 - NUMBER_BYTES)
    return digest + _masked(digest, number)


def number_in(hashed: bytes) -> int:
    """The number of the block that would have this hash."""
    digest, masked = hashed[:-NUMBER_BYTES], hashed[-NUMBER_BYTES:]
    return int.from_bytes(_masked(digest, masked), "big")


def _masked(digest: bytes, number: bytes) -> bytes:
    """A masked number looks like the rest of its hash, from which it can be found again."""
    mask = blake3(digest, derive_key_context=MASK_CONTEXT).digest(NUMBER_BYTES)
    return bytes(left ^ right for left, right in zip(mask, number, strict=True))
