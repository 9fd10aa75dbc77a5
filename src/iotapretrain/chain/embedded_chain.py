"""The chain in a file: one SQLite journal, shared by many processes (docs/chain.md)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from iotapretrain.chain.allowances import IdleRoom
from iotapretrain.chain.block_events import Happening, block_events
from iotapretrain.chain.block_history import BlockHistory, number_in
from iotapretrain.chain.entries import extrinsic_draft, read_beginning, step_draft
from iotapretrain.chain.node import Entry, Header, Keys, Submitted
from iotapretrain.chain.replay import BlockHash, Ledger, Submission, Tip, read_submission
from iotapretrain.chain.runtime.codec import codec
from iotapretrain.chain.runtime.extrinsic import digest, open_sealed
from iotapretrain.chain.views import runtime_api, storage_items
from iotapretrain.errors import ChainError, InputError, RefusedCallError, RefusedError
from iotapretrain.rules.chain.ledger.calls.dispatch import SubmitEncrypted
from iotapretrain.rules.chain.ledger.chain_state import ChainState, LedgerEvent
from iotapretrain.rules.chain.ledger.money import check_means
from iotapretrain.rules.chain.ledger.transitions import check_nonce
from iotapretrain.store.fold import Folded, GroupCommit
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft, Record

JOURNAL = "chain.sqlite"
MANUAL_PAUSE_SECONDS = 0.05
"""Between two looks at a chain whose clock somebody else may move."""

ENDED_PAUSE_SECONDS = 1.0
"""Between two looks at a chain to which nothing comes any more."""

LONGEST_STEP = 10_000_000
"""Blocks that a manual clock can be moved on by at once: years of them, and minutes of work."""

NO_PARENT = bytes(32)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class BlockOffer:
    """Extrinsics that are to go into one block together, in this order."""

    submissions: tuple[Submission, ...]
    keep_failed: bool
    """Keep a call that fails, as the real chain does, rather than refuse the whole offer."""


class EmbeddedChain:
    """A `Node` over one journal. Threads may share it; each process opens its own.

    There are no forks, so every closed block is final; nothing costs a fee, as there is no block
    author to be paid.
    """

    def __init__(self, path: Path, now: Callable[[], int] = now_ms) -> None:
        self.path = journal_path(path)
        self._now = now
        self._journal = open_journal(self.path)
        try:
            self.clock = read_beginning(self._journal.record(1)).clock
            self.codec = codec(self.clock.settings.block_ms)
            self._history = BlockHistory(self._journal, self.codec)
        except BaseException:
            self._journal.close()
            raise
        self._turn = threading.RLock()
        self._closed = 0
        self._ended: int | None = None
        self._idle = IdleRoom()
        self._commits: GroupCommit[BlockOffer, list[Submitted]] = GroupCommit(self._commit)
        self._genesis_hash = self._history.hash(0)

    # Time

    def head(self) -> int:
        """The newest closed block.

        A block whose time is over is closed once everybody who was still writing into it is done.
        """
        if self.clock.settings.kind == "manual":
            self._closed = self._refreshed().block
            return self._closed
        over = self.clock.closed_at(self._now())
        if self._ended is None and over > self._closed:
            self._wait_for_writers()
            ended = self.ended()
            self._closed = max(over, self._closed) if ended is None else ended
        return self._closed

    def finalized(self) -> int:
        return self.head()

    def until_next_block(self) -> float:
        if self.clock.settings.kind == "manual":
            return MANUAL_PAUSE_SECONDS
        if self._ended is not None:
            return ENDED_PAUSE_SECONDS
        return max(self.clock.closes_ms(self._closed + 1) - self._now(), 0) / 1000

    def advance(self, blocks: int) -> int:
        """Move a manual clock on by this many empty blocks; the new head."""
        if not 1 <= blocks <= LONGEST_STEP:
            raise InputError(f"blocks: {blocks} is not from 1 to {LONGEST_STEP}")
        if self.clock.settings.kind != "manual":
            raise ChainError(f"{self.path}: its blocks follow the wall clock; wait for them")
        with self._journal.writing() as writer:
            writer.append([step_draft(self._refreshed().block + blocks)])
        return self.head()

    def stop(self) -> int:
        """Stop a wall clock for ever; the block that is being filled is the last."""
        if self.clock.settings.kind == "manual":
            raise ChainError(f"{self.path}: its clock stands still until somebody moves it")
        with self._journal.writing() as writer:
            if self.ended() is None:
                writer.append([step_draft(self._filling())])
        self._closed = self.ended() or self._closed
        return self._closed

    def ended(self) -> int | None:
        """The last block, once a wall clock was stopped: its one step is its end."""
        tip = self._refreshed_tip()
        stepped = tip.head.sequence > 1 and not tip.state.count  # neither genesis nor extrinsic
        if stepped and self.clock.settings.kind == "wall":
            self._ended = tip.state.block
        return self._ended

    @property
    def stands_still(self) -> bool:
        """Whether no block comes by itself."""
        return self.clock.settings.kind == "manual" or self.ended() is not None

    def turn(self, seconds: float) -> AbstractContextManager[None]:
        """While it lasts, this thread's questions raise UnfinishedError when it is over."""
        return self._history.turn.lasting(seconds)

    # Blocks

    @property
    def genesis_hash(self) -> bytes:
        return self._genesis_hash

    def block_hash(self, number: int) -> bytes | None:
        if not 0 <= number <= self._known_head(number):
            return None
        with self._turn:
            return self._history.hash(number)

    def block_number(self, block_hash: bytes) -> int | None:
        number = number_in(block_hash)
        return number if self.block_hash(number) == block_hash else None

    def header(self, number: int) -> Header:
        hashes = map(digest, self.extrinsics(number))
        with self._turn:
            return Header(
                parent=self._history.hash(number - 1) if number else NO_PARENT,
                number=number,
                state_root=self._history.link(number),
                extrinsics_root=digest(b"".join(hashes)),
            )

    def extrinsics(self, number: int) -> list[bytes]:
        return [happening.extrinsic for happening in self.happenings(number)]

    def events(self, number: int) -> list[LedgerEvent]:
        return block_events(self.happenings(number))

    def happenings(self, number: int) -> Sequence[Happening]:
        """What each extrinsic of a closed block did."""
        self._check_closed(number)
        with self._turn:
            return self._history.happenings(number)

    # State

    def state(self, number: int) -> ChainState:
        """The ledger as of a closed block's end."""
        self._check_closed(number)
        with self._turn:
            return self._history.state(number)

    def storage(self, number: int, pallet: str, item: str, keys: Keys) -> object:
        if (pallet, item) == ("Timestamp", "Now"):
            self._check_closed(number)
            return self.clock.closes_ms(number)
        return storage_items.read(self.state(number), pallet, item, keys)

    def storage_map(self, number: int, pallet: str, item: str, prefix: Keys) -> Iterator[Entry]:
        return storage_items.entries(self.state(number), pallet, item, prefix)

    def runtime_api(self, number: int, api: str, method: str, arguments: Keys) -> object:
        return runtime_api.call(self.state(number), api, method, arguments)

    def nonce(self, account: str) -> int:
        return self._refreshed().state.account(account).nonce

    # Writing

    def fee(self, extrinsic: bytes) -> int:  # noqa: ARG002 -- nothing has a price
        return 0

    def submit(self, extrinsic: bytes) -> Submitted:
        """Give an extrinsic its place; a call that fails is kept in its block, as everywhere."""
        return self.offer([extrinsic], keep_failed=True).result()[0]

    def offer(
        self, extrinsics: Sequence[bytes], keep_failed: bool = False
    ) -> Future[list[Submitted]]:
        """Give extrinsics their places in one block, together with whatever else is on its way.

        The future raises RefusedError for invalid transactions and, unless failed calls are kept,
        RefusedCallError for the first that would fail; then none of these is stored.
        """
        submissions: list[Submission] = []
        for data in extrinsics:
            submission = read_submission(self.codec, data)
            submissions += [submission, *self._sealed_in(submission, keep_failed)]
        return self._commits.submit(BlockOffer(tuple(submissions), keep_failed))

    def close(self) -> None:
        """Commit what was offered, and let go of the file."""
        self._commits.close()
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _refreshed(self) -> Ledger:
        """The newest ledger, with whatever other processes have written."""
        return self._refreshed_tip().state

    def _refreshed_tip(self) -> Tip:
        with self._turn:
            self._history.refresh()
            return self._history.tip

    def _known_head(self, number: int) -> int:
        """The head; looks for a newer one only if the block is not known to be closed."""
        return self._closed if number <= self._closed else self.head()

    def _check_closed(self, number: int) -> None:
        if not 0 <= number <= self._known_head(number):
            raise ChainError(f"block {number} is not there; the newest is {self.head()}")

    def _wait_for_writers(self) -> None:
        """Return when nobody can be writing who had his turn before."""
        if self._journal.writable:
            with self._journal.writing():
                pass

    def _sealed_in(self, submission: Submission, keep_failed: bool) -> list[Submission]:
        """The extrinsic inside an envelope, which joins the same block."""
        call = submission.transaction.call
        if not isinstance(call, SubmitEncrypted):
            return []
        opened = open_sealed(self.genesis_hash, call.sealed)
        try:
            if opened is None:
                raise RefusedError("Call", "the sealed extrinsic is not sealed to this chain's key")
            return [read_submission(self.codec, opened)]
        except RefusedError:
            if keep_failed:
                return []
            raise

    def _commit(self, offers: Sequence[BlockOffer]) -> list[list[Submitted] | Exception]:
        """Put offers into the block that is being filled; each succeeds or fails by itself."""
        results: list[list[Submitted] | Exception] = []
        placed: list[Ledger] = []
        with self._journal.writing() as writer:
            if (ended := self.ended()) is not None:
                refusal = ChainError(f"{self.path}: this network has ended at block {ended}")
                return [refusal for _ in offers]
            with self._turn:
                newest = self._refreshed()
                filling = newest.moved(self._history.start_of(newest, self._filling()))
                for offer in offers:
                    try:
                        taken = self._taken(filling, offer)
                    except (RefusedError, RefusedCallError) as error:
                        results.append(error)
                        continue
                    placed += taken
                    filling = taken[-1]
                    results.append([_submitted(each) for each in taken])
            records = writer.append(_draft(each) for each in placed)
        self._adopt(placed, records)
        self._history.keep_if_due()
        return results

    def _adopt(self, placed: Sequence[Ledger], records: Sequence[Record]) -> None:
        """Move on to what has just been committed, unless somebody has read it back already."""
        with self._turn:
            for ledger, record in zip(placed, records, strict=True):
                if record.sequence == self._history.tip.head.sequence + 1:
                    self._history.adopt(Folded(record.head, ledger))

    def _filling(self) -> int:
        """The number of the block that is being filled; only while holding the journal."""
        newest = self._history.tip.state.block
        if self.clock.settings.kind == "manual":
            return newest + 1
        return max(self.clock.closed_at(self._now()) + 1, self._closed + 1, newest)

    def _taken(self, filling: Ledger, offer: BlockOffer) -> list[Ledger]:
        """The extrinsics of an offer in their places; the first that may not be is raised."""
        taken: list[Ledger] = []
        for submission in offer.submissions:
            try:
                if offer.keep_failed:
                    check_means(filling.state, submission.transaction.signer)
                check_nonce(filling.state, submission.transaction)  # a replay need not be verified
                submission.check(filling.block, self._hash_before(filling.block))
                placed = filling.include(submission)
            except RefusedError:
                if offer.keep_failed and taken:
                    break  # what an envelope held; the envelope itself stands
                raise
            refusal = placed.done[-1].refusal
            if refusal is not None and not offer.keep_failed:
                raise RefusedCallError(refusal.pallet, refusal.name)
            taken.append(placed)
            filling = placed
        if offer.keep_failed and not any(map(_did_something, taken, offer.submissions)):
            size = sum(len(each.done[-1].extrinsic) for each in taken)
            self._idle.take(filling.state, offer.submissions[0].transaction.signer, size)
        return taken

    def _hash_before(self, block: int) -> BlockHash:
        """The hashes that an extrinsic of a block may know."""
        return lambda number: self._history.hash(number) if 0 <= number < block else None


def journal_path(path: Path) -> Path:
    """The journal of a network's folder, or the path of a journal itself."""
    return path / JOURNAL if path.is_dir() else path


def _submitted(placed: Ledger) -> Submitted:
    return Submitted(digest(placed.done[-1].extrinsic), placed.block, placed.count - 1)


def _did_something(placed: Ledger, submission: Submission) -> bool:
    """An envelope by itself does nothing."""
    envelope = isinstance(submission.transaction.call, SubmitEncrypted)
    return placed.done[-1].refusal is None and not envelope


def _draft(placed: Ledger) -> Draft:
    did = placed.done[-1]
    return extrinsic_draft(placed.block, did.extrinsic, did.signer)
