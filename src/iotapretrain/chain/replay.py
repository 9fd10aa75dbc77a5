"""The fold over a chain's journal: the state behind each record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec

from iotapretrain.chain.entries import Beginning, Step, read_record
from iotapretrain.chain.runtime.codec import Codec
from iotapretrain.chain.transactions import Submission, read_submission
from iotapretrain.errors import BrokenError, RecordError, RefusedError
from iotapretrain.rules.chain.ledger.advance import advance
from iotapretrain.rules.chain.ledger.chain_state import Event, Refusal, State
from iotapretrain.rules.chain.ledger.genesis import first_state
from iotapretrain.rules.chain.ledger.transitions import decide
from iotapretrain.store.journal import Journal
from iotapretrain.store.record import Head, Record, Snapshot

SNAPSHOT = "ledger 1"
"""Kept states carry the version of their encoding."""

SNAPSHOT_EVERY = 2000
"""Records between kept states: hardly more than these are ever replayed to know an old block."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What an extrinsic did in its block."""

    extrinsic: bytes
    signer: str
    events: tuple[Event, ...]
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Tip:
    """The state behind one record, which is of `block`; `count` extrinsics are in it so far."""

    head: Head
    block: int
    count: int
    state: State


@dataclass(frozen=True, slots=True)
class Included:
    """An extrinsic in its place: the tip behind it, and what it did."""

    tip: Tip
    happening: Happening


Reach = Callable[[Tip, int], State]
"""How to get from a tip to the state in which a record of a block finds the chain."""

Followed = tuple[Tip, Happening | None]
"""The tip behind a record, and what it did if it was an extrinsic."""


def first_tip(record: Record, beginning: Beginning) -> Tip:
    """Behind the genesis."""
    return Tip(Head(record.sequence, record.link), 0, 0, first_state(beginning.genesis))


def include(tip: Tip, filling: State, submission: Submission) -> Included:
    """An extrinsic behind `tip`, in the block of which `filling` is the state so far.

    Its record does not exist yet, so the new tip has the head of the old. Raises RefusedError.
    """
    outcome = decide(filling, submission.transaction)
    signer = submission.transaction.signer
    count = tip.count + 1 if tip.block == filling.block else 1
    return Included(
        Tip(tip.head, filling.block, count, outcome.state),
        Happening(submission.data, signer, outcome.events, outcome.refusal),
    )


def from_tip(tip: Tip, block: int) -> State:
    """The state at the start of a block, or so far in it, by running all blocks in between."""
    return advance(tip.state, block)


def followed(tip: Tip, record: Record, codec: Codec, reach: Reach = from_tip) -> Followed:
    """Behind the next record; BrokenError if by the rules it could not be there."""
    head = Head(record.sequence, record.link)
    try:
        stored = read_record(record)
        if stored.block < tip.block:
            raise RecordError(f"block {stored.block} after block {tip.block}")
        state = reach(tip, stored.block)
        if isinstance(stored, Step):
            return Tip(head, stored.block, 0, state), None
        after = include(tip, state, read_submission(codec, stored.extrinsic))
    except (RecordError, RefusedError) as error:
        raise BrokenError(record.sequence, str(error)) from error
    return replace(after.tip, head=head), after.happening


def keep(journal: Journal, tip: Tip) -> None:
    """Save this state beside its record."""
    state = msgspec.json.encode((tip.block, tip.count, tip.state))
    journal.save_snapshot(_name(tip.head.sequence), Snapshot(tip.head, state))


def kept(journal: Journal, sequence: int) -> Tip | None:
    """The latest kept state at or below a record."""
    for bucket in range(sequence // SNAPSHOT_EVERY, -1, -1):
        found = journal.snapshot(_name(bucket * SNAPSHOT_EVERY), at=sequence)
        if found is not None:
            return _tip(found)
    return None


def check_kept(journal: Journal, tip: Tip, name: str) -> None:
    """BrokenError if the state kept beside a record is not what the rules give behind it."""
    found = journal.snapshot(name, at=tip.head.sequence)
    if not name.startswith(f"{SNAPSHOT}/") or found is None or found.head != tip.head:
        return  # nobody reads it
    try:
        same = _tip(found) == tip
    except (msgspec.DecodeError, ValueError):
        same = False
    if not same:
        problem = "the state kept beside it is not what replaying gives; delete the snapshot"
        raise BrokenError(tip.head.sequence, problem)


def _tip(found: Snapshot) -> Tip:
    block, count, state = msgspec.json.decode(found.state, type=tuple[int, int, State])
    return Tip(found.head, block, count, state)


def replayed(journal: Journal, start: Tip, sequence: int, codec: Codec) -> Iterator[Followed]:
    """What comes behind every record after `start`, up to and with the one of this sequence."""
    tip = start
    if sequence > tip.head.sequence:
        for record in journal.read(tip.head.sequence, sequence - tip.head.sequence):
            tip, happening = followed(tip, record, codec)
            yield tip, happening


def _name(sequence: int) -> str:
    """Kept states have a name for every stretch of records, since only few of a name are kept."""
    return f"{SNAPSHOT}/{sequence // SNAPSHOT_EVERY}"
