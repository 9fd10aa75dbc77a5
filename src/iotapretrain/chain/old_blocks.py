"""Blocks that are no longer at hand: replayed from a kept state, a turn at a time, and remembered.

What a turn has worked out is put aside before it ends: a question asked again goes on from there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from iotapretrain.chain.allowances import Recent
from iotapretrain.chain.block_events import Happening
from iotapretrain.chain.entries import read_block
from iotapretrain.chain.replay import SNAPSHOT_EVERY, Tip, footprint, reading
from iotapretrain.chain.runtime.codec import Codec
from iotapretrain.errors import BrokenError, UnfinishedError
from iotapretrain.rules.chain.ledger.advance import advance
from iotapretrain.rules.chain.ledger.chain_state import ChainState
from iotapretrain.store.fold import Folded, FoldReplay
from iotapretrain.store.journal import Journal
from iotapretrain.store.record import Head, Record

OLD_TIP_BYTES = OLD_STATE_BYTES = 2**25
"""Of states, roughly: a full subnet's takes about 4 MB, a small one's some KB."""

OLD_EXTRINSIC_BYTES = 2**22
ENTRY_BYTES = 512
"""Beside the extrinsics, as submitted."""

HEADS_REMEMBERED = 8192
"""Ends of blocks that were searched for, about 200 bytes each."""

BLOCKS_A_STRETCH = 1000
"""Empty blocks that are worked out at once: about 10 ms of work."""


class Turn(threading.local):
    """One a thread; without an end unless somebody sets one."""

    def __init__(self) -> None:
        self._end: float | None = None

    @contextmanager
    def lasting(self, seconds: float) -> Iterator[None]:
        """End the turn so many seconds from now."""
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._end = None

    @property
    def over(self) -> bool:
        """Whether it is time to put aside what has been worked out, and to stop."""
        return self._end is not None and time.monotonic() >= self._end

    def check(self) -> None:
        """UnfinishedError once it is over; for who has put aside what it worked out."""
        if self.over:
            raise UnfinishedError


class OldBlocks:
    """What old blocks were. For one thread at a time."""

    def __init__(self, journal: Journal, codec: Codec, turn: Turn) -> None:
        self._journal, self._turn = journal, turn
        self._replay = FoldReplay(journal, reading(codec), SNAPSHOT_EVERY)
        self._tips: Recent[int, Tip] = Recent(OLD_TIP_BYTES)
        self._states: Recent[int, ChainState] = Recent(OLD_STATE_BYTES)
        self._told: Recent[int, tuple[Happening, ...]] = Recent(OLD_EXTRINSIC_BYTES)
        self._begun: Recent[int, tuple[Tip, tuple[Happening, ...]]] = Recent(OLD_TIP_BYTES)
        self._ends: Recent[int, Head] = Recent(HEADS_REMEMBERED)

    def state(self, block: int, before: ChainState) -> ChainState:
        """The state at the end of a block, of which `before` is an earlier one."""
        found = self._states.get(block)
        if found is not None:
            return found
        nearest = max((near for near in self._states.held() if near < block), default=-1)
        best = before
        if nearest > best.block:
            best = self._states.get(nearest) or best
        while best.block + BLOCKS_A_STRETCH < block:
            best = advance(best, best.block + BLOCKS_A_STRETCH)
            if self._turn.over:
                self._keep_state(best)
                self._turn.check()
        return self._keep_state(advance(best, block))

    def tip(self, head: Head) -> Tip:
        near = tip = self._nearest(head.sequence)
        for tip in self._replay.behind(near, head.sequence - near.head.sequence):
            if self._turn.over and tip.head.sequence < head.sequence:
                self._keep_tip(tip)
                self._turn.check()
        return self._keep_tip(tip)

    def happenings(self, block: int, start: Head, end: Head) -> tuple[Happening, ...]:
        """What the extrinsics between two records did, which are those of one block."""
        found = self._told.get(block)
        if found is not None:
            return found
        begun, told = self._begun.get(block) or (self.tip(start), ())
        happened = list(told)
        for tip in self._replay.behind(begun, end.sequence - begun.head.sequence):
            happened += tip.state.done
            if self._turn.over and tip.head.sequence < end.sequence:
                size = footprint(tip.state.state) + size_of(happened)
                self._begun.put(block, (tip, tuple(happened)), size)
                self._turn.check()
        self._begun.drop(block)
        return self._told.put(block, tuple(happened), ENTRY_BYTES + size_of(happened))

    def end(self, block: int, oldest: Head) -> Head:
        """The last record of a block or before it; `oldest` is of a later block."""
        found = self._ends.get(block)
        if found is not None:
            return found
        found = self._ends.put(block, self._search(block, oldest))
        self._turn.check()
        return found

    def _search(self, block: int, oldest: Head) -> Head:
        """By halving; blocks never decrease."""
        low, high = 1, oldest.sequence
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._block_of(middle) <= block else (low, middle)
        return Head(low, self._record(low).link)

    def _nearest(self, sequence: int) -> Tip:
        """The latest tip at or before a record that is remembered, or else kept in the journal."""
        remembered = self._tips.get(max((n for n in self._tips.held() if n <= sequence), default=0))
        places = (place for place, _ in self._journal.snapshot_places() if place <= sequence)
        if remembered is not None and remembered.head.sequence >= max(places, default=0):
            return remembered
        return self._replay.kept(sequence)

    def _keep_state(self, state: ChainState) -> ChainState:
        return self._states.put(state.block, state, footprint(state))

    def _keep_tip(self, tip: Tip) -> Tip:
        bare = Folded(tip.head, tip.state.bare())
        return self._tips.put(tip.head.sequence, bare, footprint(tip.state.state))

    def _block_of(self, sequence: int) -> int:
        return read_block(self._record(sequence))

    def _record(self, sequence: int) -> Record:
        record = self._journal.record(sequence)
        if record is None:
            raise BrokenError(sequence, "it is missing")
        return record


def size_of(happenings: Sequence[Happening]) -> int:
    """Bytes of the extrinsics."""
    return sum(len(happening.extrinsic) for happening in happenings)
