"""Checking a whole chain, trusting nothing in its file: every link, signature, rule and balance."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.chain.block_history import block_hash
from iotapretrain.chain.embedded_chain import LONGEST_STEP, journal_path, now_ms
from iotapretrain.chain.entries import (
    ClockStep,
    StoredExtrinsic,
    read_beginning,
    read_record,
)
from iotapretrain.chain.replay import SNAPSHOT_EVERY, check_kept, read_submission, reading
from iotapretrain.chain.runtime.codec import codec
from iotapretrain.errors import BrokenError, RecordError, RefusedError
from iotapretrain.rules.chain.ledger.chain_state import held
from iotapretrain.store.fold import FoldReplay
from iotapretrain.store.journal import Journal, verified
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Record

BALANCE_EVERY = 500
"""Records between two counts of all coins; the last record is always one of them."""


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """A chain that holds: what was checked, and where it stands."""

    records: int
    extrinsics: int
    block: int
    block_hash: bytes
    issuance: int


@dataclass(frozen=True, slots=True)
class BlockWitness:
    """Somebody else's word for the hash of a block, by which a cut-off tail is noticed."""

    who: str
    block: int
    block_hash: bytes


def verify_chain(path: Path, witnesses: Sequence[BlockWitness] = ()) -> ChainVerdict:
    """Replay a chain from its genesis; BrokenError names the first record that does not hold."""
    with open_journal(journal_path(path)) as journal:
        records = verified(journal)
        first = next(records, None)
        if first is None:
            raise BrokenError(1, "it is missing: the journal is empty")
        replay = _Replay(first, journal)
        for record in records:
            replay.check(record)
        for witness in witnesses:
            replay.check_witness(witness)
        return replay.verdict()


class _Replay:
    """The chain as it was behind one record after the other."""

    def __init__(self, first: Record, journal: Journal) -> None:
        try:
            self._clock = read_beginning(first).clock
        except RecordError as error:
            raise BrokenError(first.sequence, str(error)) from error
        self._journal, self._codec = journal, codec(self._clock.settings.block_ms)
        self._replay = FoldReplay(journal, reading(self._codec), SNAPSHOT_EVERY)
        self._tip = self._replay.applied(self._replay.beginning, first)
        self._kept: dict[int, list[str]] = defaultdict(list)
        for sequence, name in journal.snapshot_places():
            self._kept[sequence].append(name)
        self._check_kept()
        self._blocks, self._links = [0], [first.link]
        self._extrinsics = 0
        self._stopped = False

    def check(self, record: Record) -> None:
        """Go on by one record, if it may follow."""
        try:
            stored = read_record(record)
            self._check_time(stored)
            self._stopped = self._clock.settings.kind == "wall" and isinstance(stored, ClockStep)
            if isinstance(stored, StoredExtrinsic):
                submission = read_submission(self._codec, stored.extrinsic)
                if submission.transaction.signer != record.author:
                    raise RecordError("its author is not who signed the extrinsic")
                submission.check(stored.block, lambda number: self._hash(number, stored.block))
                self._extrinsics += 1
        except (RecordError, RefusedError) as error:
            raise BrokenError(record.sequence, str(error)) from error
        self._tip = self._replay.applied(self._tip, record)
        self._note(self._tip.state.block, record.link)
        self._check_kept()
        if record.sequence % BALANCE_EVERY == 0:
            self._count()

    def check_witness(self, witness: BlockWitness) -> None:
        """Refuse a chain that is not the one which somebody saw."""
        found = self._hash(witness.block, witness.block + 1)
        if found != witness.block_hash:
            seen, here = witness.block_hash.hex(), "none" if found is None else f"0x{found.hex()}"
            problem = (
                f"block {witness.block} is {here} here, but {witness.who} saw 0x{seen}: "
                "records behind this one were cut off, or history was rewritten"
            )
            raise BrokenError(self._tip.head.sequence, problem)

    def _check_kept(self) -> None:
        """Nodes open by kept states without replaying what led to them, so these must be right."""
        for name in self._kept.pop(self._tip.head.sequence, ()):
            check_kept(self._journal, self._tip, name)

    def verdict(self) -> ChainVerdict:
        """What there was, once all of it holds."""
        self._count()
        head, ledger = self._tip.head, self._tip.state
        hashed = block_hash(head.link, ledger.block)
        issuance = ledger.state.issuance
        return ChainVerdict(head.sequence, self._extrinsics, ledger.block, hashed, issuance)

    def _check_time(self, stored: StoredExtrinsic | ClockStep) -> None:
        """Refuse blocks that the chain's clock cannot have come to."""
        if self._stopped:
            raise RecordError("it comes after the end, at which the clock was stopped")
        if self._clock.settings.kind == "wall":
            latest = self._clock.closed_at(now_ms()) + 1
        else:
            latest = self._tip.state.block + (LONGEST_STEP if isinstance(stored, ClockStep) else 1)
        if stored.block > latest:
            raise RecordError(f"block {stored.block}, when it could be {latest} at the latest")

    def _note(self, block: int, link: bytes) -> None:
        if block == self._blocks[-1]:
            self._links[-1] = link
        else:
            self._blocks.append(block)
            self._links.append(link)

    def _hash(self, number: int, below: int) -> bytes | None:
        """The hash of a block that was closed when a record of block `below` was written."""
        if not 0 <= number < below:
            return None
        return block_hash(self._links[bisect_right(self._blocks, number) - 1], number)

    def _count(self) -> None:
        found, issuance = held(self._tip.state.state), self._tip.state.state.issuance
        if found != issuance:
            problem = f"{found} rao are held by somebody, but {issuance} were issued"
            raise BrokenError(self._tip.head.sequence, problem)
