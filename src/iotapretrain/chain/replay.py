"""How an embedded chain's journal is read: what each record makes of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bittensor_core
import msgspec

from iotapretrain.chain.block_events import Happening
from iotapretrain.chain.entries import ClockStep, read_beginning, read_record
from iotapretrain.chain.runtime.codec import Codec
from iotapretrain.chain.runtime.extrinsic import Extrinsic, check_signature, parse
from iotapretrain.errors import BrokenError, RecordError, RefusedError
from iotapretrain.rules.chain.ledger.advance import advance
from iotapretrain.rules.chain.ledger.calls.dispatch import make_call
from iotapretrain.rules.chain.ledger.chain_state import ChainState, Subnet
from iotapretrain.rules.chain.ledger.genesis import first_state
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters
from iotapretrain.rules.chain.ledger.transitions import Transaction, decide
from iotapretrain.store.fold import Folded, JournalReading
from iotapretrain.store.journal import Journal
from iotapretrain.store.record import Record

SNAPSHOT = "ledger 1"
"""Kept states carry the version of their encoding."""

SNAPSHOT_EVERY = 2000
"""Records between kept states: hardly more than these are ever replayed to know an old block."""

LARGEST = 65_536
"""Bytes of an extrinsic; a row of weights for every uid that there can be takes a quarter."""

BlockHash = Callable[[int], bytes | None]


@dataclass(frozen=True, slots=True)
class Submission:
    """An extrinsic taken apart; `data` are its bytes as submitted."""

    data: bytes
    extrinsic: Extrinsic
    transaction: Transaction

    def check(self, block: int, block_hash: BlockHash) -> None:
        """Refuse it, if its signature or its era keep it out of this block."""
        check_signature(self.extrinsic, block, block_hash)


def read_submission(codec: Codec, data: bytes) -> Submission:
    """Take the bytes of a signed extrinsic apart; RefusedError for anything else."""
    if len(data) > LARGEST:
        raise RefusedError("ExhaustsResources", f"{len(data)} bytes; at most {LARGEST} are taken")
    extrinsic = parse(data)
    call = codec.decode_call(extrinsic.call)
    signer = str(bittensor_core.ss58_encode(extrinsic.signer))
    performed = make_call(call.pallet, call.name, tuple(call.arguments.values()))
    return Submission(data, extrinsic, Transaction(signer, extrinsic.nonce, performed))


@dataclass(frozen=True, slots=True)
class Ledger:
    """The state behind a record; `count` extrinsics are in its block so far.

    `done` is what an extrinsic's record did, while nobody has kept the ledger and read it back.
    """

    state: ChainState
    count: int = 0
    done: tuple[Happening, ...] = ()

    @property
    def block(self) -> int:
        return self.state.block

    def moved(self, state: ChainState) -> Ledger:
        """At the start of the block of this state, or where it is if it is in that block."""
        return Ledger(state, self.count if state.block == self.block else 0)

    def bare(self) -> Ledger:
        """Without the extrinsic that led here, which whoever keeps states does not count."""
        return Ledger(self.state, self.count)

    def include(self, submission: Submission) -> Ledger:
        """Behind an extrinsic in the same block. Raises RefusedError."""
        outcome = decide(self.state, submission.transaction)
        signer = submission.transaction.signer
        did = Happening(submission.data, signer, outcome.events, outcome.refusal)
        return Ledger(outcome.state, self.count + 1, (did,))


Reach = Callable[[Ledger, int], ChainState]
"""How to get to the state in which a record of a block finds the chain."""

Tip = Folded[Ledger]
"""The ledger behind one record."""

NOTHING = Ledger(ChainState(0, NetworkParameters(), {}, {}, {}, 0))
"""Before the first record."""


def reading(codec: Codec, reach: Reach | None = None) -> JournalReading[Ledger]:
    """How records follow each other; BrokenError for one that could not be there by the rules.

    Without another way to reach it, a later block is come to by running all blocks in between.
    """

    def apply(ledger: Ledger, record: Record) -> Ledger:
        try:
            return _genesis(record) if record.sequence == 1 else _followed(ledger, record)
        except (RecordError, RefusedError) as error:
            raise BrokenError(record.sequence, str(error)) from error

    def _followed(ledger: Ledger, record: Record) -> Ledger:
        stored = read_record(record)
        if stored.block < ledger.block:
            raise RecordError(f"block {stored.block} after block {ledger.block}")
        state = reach(ledger, stored.block) if reach else advance(ledger.state, stored.block)
        if isinstance(stored, ClockStep):
            return Ledger(state)
        return ledger.moved(state).include(read_submission(codec, stored.extrinsic))

    return JournalReading(SNAPSHOT, NOTHING, apply, _dump, _load, stretch=SNAPSHOT_EVERY)


def _genesis(record: Record) -> Ledger:
    genesis = read_beginning(record).genesis
    try:
        return Ledger(first_state(genesis))
    except ValueError as error:
        raise RecordError(str(error)) from error


def _dump(ledger: Ledger) -> bytes:
    return msgspec.json.encode((ledger.block, ledger.count, ledger.state))


def _load(kept: bytes) -> Ledger:
    _, count, state = msgspec.json.decode(kept, type=tuple[int, int, ChainState])
    return Ledger(state, count)


def check_kept(journal: Journal, tip: Tip, name: str) -> None:
    """BrokenError if the state kept beside a record is not what the rules give behind it."""
    found = journal.snapshot(name, at=tip.head.sequence)
    if not name.startswith(f"{SNAPSHOT}/") or found is None or found.head != tip.head:
        return  # nobody reads it
    try:
        same = _load(found.state) == tip.state.bare()
    except (msgspec.DecodeError, ValueError):
        same = False
    if not same:
        problem = "the state kept beside it is not what replaying gives; delete the snapshot"
        raise BrokenError(tip.head.sequence, problem)


ACCOUNT_BYTES = 256
"""An account with its address and its share of the dictionary."""

PAIR_BYTES = 120
"""One weight or bond: a pair, its numbers, and its place in the row."""

NEURON_BYTES = 512
STAKE_BYTES = 256
COMMITMENT_BYTES = 1024


def footprint(state: ChainState) -> int:
    """Bytes of a state that shares nothing with another; most share much, so it is an upper one."""
    owned = ACCOUNT_BYTES * (len(state.accounts) + len(state.owners))
    return owned + sum(map(_subnet, state.subnets.values()))


def _subnet(subnet: Subnet) -> int:
    pairs = sum(map(len, subnet.weights)) + sum(map(len, subnet.bonds))
    stakes = sum(map(len, subnet.stakes.values()))
    return (
        PAIR_BYTES * pairs
        + NEURON_BYTES * len(subnet.neurons)
        + STAKE_BYTES * (stakes + len(subnet.stakes))
        + COMMITMENT_BYTES * len(subnet.commitments)
    )
